import {
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
import { assertBackfillInput } from './validate.ts';
import { variantWindow } from './variant-children.ts';

const WINDOW = 16;
/** Failed variants per run: one page of the list, one outcome page, one continue-as-new. */
const PER_RUN = 200;

/** Renders the failed variants of a batch again, then writes the batch's report anew. */
export async function backfillVariants(input: BackfillInput): Promise<BatchSummary> {
  assertBackfillInput(input);
  const { batch, skip = 0 } = input;
  let tally: LaneTally = input.tally ?? NO_TALLY;
  const outcomes: VariantOutcome[] = [];
  let variants = 0;
  setHandler(batchProgressQuery, () => ({ phase: 'rendering', plan: null, repair: { variants, tally } }));
  upsertSearchAttributes([
    { key: SEARCH_ATTRIBUTES.campaignId, value: batch.campaign },
    { key: SEARCH_ATTRIBUTES.batchDate, value: batch.businessDate },
  ]);

  // Those that fail again stay in the list, so the next run skips as many.
  const failed = await batches.listFailed({ batch, skip, limit: PER_RUN });
  variants = input.tally === undefined ? failed.length : failed.length + settledOf(tally);
  setCurrentDetails(`Backfill of ${batchIdOf(batch)}: ${failed.length} failed variants in this run`);
  const window = variantWindow(WINDOW, (outcome) => {
    outcomes.push(outcome);
    tally = { ...tally, [outcome.outcome]: tally[outcome.outcome] + 1 };
  });
  for (const slot of failed) await window.start({ batch, ...slot });
  await window.drain();

  if (outcomes.length > 0) {
    const { runId } = workflowInfo();
    await batches.recordOutcomes({ batch, writer: `backfill-${runId}`, page: 1, outcomes });
  }
  if (failed.length === PER_RUN) {
    const failedAgain = outcomes.filter(({ outcome }) => outcome === 'failed').length;
    await continueAsNew<typeof backfillVariants>({ ...input, skip: skip + failedAgain, tally });
  }
  return await batches.closeBatch({ batch, wallMs: null });
}

const settledOf = ({ cached, rendered, failed }: LaneTally): number => cached + rendered + failed;
