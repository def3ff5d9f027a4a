/** Child workflows, a bounded number in flight, each settled on its own. Shared by lanes and backfills. */

import { CancellationScope, condition } from '@temporalio/workflow';
import type { Steering } from '../contracts/steering.ts';

export class ChildWindow<Task> {
  private readonly ownSize: number;
  private readonly run: (task: Task) => Promise<() => void>;
  private readonly onFailure: (task: Task, error: unknown) => void;
  /** Of the children alone: they can be cancelled while whoever started them goes on. */
  private readonly children = new CancellationScope();
  private size: number;
  private isPaused = false;
  private isStopped = false;
  /** Children that were started and have not ended. */
  inFlight = 0;
  private cancelled: unknown;
  /** Children started through this window since it was made. */
  started = 0;

  /** @param run runs a child and answers with what is to be done when it no longer counts as in flight; `onFailure` is called then, too. */
  constructor(size: number, run: (task: Task) => Promise<() => void>, onFailure: (task: Task, error: unknown) => void) {
    this.ownSize = size;
    this.size = size;
    this.run = run;
    this.onFailure = onFailure;
  }

  /** Holds at once: a smaller window lets what is in flight end. Stopping is for good. */
  steer({ paused, window, stopped }: Steering): void {
    this.isPaused = paused !== null;
    this.size = window ?? this.ownSize;
    this.isStopped ||= stopped !== null;
    if (stopped?.running === 'abort') this.children.cancel();
  }

  /** Waits until nothing is paused. False: nothing more is to be started. */
  async isOpen(): Promise<boolean> {
    await condition(() => this.isStopped || !this.isPaused);
    return !this.isStopped;
  }

  /** Starts a child as soon as the window has room. Returns when it is on its way, not when it is done; false: it is not. */
  async start(task: Task): Promise<boolean> {
    await condition(() => this.isStopped || (!this.isPaused && this.inFlight < this.size));
    if (this.isStopped) return false;
    this.inFlight += 1;
    this.started += 1;
    void this.settle(task);
    return true;
  }

  /** Waits until nothing is in flight. Throws if the workflow was cancelled meanwhile. */
  async drain(): Promise<void> {
    await condition(() => this.inFlight === 0);
    if (this.cancelled !== undefined) throw this.cancelled;
  }

  private async settle(task: Task): Promise<void> {
    let end: () => void;
    try {
      end = await this.children.run(() => this.run(task));
    } catch (error) {
      // A child that somebody cancelled is one outcome; only when this workflow itself is being cancelled does it end.
      if (CancellationScope.current().consideredCancelled) this.cancelled = error;
      end = () => this.onFailure(task, error);
    }
    this.inFlight -= 1;
    end();
  }
}
