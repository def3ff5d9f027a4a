/** What a lane tells its batch, often enough to judge by and seldom enough for the batch's history. */

import { getExternalWorkflowHandle, patched, workflowInfo } from '@temporalio/workflow';
import type { LaneTally, Unreported, VariantLaneInput, VariantOutcome } from '../contracts/batch.ts';
import type { FailureClass } from '../contracts/failures.ts';
import type { FailureCounts } from '../contracts/steering.ts';
import { laneReportSignal } from './messages.ts';

/** Per lane, however large the night and however many runs it takes: the batch's history is bounded by it. */
export const REPORTS = 25;
/** Failures are told sooner, so that the breaker does not learn of them too late: by a share of a step, and at first by doubling counts. */
const FAILURES_PER_STEP = 5;
export const MIN_STEP = 10;

const NOTHING: Unreported = { settled: 0, failed: 0 };

export class LaneReports {
  readonly #lane: number;
  readonly #step: number;
  /** Failures of this lane at which the breaker may have to know. */
  readonly #alarming: number;
  readonly #isOfThisVersion = patched('sparing-reports');
  failures: FailureCounts;
  unreported: Unreported;

  /** Goes on where an earlier run of the lane stopped. */
  constructor({ plan, lane, failures = {}, unreported = NOTHING }: VariantLaneInput) {
    this.#lane = lane;
    this.#alarming = Math.max(
      1,
      Math.floor((plan.limits?.breaker?.atLeast ?? Number.POSITIVE_INFINITY) / plan.lanes.count),
    );
    this.#step = Math.max(MIN_STEP, Math.ceil(plan.counts.variants / plan.lanes.count / REPORTS));
    this.failures = failures;
    this.unreported = unreported;
  }

  /**
   * To be told of every outcome, in any order. `isLast`: nothing is in flight any more. While the batch is paused nothing is started, and
   * what still ends is told with the last of it.
   */
  settled(
    outcome: VariantOutcome,
    tally: LaneTally,
    at: { readonly isPaused: boolean; readonly isLast: boolean },
  ): void {
    const hasFailed = outcome.outcome === 'failed';
    if (hasFailed) this.failures = plusOne(this.failures, outcome.failureClass);
    const settled = this.unreported.settled + 1;
    const failed = this.unreported.failed + (hasFailed ? 1 : 0);
    this.unreported = { settled, failed };
    const isDue =
      settled >= this.#step ||
      failed >= this.#step / FAILURES_PER_STEP ||
      (this.#isOfThisVersion ? (at.isPaused && at.isLast) || (hasFailed && this.#isAlarming()) : at.isPaused);
    if (isDue) void this.tell(tally);
  }

  #isAlarming(): boolean {
    const failed = Object.values(this.failures).reduce((sum, count) => sum + count, 0);
    return Number.isInteger(Math.log2(failed / this.#alarming));
  }

  async tell(tally: LaneTally): Promise<void> {
    this.unreported = NOTHING;
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
