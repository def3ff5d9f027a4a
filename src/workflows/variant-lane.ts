import {
  CancellationScope,
  continueAsNew,
  defineQuery,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { LaneCursor, LaneTally, VariantLaneInput, VariantOutcome } from '../contracts/batch.ts';
import { batches, pointers } from './activity-proxies.ts';
import { variantWindow } from './variant-children.ts';

export const laneTallyQuery = defineQuery<LaneTally>('tally');

/** Outcomes per outcome page: keeps the activity's argument small whatever the night brings. */
const OUTCOMES_PER_PAGE = 100;
/** Children per run, at 7 to 9 events each: the history stays near the 4,096 events at which the server asks for a new run. */
const CHILDREN_PER_RUN = 400;

/**
 * Keeps a window of variants in flight over its share of the manifest pages. Children do not survive continue-as-new,
 * so before it the lane drains, writes down every outcome and carries its cursor and tally along.
 */
export async function variantLane(input: VariantLaneInput): Promise<LaneTally> {
  const { plan, lane } = input;
  const { batch } = plan;
  const childrenPerRun = input.childrenPerRun ?? CHILDREN_PER_RUN;
  // A run of its own name: pages are written once, and a lane that was reset must not find its first run's in the way.
  const writer = `lane-${lane}-${workflowInfo().runId}`;
  let outcomePage = 1;
  let tally = input.tally;
  const unwritten: VariantOutcome[] = [];
  setHandler(laneTallyQuery, () => tally);

  const settled = (outcome: VariantOutcome): void => {
    unwritten.push(outcome);
    tally = {
      ...tally,
      [outcome.outcome]: tally[outcome.outcome] + 1,
      pointers: tally.pointers + (outcome.outcome === 'failed' ? 0 : outcome.pointers),
    };
    setCurrentDetails(
      `${tally.rendered} rendered, ${tally.cached} already there, ${tally.failed} failed, ${tally.pointers} pointers`,
    );
  };
  const writeOutcomes = async (atLeast: number): Promise<void> => {
    while (unwritten.length >= atLeast && unwritten.length > 0) {
      const page = outcomePage;
      outcomePage += 1;
      await batches.recordOutcomes({ batch, writer, page, outcomes: unwritten.splice(0, OUTCOMES_PER_PAGE) });
    }
  };
  const window = variantWindow(plan.lanes.window, settled);
  const runIsLong = (): boolean => window.started >= childrenPerRun || workflowInfo().continueAsNewSuggested;

  let cursor: LaneCursor = input.cursor;
  try {
    while (cursor.page <= plan.pages) {
      const { page } = cursor;
      const slots = await batches.readManifestPage({ batch, page });
      if (cursor.index === 0 && slots.some((slot) => slot.cached)) {
        for (const outcome of await pointers.publishCached({ batch, page })) settled(outcome);
      }
      for (const slot of slots.slice(cursor.index)) {
        cursor = { page, index: slot.index + 1 };
        if (slot.cached) continue;
        await window.start({ batch, page, index: slot.index, key: slot.key, joinable: slot.joinable });
        await writeOutcomes(OUTCOMES_PER_PAGE);
        if (runIsLong()) break;
      }
      await writeOutcomes(OUTCOMES_PER_PAGE);
      if (cursor.index >= slots.length) cursor = { page: page + plan.lanes.count, index: 0 };
      if (runIsLong() && cursor.page <= plan.pages) {
        await window.drain();
        await writeOutcomes(1);
        await continueAsNew<typeof variantLane>({ ...input, cursor, tally });
      }
    }
    await window.drain();
  } finally {
    // What is settled is written down even when the lane is being cancelled: a backfill goes by it.
    await CancellationScope.nonCancellable(() => writeOutcomes(1));
  }
  return tally;
}
