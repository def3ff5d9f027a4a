/** Which part of the warehouse's change order a batch reads, and where the campaign stands after it. Pure. */

import type { Watermark } from '../contracts/batch.ts';
import type { BusinessDate } from '../contracts/ids.ts';
import { compareStamps, laterWatermark, nanosecondsOf, stampFromNanoseconds } from '../warehouse/watermark.ts';
import type { CampaignState, CarryOver, PlanDocument } from './manifest.ts';

export interface WindowInput {
  readonly state: CampaignState;
  readonly businessDate: BusinessDate;
  /** When the run was due, ISO 8601 UTC. */
  readonly asOf: string;
  /** Earlier attempts at this business date, in any order; those of other dates and of CSV files are passed over. */
  readonly priorPlans: readonly Pick<PlanDocument, 'batch' | 'window' | 'csvKey'>[];
  /** The business date of `asOf` itself. */
  readonly today: BusinessDate;
  /** When the night of `businessDate` begins, ISO 8601 UTC. */
  readonly night: string;
  /** When the scheduled night before that began. */
  readonly previousNight: string;
  /** The night ends so long before it begins, as what is stamped by then may not be committed yet. Default: 0. */
  readonly lagMs?: number;
  /** So much before the watermark is read again, for what was committed late. Default: 0. */
  readonly overlapMs?: number;
}

export interface PlannedWindow {
  readonly rule: 'first-night' | 'next-night' | 'same-night' | 'older-night' | 'missed-night';
  readonly since: Watermark | null;
  readonly until: string;
  /** Where reading begins: `since`, or before it by the overlap. */
  readonly readFrom: Watermark | null;
  /** Whether the campaign's watermark follows this batch and its carry-over is taken up by it. */
  readonly moves: boolean;
}

/**
 * - **first-night**: nothing was ever read: from the beginning.
 * - **next-night**: from the campaign's watermark.
 * - **same-night**: the newest night once more: from where its first attempt began, so that it plans the same people (and
 *   finds their videos), to the latest end that any of its attempts had. The watermark may move on, never back.
 * - **older-night**: a night before the newest that closed: exactly the window of its own attempts. Nothing moves.
 * - **missed-night**: such a night that was never planned: from the scheduled night before it to its own. Later nights
 *   have read these changes already; what changed again since is no longer there. Nothing moves.
 *
 * The end is `asOf`, except that a batch run on a later day than its business date ends with that date's night: a
 * Tuesday made up for on Wednesday does not take Wednesday morning.
 */
export function planWindow(input: WindowInput): PlannedWindow {
  const { state, businessDate, lagMs = 0, overlapMs = 0 } = input;
  const asOf = before(input.asOf, lagMs);
  const night = before(input.night, lagMs);
  const previousNight = before(input.previousNight, lagMs);
  const attempts = input.priorPlans
    .filter(({ batch, csvKey }) => batch.businessDate === businessDate && csvKey === null)
    .toSorted((a, b) => a.batch.attempt - b.batch.attempt);
  const [first] = attempts;
  const isOlder = state.lastBatch !== null && businessDate < state.lastBatch.businessDate;
  const ownEnd = businessDate < input.today ? earlier(asOf, night) : asOf;
  const lastEnd = (start: string) => attempts.reduce((end, { window }) => later(end, window.until), start);

  if (isOlder && first !== undefined) {
    const { since, until, readFrom = since } = first.window;
    return { rule: 'older-night', since, until: lastEnd(until), readFrom, moves: false };
  }
  if (isOlder) {
    const since = { updatedAt: previousNight, recipientId: null };
    return { rule: 'missed-night', since, until: later(ownEnd, previousNight), readFrom: since, moves: false };
  }
  if (first !== undefined) {
    const { since, readFrom = since } = first.window;
    return { rule: 'same-night', since, until: lastEnd(ownEnd), readFrom, moves: true };
  }
  const since = state.watermark;
  if (since === null) return { rule: 'first-night', since, until: ownEnd, readFrom: null, moves: true };
  // A campaign that has never closed a batch has nothing that could have come late.
  const overlaps = overlapMs > 0 && state.lastBatch !== null;
  const readFrom = overlaps ? { updatedAt: before(since.updatedAt, overlapMs), recipientId: '' } : since;
  // A clock behind the watermark makes an empty window, not one that runs backwards.
  return { rule: 'next-night', since, until: later(ownEnd, since.updatedAt), readFrom, moves: true };
}

/** A stamp, so much earlier. */
function before(stamp: string, ms: number): string {
  if (ms === 0) return stamp;
  const shifted = stampFromNanoseconds(nanosecondsOf(stamp) - BigInt(Math.round(ms)) * 1_000_000n);
  if (shifted === null) throw new RangeError(`${ms} ms before '${stamp}' is outside the times that can be written`);
  return shifted;
}

const later = (a: string, b: string): string => (compareStamps(a, b) < 0 ? b : a);
const earlier = (a: string, b: string): string => (compareStamps(a, b) < 0 ? a : b);

export interface Settlement {
  /** People who still have no video of this batch. */
  readonly owed: readonly Pick<CarryOver, 'recipientId' | 'reason'>[];
  /** Of the people in the state's carry-over, those who have one. */
  readonly delivered: ReadonlySet<string>;
}

/**
 * The campaign's state after a batch has closed. Doing it twice is doing it once, and doing it again after a repair
 * settles those who were repaired. The watermark never moves back, and an older night than the newest leaves no trace
 * but its failures.
 */
export function stateAfter(
  state: CampaignState,
  plan: Pick<PlanDocument, 'batch' | 'window' | 'watermark' | 'csvKey' | 'carriedOver'>,
  { owed, delivered }: Settlement,
): CampaignState {
  const { businessDate, attempt } = plan.batch;
  const looked = new Set(plan.carriedOver);
  const isSettled = (entry: CarryOver): boolean => {
    const newerDebt =
      entry.businessDate > businessDate || (entry.businessDate === businessDate && entry.attempt > attempt);
    return !newerDebt && (looked.has(entry.recipientId) || delivered.has(entry.recipientId));
  };
  const carried = new Map(
    state.carryOver.filter((entry) => !isSettled(entry)).map((entry) => [entry.recipientId, entry]),
  );
  for (const { recipientId, reason } of owed) {
    if (!carried.has(recipientId)) carried.set(recipientId, { recipientId, reason, businessDate, attempt });
  }
  const { lastBatch } = state;
  const isNewest =
    plan.csvKey === null &&
    (lastBatch === null ||
      businessDate > lastBatch.businessDate ||
      (businessDate === lastBatch.businessDate && attempt >= lastBatch.attempt));
  return {
    ...state,
    watermark: plan.watermark === null ? state.watermark : laterWatermark(state.watermark, plan.watermark),
    carryOver: [...carried.values()],
    lastBatch: isNewest ? { businessDate, attempt, ...plan.window } : lastBatch,
  };
}

/**
 * The same after a batch of which some people are on a page that cannot be read. What it read is read again, by the night run again or by the
 * next one, and whoever was owed a video before is owed it still, unless they are known to have it.
 */
export function stateAfterDamage(
  state: CampaignState,
  plan: Pick<PlanDocument, 'batch' | 'window' | 'watermark' | 'csvKey'>,
  settlement: Settlement,
): CampaignState {
  const { carryOver } = stateAfter(state, { ...plan, carriedOver: [] }, settlement);
  // A campaign that began with changes would begin a night later the next time.
  const began = plan.watermark === null ? null : plan.window.since;
  return { ...state, watermark: state.watermark ?? began, carryOver };
}
