import { isSpanContextValid, trace } from '@opentelemetry/api';
import { destination, type Logger, type LoggerOptions, pino } from 'pino';

export type { Logger } from 'pino';

/** Ids of the span that is active where a line is logged, under the names that log back ends join on. */
function spanIds(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span !== undefined && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}

/** Structured log: one JSON object a line on stderr, so that stdout stays free for results. */
export function createLogger({ level, name }: { readonly level: string; readonly name: string }): Logger {
  const options: LoggerOptions = {
    level,
    name,
    mixin: spanIds,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  // Synchronous: the last lines before a crash are the ones that matter.
  return pino(options, destination({ dest: 2, sync: true }));
}
