import {
  CancellationScope,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type LaneCursor,
  type LaneTally,
  OUTCOMES_PER_PAGE,
  type VariantLaneInput,
  type VariantOutcome,
} from '../contracts/batch.ts';
import { FAILURES } from '../contracts/failures.ts';
import { UNSTEERED } from '../contracts/steering.ts';
import { batches, pointers } from './activity-proxies.ts';
import { byClass } from './details.ts';
import { classify } from './failure-class.ts';
import { LaneReports } from './lane-reports.ts';
import { batchProgressQuery, laneTallyQuery, steerSignal } from './messages.ts';
import { priorityOf } from './priority.ts';
import { variantWindow } from './variant-children.ts';

/** Children per run, at 7 to 9 events each: the history stays near the 4,096 events at which the server asks for a new run. */
export const CHILDREN_PER_RUN = 400;

/** A child that ends: its own event, and three of a task that takes it up. */
const EVENTS_OF_END = 4;
/** Some below 4,096: what a lane does last takes a few. */
const EVENTS_LIMIT = 4_000;

/** Runs in a row that make no headway before the lane gives up; each has waited out an outage of some ten minutes. */
const MAX_TROUBLES = 5;

/**
 * Keeps a window of variants in flight over its share of the manifest pages. Children do not survive continue-as-new,
 * so before it the lane drains, writes down every outcome and carries its cursor and tally along. When something does not
 * answer, it drains as well and goes on from its cursor in a new run: no variant is done twice.
 */
export async function variantLane(input: VariantLaneInput): Promise<LaneTally> {
  const { plan, lane } = input;
  const { batch } = plan;
  const childrenPerRun = input.childrenPerRun ?? CHILDREN_PER_RUN;
  // A run of its own name: pages are written once, and a lane that was reset must not find its first run's in the way.
  const writer = `lane-${lane}-${workflowInfo().runId}`;
  let outcomePage = 1;
  let tally = input.tally;
  let cursor: LaneCursor = input.cursor;
  let steering = input.steering ?? UNSTEERED;
  const unwritten: VariantOutcome[] = [...(input.unwritten ?? [])];
  const reports = new LaneReports(input);
  setHandler(laneTallyQuery, () => tally);
  setHandler(batchProgressQuery, () => ({ phase: 'rendering', plan, tally, steering, failures: reports.failures }));

  const settled = (outcome: VariantOutcome): void => {
    unwritten.push(outcome);
    tally = {
      ...tally,
      [outcome.outcome]: tally[outcome.outcome] + 1,
      pointers: tally.pointers + (outcome.outcome === 'failed' ? 0 : outcome.pointers),
    };
    const failed = `${tally.failed} failed${byClass(reports.failures)}`;
    setCurrentDetails(
      `Page ${cursor.page} of ${plan.pages}: ${tally.rendered} rendered, ${tally.cached} already there, ${failed}, ${tally.pointers} pointers`,
    );
    reports.settled(outcome, tally, { isPaused: steering.paused !== null, isLast: window.inFlight === 0 });
  };
  const writeOutcomes = async (atLeast: number): Promise<void> => {
    while (unwritten.length >= atLeast && unwritten.length > 0) {
      const outcomes = unwritten.slice(0, OUTCOMES_PER_PAGE);
      await batches.recordOutcomes({ batch, writer, page: outcomePage, outcomes });
      unwritten.splice(0, outcomes.length);
      outcomePage += 1;
    }
  };
  const window = variantWindow({ size: plan.lanes.window, priority: () => priorityOf(plan) }, settled);
  window.steer(steering);
  setHandler(steerSignal, (next) => {
    // Whoever paused it, or resumes it later, is to know how things stand: the breaker counts from there.
    if (steering.paused === null && next.paused !== null) void reports.tell(tally);
    steering = next;
    window.steer(next);
  });
  const runIsLong = (): boolean =>
    window.started >= childrenPerRun ||
    workflowInfo().continueAsNewSuggested ||
    // What is in flight is still to end in this run.
    workflowInfo().historyLength + EVENTS_OF_END * window.inFlight >= EVENTS_LIMIT;

  /** Something was begun, and what had ended before could be written down. */
  const hasMadeHeadway = (): boolean => {
    const { page, index } = input.cursor;
    const hasMoved = cursor.page !== page || cursor.index !== index;
    return hasMoved && (outcomePage > 1 || unwritten.length < OUTCOMES_PER_PAGE);
  };

  const isToGoOn = (): boolean => runIsLong() && cursor.page <= plan.pages && steering.stopped === null;

  /** Returns at the end of its pages, or of what one run may do, or when nothing more is to be started. */
  const work = async (): Promise<void> => {
    while (cursor.page <= plan.pages && !runIsLong() && (await window.isOpen())) {
      const { page } = cursor;
      const slots = await batches.readManifestPage({ batch, page });
      if (cursor.index === 0 && slots.some((slot) => slot.cached)) {
        for (const outcome of await pointers.publishCached({ batch, page })) settled(outcome);
      }
      for (const { index, key, cached, joinable } of slots.slice(cursor.index)) {
        if (!cached && !(await window.start({ batch, page, index, key, joinable }))) return;
        cursor = { page, index: index + 1 };
        await writeOutcomes(OUTCOMES_PER_PAGE);
        if (runIsLong()) break;
      }
      await writeOutcomes(OUTCOMES_PER_PAGE);
      if (cursor.index >= slots.length) cursor = { page: page + plan.lanes.count, index: 0 };
    }
  };
  const goOn = async (troubles: number): Promise<never> => {
    const { failures, unreported } = reports;
    return await continueAsNew<typeof variantLane>({
      ...input,
      cursor,
      tally,
      steering,
      failures,
      unreported,
      unwritten,
      troubles,
    });
  };

  try {
    await work();
    await window.drain();
    await writeOutcomes(1);
    if (!isToGoOn()) await reports.tell(tally);
  } catch (error) {
    if (isCancellation(error)) {
      // What is settled is written down even now: a backfill goes by it.
      await CancellationScope.nonCancellable(async () => {
        await window.drain().catch(() => undefined);
        await writeOutcomes(1);
      });
      throw error;
    }
    await window.drain();
    const { troubles = 0 } = input;
    const isPassing = FAILURES[classify(error).failureClass].retryable;
    if (isPassing && troubles < MAX_TROUBLES) return await goOn(hasMadeHeadway() ? 1 : troubles + 1);
    await writeOutcomes(1);
    throw error;
  }
  if (isToGoOn()) return await goOn(0);
  return tally;
}
