import { isSpanContextValid, trace } from '@opentelemetry/api';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import {
  makeWorkflowExporter,
  OpenTelemetryPlugin,
  type OpenTelemetryPluginOptions,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry-v2';
import {
  extractContextFromHeaders,
  RUN_ID_ATTR_KEY,
  WORKFLOW_ID_ATTR_KEY,
} from '@temporalio/interceptors-opentelemetry-v2/lib/instrumentation.js';
import type { ActivityInterceptorsFactory, WorkerOptions } from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';

/**
 * Temporal's plugin, with two differences. Spans of workflows say which workflow and run they are of, as those of activities do, and not
 * everything that is known of it. And the lines that the SDK logs of an activity whose span is over, as when it failed, name its trace.
 */
export class TracingPlugin extends OpenTelemetryPlugin {
  private readonly workflowSpans: ReturnType<typeof makeWorkflowExporter>['export'];

  constructor(options: OpenTelemetryPluginOptions) {
    super(options);
    this.workflowSpans = makeWorkflowExporter(options.spanProcessor, options.resource).export;
  }

  override configureWorker(options: WorkerOptions): WorkerOptions {
    const { interceptors } = options;
    const configured = super.configureWorker({
      ...options,
      interceptors: { ...interceptors, activity: [...(interceptors?.activity ?? []), namingTraces] },
    });
    const { fn } = this.workflowSpans;
    const exporter = {
      export: { fn: (info: WorkflowInfo, spans: Parameters<typeof fn>[1]) => fn(named(info), spans) },
    };
    return { ...configured, sinks: { ...configured.sinks, exporter } };
  }
}

/** Spans for what a client starts and changes, and none for looking: who follows a night asks every second. */
export function clientCalls(): WorkflowClientInterceptor {
  const all = new OpenTelemetryWorkflowClientInterceptor();
  return {
    start: (input, next) => all.start(input, next),
    startWithDetails: (input, next) => all.startWithDetails(input, next),
    startUpdate: (input, next) => all.startUpdate(input, next),
    cancel: (input, next) => all.cancel(input, next),
  };
}

/** What is given as a workflow's info becomes attributes of its spans. */
const named = ({ workflowId, runId }: WorkflowInfo): WorkflowInfo =>
  ({ [WORKFLOW_ID_ATTR_KEY]: workflowId, [RUN_ID_ATTR_KEY]: runId }) as unknown as WorkflowInfo;

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
