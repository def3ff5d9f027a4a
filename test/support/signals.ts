/** Signals to processes that a test has looked for. */

import { codeOf } from '../../src/machine/system-error.ts';

/** Sends all of these processes a signal. Returns how many got it: one may have ended since it was looked for. */
export function signalAll(pids: Iterable<number>, signal: NodeJS.Signals = 'SIGKILL'): number {
  let count = 0;
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
      count += 1;
    } catch (error) {
      if (codeOf(error) !== 'ESRCH') throw error;
    }
  }
  return count;
}
