import { isSpanContextValid, trace } from '@opentelemetry/api';
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry-v2';
import { extractContextFromHeaders } from '@temporalio/interceptors-opentelemetry-v2/lib/instrumentation.js';
import type { ActivityInterceptorsFactory, WorkerOptions } from '@temporalio/worker';

/** Temporal's plugin, and trace and span in the lines that the SDK logs of an activity whose own span is over, as when it failed. */
export class TracingPlugin extends OpenTelemetryPlugin {
  override configureWorker(options: WorkerOptions): WorkerOptions {
    const { interceptors } = options;
    return super.configureWorker({
      ...options,
      interceptors: { ...interceptors, activity: [...(interceptors?.activity ?? []), namingTraces] },
    });
  }
}

const namingTraces: ActivityInterceptorsFactory = () => {
  let scheduled: object = {};
  return {
    inbound: {
      async execute(input, next) {
        const context = extractContextFromHeaders(input.headers);
        const span = context && trace.getSpanContext(context);
        if (span !== undefined && isSpanContextValid(span))
          scheduled = { trace_id: span.traceId, span_id: span.spanId };
        return await next(input);
      },
    },
    // Where a span is active, that one is named.
    outbound: { getLogAttributes: (input, next) => ({ ...scheduled, ...next(input) }) },
  };
};
