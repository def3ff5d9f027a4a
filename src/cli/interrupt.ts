import { Failure } from '../contracts/failures.ts';

/**
 * A signal that aborts on Ctrl-C or SIGTERM, so that every scope can clean up; a second Ctrl-C ends the process at once.
 * @param message what the person reads: what was stopped and how to take it up again.
 */
export function onInterrupt(message: string): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Failure('Cancelled', message));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}
