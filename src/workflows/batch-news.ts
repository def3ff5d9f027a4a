/** Tells people what happens to a running batch. The batch neither waits for it nor fails by it. */

import { CancellationScope, patched } from '@temporalio/workflow';
import type { BatchEvent } from '../contracts/alarms.ts';
import type { BatchPlan, LaneTally } from '../contracts/batch.ts';
import type { FailureCounts, Outlook, Pause, Steering } from '../contracts/steering.ts';
import { alarms } from './activity-proxies.ts';

export interface BatchState {
  readonly tally: LaneTally;
  readonly failures: FailureCounts;
  readonly outlook: Outlook;
  readonly steering: Steering;
}

export class BatchNews {
  #told = 0;
  #isOfThisVersion: boolean | null = null;

  /**
   * That a batch was stopped is told by the digest of its closing; with that comes an end to what is still on its way.
   * @param before what had paused it, of one that goes on.
   */
  tell(kind: BatchEvent['kind'], { batch, counts, limits }: BatchPlan, state: BatchState, before: Pause | null): void {
    const { tally, failures, outlook, steering } = state;
    if (steering.stopped !== null) return;
    // Decided once: a batch that began to tell nothing goes on so.
    this.#isOfThisVersion ??= patched('announce-events');
    if (!this.#isOfThisVersion) return;
    this.#told += 1;
    const event: BatchEvent = {
      ...{ kind, number: this.#told, at: new Date().toISOString(), paused: steering.paused ?? before },
      ...{ variants: counts.variants, tally, failures, outlook, deadline: limits?.deadline ?? null },
    };
    // That the batch is cancelled meanwhile takes nothing back.
    void CancellationScope.nonCancellable(() => alarms.announceEvent({ batch, event })).catch(() => undefined);
  }
}
