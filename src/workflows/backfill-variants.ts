import {
  CancellationScope,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type BackfillInput,
  type BatchSummary,
  type LaneTally,
  NO_TALLY,
  type VariantOutcome,
} from '../contracts/batch.ts';
import { batchIdOf } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { batches } from './activity-proxies.ts';
import { batchProgressQuery } from './messages.ts';
import { priorityOf } from './priority.ts';
import { assertBackfillInput } from './validate.ts';
import { variantWindow } from './variant-children.ts';

const WINDOW = 16;
/** Failed variants per run: one page of the list, one outcome page, one continue-as-new. */
const PER_RUN = 200;

/** Renders the failed variants of a batch again, all or some of them, then writes the batch's report anew. */
export async function backfillVariants(input: BackfillInput): Promise<BatchSummary> {
  assertBackfillInput(input);
  const { batch, window: size = WINDOW, tally: before = NO_TALLY, ...question } = input;
  let tally: LaneTally = before;
  const outcomes: VariantOutcome[] = [];
  let variants = settledOf(before);
  setHandler(batchProgressQuery, () => ({ phase: 'rendering', plan: null, repair: { variants, tally } }));
  upsertSearchAttributes([
    { key: SEARCH_ATTRIBUTES.campaignId, value: batch.campaign },
    { key: SEARCH_ATTRIBUTES.batchDate, value: batch.businessDate },
  ]);

  const failed = await batches.listFailed({ ...question, batch, limit: PER_RUN });
  variants += failed.length;
  const showDetails = (): void =>
    setCurrentDetails(
      `Backfill of ${batchIdOf(batch)}: ${settledOf(tally)} of ${variants} tried, ${tally.rendered + tally.cached} repaired, ${tally.failed} failed again`,
    );
  showDetails();
  const window = variantWindow({ size, priority: () => priorityOf({ batch }) }, (outcome) => {
    outcomes.push(outcome);
    tally = { ...tally, [outcome.outcome]: tally[outcome.outcome] + 1 };
    showDetails();
  });
  try {
    for (const slot of failed) await window.start({ batch, ...slot });
    await window.drain();
  } finally {
    // Cancelled in the middle: what was repaired until then is written down all the same.
    await CancellationScope.nonCancellable(() => writeDown(input, outcomes));
  }

  const last = failed.at(-1);
  if (failed.length === PER_RUN && last !== undefined) {
    await continueAsNew<typeof backfillVariants>({ ...input, after: last, tally });
  }
  return await batches.closeBatch({ batch, wallMs: null });
}

async function writeDown({ batch }: BackfillInput, outcomes: readonly VariantOutcome[]): Promise<void> {
  if (outcomes.length === 0) return;
  await batches.recordOutcomes({ batch, writer: `backfill-${workflowInfo().runId}`, page: 1, outcomes });
}

const settledOf = ({ cached, rendered, failed }: LaneTally): number => cached + rendered + failed;
