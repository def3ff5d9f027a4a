/** What a lane tells its batch, often enough to judge by and seldom enough for the batch's history. */

import { getExternalWorkflowHandle, workflowInfo } from '@temporalio/workflow';
import type { BatchPlan, LaneTally, VariantOutcome } from '../contracts/batch.ts';
import type { FailureClass } from '../contracts/failures.ts';
import type { FailureCounts } from '../contracts/steering.ts';
import { laneReportSignal } from './messages.ts';

/** Per lane, however large the night. */
export const REPORTS = 25;
/** Failures are told sooner, so that the breaker does not learn of them too late. */
const FAILURES_PER_STEP = 5;
export const MIN_STEP = 10;

export class LaneReports {
  readonly #lane: number;
  readonly #step: number;
  #settled = 0;
  #failed = 0;
  failures: FailureCounts;

  constructor({ counts, lanes }: BatchPlan, lane: number, failures: FailureCounts) {
    this.#lane = lane;
    this.#step = Math.max(MIN_STEP, Math.ceil(counts.variants / lanes.count / REPORTS));
    this.failures = failures;
  }

  /** To be told of every outcome, in any order. While nothing is started, what still ends is told at once. */
  settled(outcome: VariantOutcome, tally: LaneTally, isPaused: boolean): void {
    this.#settled += 1;
    if (outcome.outcome === 'failed') {
      this.#failed += 1;
      this.failures = plusOne(this.failures, outcome.failureClass);
    }
    if (!isPaused && this.#settled < this.#step && this.#failed < this.#step / FAILURES_PER_STEP) return;
    void this.tell(tally);
  }

  async tell(tally: LaneTally): Promise<void> {
    [this.#settled, this.#failed] = [0, 0];
    const { parent } = workflowInfo();
    if (parent === undefined) return;
    // The batch may have ended, when a lane was reset alone: then there is nobody to tell.
    await getExternalWorkflowHandle(parent.workflowId)
      .signal(laneReportSignal, { lane: this.#lane, tally, failures: this.failures })
      .catch(() => undefined);
  }
}

const plusOne = (counts: FailureCounts, failureClass: FailureClass): FailureCounts => ({
  ...counts,
  [failureClass]: (counts[failureClass] ?? 0) + 1,
});
