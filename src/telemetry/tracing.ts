import { type Attributes, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { Failure } from '../contracts/failures.ts';

/** Runs `body` inside a span, which ends with it; a failure marks it with its class. A no-op without a running SDK. */
export async function withSpan<T>(name: string, attributes: Attributes, body: (span: Span) => Promise<T>): Promise<T> {
  return await trace.getTracer('nightreel').startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await body(span);
    } catch (error) {
      // The message of an error that is no Failure may quote a recipient's params: it stays out.
      const failureClass = error instanceof Failure ? error.failureClass : 'Internal';
      span.setAttribute('error.type', failureClass);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Failure ? error.message : failureClass });
      throw error;
    } finally {
      span.end();
    }
  });
}
