/**
 * Spans of workflows: those of Temporal's interceptors, but what makes one video or one scene is a trace of its own. Its ID is that of the
 * run without the dashes, so whoever knows the run finds the trace; its root links to the trace of whoever started it.
 */

// These make room in the sandbox for OpenTelemetry, and so come before it.
import '@temporalio/interceptors-opentelemetry-v2/lib/workflow/performance-polyfill.js';
import '@temporalio/interceptors-opentelemetry-v2/lib/workflow/runtime.js';
import {
  type Attributes,
  context,
  createTraceState,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { BasicTracerProvider, SamplingDecision, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  extractContextFromHeaders,
  headersWithContext,
  TRACE_HEADER,
} from '@temporalio/interceptors-opentelemetry-v2/lib/instrumentation.js';
import { DeterministicIdGenerator } from '@temporalio/interceptors-opentelemetry-v2/lib/workflow/id-generator.js';
import {
  OpenTelemetryInboundInterceptor,
  OpenTelemetryInternalsInterceptor,
  OpenTelemetryOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry-v2/lib/workflow/index.js';
import { SpanExporter } from '@temporalio/interceptors-opentelemetry-v2/lib/workflow/span-exporter.js';
import {
  type ActivityInput,
  ContinueAsNew,
  type GetLogAttributesInput,
  type Headers,
  type Next,
  type QueryInput,
  type StartChildWorkflowExecutionInput,
  type WorkflowExecuteInput,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptors,
  type WorkflowOutboundCallsInterceptor,
  workflowInfo,
} from '@temporalio/workflow';
import { type BatchRef, batchIdOf } from '../contracts/ids.ts';
import { ONE_OF_MANY, traceIdOf } from '../contracts/spans.ts';
import { classify } from './failure-class.ts';

/** Workflows of which a night has thousands, and what they call that which they make. */
const OF_MANY: Readonly<Record<string, string>> = {
  renderVariant: 'nightreel.variant',
  renderScene: 'nightreel.scene',
};

/** One that had to continue as new, because very many people share it, goes on in the trace that it began. */
const beginsTrace = (): boolean =>
  OF_MANY[workflowInfo().workflowType] !== undefined && workflowInfo().continuedFromExecutionRunId === undefined;

/** The root span of a run is named after it: a run that was reset repeats the random numbers of the one before it. */
class RunIds extends DeterministicIdGenerator {
  /** Whether the span that is being made is the run's own. */
  isRoot = false;

  override generateTraceId(): string {
    return this.isRoot ? ownTraceId() : super.generateTraceId();
  }

  override generateSpanId(): string {
    return this.isRoot ? ownTraceId().slice(-16) : super.generateSpanId();
  }
}

const ownTraceId = (): string => traceIdOf(workflowInfo().runId);

const ids = new RunIds();

const tracer = new BasicTracerProvider({
  idGenerator: ids,
  // All is recorded: which of the many are exported is decided where spans leave the process.
  sampler: {
    shouldSample: () => ({
      decision: SamplingDecision.RECORD_AND_SAMPLED,
      ...(ids.isRoot &&
        beginsTrace() && { traceState: createTraceState().set(ONE_OF_MANY, workflowInfo().workflowType) }),
    }),
  },
  spanProcessors: [new SimpleSpanProcessor(new SpanExporter())],
}).getTracer('nightreel');

/** The span of this run, for lines that the SDK logs when it is over. */
interface Run {
  root: SpanContext | undefined;
}

class Inbound extends OpenTelemetryInboundInterceptor {
  protected override readonly tracer = tracer;
  private readonly run: Run;

  constructor(run: Run) {
    super();
    this.run = run;
  }

  override async execute(
    input: WorkflowExecuteInput,
    next: Next<WorkflowInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const starter = beginsTrace() ? spanIn(input.headers) : undefined;
    const { [TRACE_HEADER]: _, ...headers } = input.headers;
    const traced = async (inner: WorkflowExecuteInput): Promise<unknown> => {
      ids.isRoot = false;
      const span = trace.getActiveSpan();
      this.run.root = span?.spanContext();
      span?.setAttributes(attributesOf(input.args[0]));
      if (starter !== undefined) span?.addLink({ context: starter });
      try {
        return await next(inner);
      } catch (error) {
        if (!(error instanceof ContinueAsNew)) span?.setAttribute('error.type', classify(error).failureClass);
        throw error;
      }
    };
    ids.isRoot = true;
    return await super.execute(beginsTrace() ? { ...input, headers } : input, traced);
  }

  /** No span: somebody who looks on every second is no part of the night. */
  override async handleQuery(
    input: QueryInput,
    next: Next<WorkflowInboundCallsInterceptor, 'handleQuery'>,
  ): Promise<unknown> {
    return await next(input);
  }
}

/**
 * A span for as long as it takes. What comes back is the very promise that was made: whoever awaits it goes on in the same turn as
 * without spans, and commands keep their order.
 */
function during<T>(name: string, work: () => Promise<T>): Promise<T> {
  const span = tracer.startSpan(name);
  const done = context.with(trace.setSpan(context.active(), span), work);
  done.then(
    () => span.setStatus({ code: SpanStatusCode.OK }).end(),
    (error: unknown) => {
      const { failureClass, message } = classify(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message }).setAttribute('error.type', failureClass).end();
    },
  );
  return done;
}

class Outbound extends OpenTelemetryOutboundInterceptor {
  protected override readonly tracer = tracer;
  private readonly run: Run;

  constructor(run: Run) {
    super();
    this.run = run;
  }

  override scheduleActivity(
    input: ActivityInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'scheduleActivity'>,
  ): Promise<unknown> {
    return during(`StartActivity:${input.activityType}`, () =>
      next({ ...input, headers: headersWithContext(input.headers) }),
    );
  }

  /** No span for what begins a trace: the batch's own would have one for every video. */
  override startChildWorkflowExecution(
    input: StartChildWorkflowExecutionInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'startChildWorkflowExecution'>,
  ): Promise<[Promise<string>, Promise<unknown>]> {
    const start = () => next({ ...input, headers: headersWithContext(input.headers) });
    return OF_MANY[input.workflowType] === undefined
      ? during(`StartChildWorkflow:${input.workflowType}`, start)
      : start();
  }

  override getLogAttributes(
    input: GetLogAttributesInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'getLogAttributes'>,
  ): Record<string, unknown> {
    const { root } = this.run;
    const attributes = super.getLogAttributes(input, next);
    return root === undefined ? attributes : { trace_id: root.traceId, span_id: root.spanId, ...attributes };
  }
}

/** Without the trace state, which does not survive the way out of the sandbox. */
function spanIn(headers: Headers): SpanContext | undefined {
  const extracted = extractContextFromHeaders(headers);
  const found = extracted && trace.getSpanContext(extracted);
  return found && { traceId: found.traceId, spanId: found.spanId, traceFlags: found.traceFlags, isRemote: true };
}

/** What an argument says of what it is about: every workflow has a campaign or a batch, or a plan of one. */
function attributesOf(argument: unknown): Attributes {
  const { campaign, batch, plan, key } = (argument ?? {}) as {
    readonly campaign?: string;
    readonly batch?: BatchRef;
    readonly plan?: { readonly batch?: BatchRef };
    readonly key?: string;
  };
  const about = batch ?? plan?.batch;
  const name = OF_MANY[workflowInfo().workflowType];
  return {
    'nightreel.campaign': about?.campaign ?? campaign,
    ...(about && { 'nightreel.batch': batchIdOf(about) }),
    ...(name !== undefined && { [name]: key }),
  };
}

export const interceptors = (): WorkflowInterceptors => {
  const run: Run = { root: undefined };
  return {
    inbound: [new Inbound(run)],
    outbound: [new Outbound(run)],
    internals: [new OpenTelemetryInternalsInterceptor()],
  };
};
