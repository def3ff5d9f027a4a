import { continueAsNew, defineQuery, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { LaneCursor, LaneTally, VariantLaneInput, VariantOutcome } from '../contracts/batch.ts';
import { batches, pointers } from './activity-proxies.ts';
import { VariantWindow } from './variant-children.ts';

export const laneTallyQuery = defineQuery<LaneTally>('tally');

/** Outcomes per outcome page: what a crash of the object store could at most leave unwritten for a while. */
const OUTCOMES_PER_PAGE = 100;
/** Children per run: keeps a history far below the 4,096 events at which the server asks for a new one. */
const CHILDREN_PER_RUN = 500;

/**
 * Keeps a window of variants in flight over its share of the manifest pages. Children do not survive continue-as-new,
 * so before it the lane drains, writes down every outcome and carries its cursor and tally along.
 */
export async function variantLane(input: VariantLaneInput): Promise<LaneTally> {
  const { plan, lane } = input;
  const { batch } = plan;
  let { outcomePage } = input.cursor;
  let tally = input.tally;
  let unwritten: VariantOutcome[] = [];
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
      const outcomes = unwritten;
      unwritten = [];
      await batches.recordOutcomes({ batch, writer: `lane-${lane}`, page: outcomePage, outcomes });
      outcomePage += 1;
    }
  };
  const window = new VariantWindow(plan.lanes.window, settled);
  const runIsLong = (): boolean => window.started >= CHILDREN_PER_RUN || workflowInfo().continueAsNewSuggested;

  let cursor: LaneCursor = input.cursor;
  while (cursor.page <= plan.pages) {
    const page = cursor.page;
    const slots = await batches.readManifestPage({ batch, page });
    if (cursor.index === 0 && slots.some((slot) => slot.cached)) {
      for (const outcome of await pointers.publishCached({ batch, page })) settled(outcome);
    }
    for (const slot of slots.slice(cursor.index)) {
      cursor = { page, index: slot.index + 1, outcomePage };
      if (slot.cached) continue;
      await window.start({ batch, page, index: slot.index, key: slot.key });
      await writeOutcomes(OUTCOMES_PER_PAGE);
      if (runIsLong()) break;
    }
    if (cursor.index >= slots.length) cursor = { page: page + plan.lanes.count, index: 0, outcomePage };
    if (runIsLong() && cursor.page <= plan.pages) {
      await window.drain();
      await writeOutcomes(1);
      await continueAsNew<typeof variantLane>({ ...input, cursor: { ...cursor, outcomePage }, tally });
    }
  }
  await window.drain();
  await writeOutcomes(1);
  return tally;
}
