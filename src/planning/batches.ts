/** What batches of a campaign there are, as the bucket tells. */

import { type BatchRef, type BusinessDate, type CampaignId, objectKeys } from '../contracts/ids.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import {
  type CampaignState,
  NEW_CAMPAIGN,
  type PlanDocument,
  parseCampaignState,
  parsePlanDocument,
} from './manifest.ts';

/** The campaign's state with the etag to swap it by; a new campaign's when it has never closed a batch. */
export async function readState(
  store: ObjectStore,
  campaign: CampaignId,
  signal?: AbortSignal,
): Promise<{ readonly state: CampaignState; readonly etag: string | null }> {
  const key = objectKeys.state(campaign);
  const found = await store.get(key, signal);
  if (found === null) return { state: NEW_CAMPAIGN, etag: null };
  return { state: parseCampaignState(found.body.toString('utf8'), key), etag: found.etag };
}

/** The plans of a business date's attempts, in order. */
export async function plansOf(
  store: ObjectStore,
  campaign: CampaignId,
  businessDate: BusinessDate,
  signal?: AbortSignal,
): Promise<PlanDocument[]> {
  const plans: PlanDocument[] = [];
  for await (const { key } of store.list(objectKeys.batchesOf(campaign, businessDate), signal)) {
    if (!key.endsWith('/plan.json')) continue;
    const text = await store.getText(key, signal);
    if (text !== null) plans.push(parsePlanDocument(text, key));
  }
  return plans.sort((a, b) => a.batch.attempt - b.batch.attempt);
}

/** The last attempt at a business date that was planned; null when there is none. */
export async function latestAttempt(
  store: ObjectStore,
  campaign: CampaignId,
  businessDate: BusinessDate,
): Promise<BatchRef | null> {
  return (await plansOf(store, campaign, businessDate)).at(-1)?.batch ?? null;
}

/** The batch that the campaign closed last; null when it has closed none. */
export async function latestBatch(store: ObjectStore, campaign: CampaignId): Promise<BatchRef | null> {
  const { lastBatch } = (await readState(store, campaign)).state;
  return lastBatch === null ? null : { campaign, businessDate: lastBatch.businessDate, attempt: lastBatch.attempt };
}
