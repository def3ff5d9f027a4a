import { startBackfill } from '../client/batches.ts';
import { connectClient } from '../client/connect.ts';
import { loadCampaign } from '../config/campaign.ts';
import type { Settings } from '../config/settings.ts';
import type { BatchSummary } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import type { BatchRef, BusinessDate, CampaignId } from '../contracts/ids.ts';
import { latestAttempt, latestBatch } from '../planning/batches.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { followBatch, printSummary } from './follow.ts';
import { workflowUrl } from './run-batch.ts';

export interface BackfillRequest {
  readonly campaign: CampaignId;
  readonly date?: BusinessDate;
  readonly attempt?: number;
  readonly json?: boolean;
}

/** Repairs a batch and prints its summary, which then counts the whole batch with its repairs. */
export async function runBackfill(
  settings: Settings,
  request: BackfillRequest,
  signal: AbortSignal,
): Promise<BatchSummary> {
  const campaign = await loadCampaign(settings.root, request.campaign);
  const store = new ObjectStore(settings.s3);
  const client = await connectClient(settings.temporal);
  try {
    await store.checkBucket();
    const batch = await chooseBatch(store, { ...request, campaign: campaign.id });
    const handle = await startBackfill(client, { batch });
    const ui = workflowUrl(settings, handle.workflowId);
    process.stderr.write(`Repairing: ${ui ?? handle.workflowId}\n`);
    const summary = await followBatch(client, handle, signal);
    await printSummary(store, summary, { json: request.json === true, workflow: ui });
    return summary;
  } finally {
    await client.connection.close();
    store.close();
  }
}

async function chooseBatch(store: ObjectStore, { campaign, date, attempt }: BackfillRequest): Promise<BatchRef> {
  if (date !== undefined && attempt !== undefined) return { campaign, businessDate: date, attempt };
  const batch = date === undefined ? await latestBatch(store, campaign) : await latestAttempt(store, campaign, date);
  if (batch !== null) return batch;
  const which = date === undefined ? 'has no finished batch yet' : `has no batch on ${date}`;
  throw new Failure('CampaignInvalid', `Campaign '${campaign}' ${which}: there is nothing to repair.`);
}
