/** Child workflows, a bounded number in flight, each settled on its own. Shared by lanes and backfills. */

import { CancellationScope, condition } from '@temporalio/workflow';

export class ChildWindow<Task> {
  private readonly size: number;
  private readonly run: (task: Task) => Promise<void>;
  private readonly onFailure: (task: Task, error: unknown) => void;
  private inFlight = 0;
  private cancelled: unknown;
  /** Children started through this window since it was made. */
  started = 0;

  constructor(size: number, run: (task: Task) => Promise<void>, onFailure: (task: Task, error: unknown) => void) {
    this.size = size;
    this.run = run;
    this.onFailure = onFailure;
  }

  /** Starts a child as soon as the window has room. Returns when it is on its way, not when it is done. */
  async start(task: Task): Promise<void> {
    await condition(() => this.inFlight < this.size);
    this.inFlight += 1;
    this.started += 1;
    void this.settle(task);
  }

  /** Waits until nothing is in flight. Throws if the workflow was cancelled meanwhile. */
  async drain(): Promise<void> {
    await condition(() => this.inFlight === 0);
    if (this.cancelled !== undefined) throw this.cancelled;
  }

  private async settle(task: Task): Promise<void> {
    try {
      await this.run(task);
    } catch (error) {
      // A child that somebody cancelled is one outcome; only when this workflow itself is being cancelled does it end.
      if (CancellationScope.current().consideredCancelled) this.cancelled = error;
      this.onFailure(task, error);
    } finally {
      this.inFlight -= 1;
    }
  }
}
