/** The batch in a dozen numbers. Pure. */

import type { BatchSummary, PlanCounts, VariantOutcome } from '../contracts/batch.ts';
import { type BatchRef, batchIdOf, objectKeys } from '../contracts/ids.ts';

export interface SummaryInput {
  readonly batch: BatchRef;
  readonly counts: Pick<PlanCounts, 'recipients' | 'rejected'>;
  /** One per variant of the batch that is known by name. */
  readonly outcomes: readonly VariantOutcome[];
  /** How many more there are, on damaged pages; left out: none. */
  readonly unreadable?: number;
  readonly wallMs: number;
}

/** Names and order of the keys are a contract: scripts read them. */
export function summarise({ batch, counts, outcomes, unreadable = 0, wallMs }: SummaryInput): BatchSummary {
  const variants = outcomes.length + unreadable;
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed').length + unreadable;
  const cached = outcomes.filter(({ outcome }) => outcome === 'cached').length;
  const times = renderTimes(outcomes);
  return {
    batchId: batchIdOf(batch),
    campaign: batch.campaign,
    businessDate: batch.businessDate,
    recipients: counts.recipients,
    rejected: counts.rejected,
    variants,
    cached,
    rendered: times.length,
    failed,
    pointers: outcomes.reduce((sum, outcome) => sum + (outcome.outcome === 'failed' ? 0 : outcome.pointers), 0),
    wallSeconds: Math.round(wallMs / 100) / 10,
    renderMsP50: percentile(times, 0.5),
    renderMsP95: percentile(times, 0.95),
    failureRate: variants === 0 ? 0 : failed / variants,
    report: objectKeys.reportHtml(batch),
  };
}

/** Milliseconds of every render of this batch, ascending. What was already stored took none. */
export const renderTimes = (outcomes: readonly VariantOutcome[]): number[] =>
  outcomes.flatMap((outcome) => (outcome.outcome === 'rendered' ? [outcome.renderMs] : [])).sort((a, b) => a - b);

/** Nearest rank: the smallest value that at least this share of all values does not exceed. Null for none. */
export const percentile = (ascending: readonly number[], share: number): number | null =>
  ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? null;
