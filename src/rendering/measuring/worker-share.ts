/** How much of this process's processor time each of those who work in it at the same time has to answer for. */

/** One who works here, from when it was made until it is disposed. */
export interface WorkerShare extends Disposable {
  /** So far, ms. */
  usedMs(): number;
}

/**
 * Whenever somebody begins, ends or asks, what the process has used since the last time (`process.cpuUsage`: all its threads) is
 * divided evenly among those who were at work. What it uses while nobody is belongs to nobody: all shares together are
 * never more than what the process used.
 */
export class WorkerTime {
  private readonly shares = new Set<{ ms: number }>();
  private readonly readMs: () => number;
  private lastMs: number;

  /** @param readMs what the process has used since its start. */
  constructor(readMs: () => number = processMs) {
    this.readMs = readMs;
    this.lastMs = readMs();
  }

  begin(): WorkerShare {
    this.divide();
    const share = { ms: 0 };
    this.shares.add(share);
    const end = (): void => {
      if (!this.shares.has(share)) return;
      this.divide();
      this.shares.delete(share);
    };
    return {
      usedMs: () => {
        if (this.shares.has(share)) this.divide();
        return share.ms;
      },
      [Symbol.dispose]: end,
    };
  }

  private divide(): void {
    const nowMs = this.readMs();
    for (const share of this.shares) share.ms += (nowMs - this.lastMs) / this.shares.size;
    this.lastMs = nowMs;
  }
}

function processMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
