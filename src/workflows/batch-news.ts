/** Tells people what happens to a running batch. The batch neither waits for it nor fails by it. */

import { CancellationScope, patched } from '@temporalio/workflow';
import type { BatchEvent } from '../contracts/alarms.ts';
import type { BatchRef } from '../contracts/ids.ts';
import { alarms } from './activity-proxies.ts';

export class BatchNews {
  #told = 0;
  #isOfThisVersion: boolean | null = null;

  /** What is still on its way when the batch ends is given up: the digest of its closing comes then. */
  tell(batch: BatchRef, event: Omit<BatchEvent, 'number' | 'at'>): void {
    // Decided once: a batch that began to tell nothing goes on so.
    this.#isOfThisVersion ??= patched('announce-events');
    if (!this.#isOfThisVersion) return;
    this.#told += 1;
    const [number, at] = [this.#told, new Date().toISOString()];
    // That the batch is cancelled meanwhile takes nothing back.
    void CancellationScope.nonCancellable(() => alarms.announceEvent({ batch, event: { ...event, number, at } })).catch(
      () => undefined,
    );
  }
}
