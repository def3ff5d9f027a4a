import { Failure, type FailureClass } from '../../contracts/failures.ts';

export interface Limit {
  readonly ms: number;
  /** Who is asked. */
  readonly who: string;
  /** Of who does not answer. */
  readonly failureClass: FailureClass;
}

/**
 * What `ask` answers, but for no longer than that: then its signal aborts, nobody waits for it any more, and it is a failure of that
 * class. A server that takes a connection and says nothing must not hold up the examination.
 */
export async function withinLimit<T>(
  { ms, who, failureClass }: Limit,
  outer: AbortSignal,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const late = new Failure(failureClass, `${who} did not answer within ${ms / 1000} s.`);
  const timer = setTimeout(() => over.abort(late), ms);
  const signal = AbortSignal.any([outer, over.signal]);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([ask(signal), aborted]);
  } catch (error) {
    // Who was told to stop calls it a cancellation.
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
