/** Signals to processes that a test has looked for. */

/** Sends all of these processes a signal; one that has ended since it was looked for does not count. */
export function signalAll(pids: Iterable<number>, signal: NodeJS.Signals = 'SIGKILL'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}
