/** Signals to processes that a test has looked for. */

import { isNativeError } from 'node:util/types';

/** Sends all of these processes a signal. Returns how many got it: one may have ended since it was looked for. */
export function signalAll(pids: Iterable<number>, signal: NodeJS.Signals = 'SIGKILL'): number {
  let count = 0;
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
      count += 1;
    } catch (error) {
      // To Jest, what Node.js throws is no instance of Error.
      if (!(isNativeError(error) && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
  return count;
}
