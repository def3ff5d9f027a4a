import {
  type Attributes,
  context,
  createContextKey,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { RenderStage } from '../contracts/batch.ts';
import { Failure, type FailureClass } from '../contracts/failures.ts';

/** What making a video is made of, as spans and metrics name it. */
export type Stage = RenderStage | 'publish';

/** Runs `body` inside a span, which ends with it; a failure marks it with its class. A no-op without a running SDK. */
export async function withSpan<T>(name: string, attributes: Attributes, body: (span: Span) => Promise<T>): Promise<T> {
  return await inSpan(name, attributes, body, (error) => (error instanceof Failure ? error.message : undefined));
}

/**
 * Does the work of a step inside a span. What it says when it fails may still quote a recipient: the span tells the class alone.
 * @param onDone is told how long it took when it worked, ms.
 */
export async function inStep<T>(
  name: string,
  work: (span: Span) => Promise<T>,
  onDone: (durationMs: number) => void = () => undefined,
): Promise<T> {
  const startedAt = performance.now();
  const result = await inSpan(name, {}, work, () => undefined);
  onDone(performance.now() - startedAt);
  return result;
}

/** Of the span that is active; null: there is none. */
export function activeTraceId(): string | null {
  const active = trace.getActiveSpan()?.spanContext();
  return active !== undefined && isSpanContextValid(active) ? active.traceId : null;
}

/** Marks the active span, which ends with it, with the class of a failure. */
export function markFailed(failureClass: FailureClass): void {
  trace.getActiveSpan()?.setAttribute('error.type', failureClass);
}

const QUIET = createContextKey('nightreel: no spans');

/** Does work of which there may be very much in one trace: without spans of its own. */
export async function withoutSpans<T>(work: () => Promise<T>): Promise<T> {
  return await context.with(context.active().setValue(QUIET, true), work);
}

async function inSpan<T>(
  name: string,
  attributes: Attributes,
  body: (span: Span) => Promise<T>,
  messageOf: (error: unknown) => string | undefined,
): Promise<T> {
  if (context.active().getValue(QUIET) === true) return await body(trace.wrapSpanContext(INVALID_SPAN_CONTEXT));
  return await trace.getTracer('nightreel').startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await body(span);
    } catch (error) {
      // The message of an error that is no Failure may quote a recipient's params: it stays out.
      const failureClass = error instanceof Failure ? error.failureClass : 'Internal';
      span.setAttribute('error.type', failureClass);
      span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) ?? failureClass });
      throw error;
    } finally {
      span.end();
    }
  });
}
