/** What batches of a campaign there are, as the bucket tells. */

import { type BatchRef, type BusinessDate, type CampaignId, isBusinessDate, objectKeys } from '../contracts/ids.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { type PlanDocument, parsePlanDocument } from './manifest.ts';

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

/** The plan of the newest batch that was closed; null when there is none. */
export async function latestPlan(store: ObjectStore, campaign: CampaignId): Promise<PlanDocument | null> {
  const batch = await latestBatch(store, campaign);
  const key = batch === null ? null : objectKeys.plan(batch);
  const text = key === null ? null : await store.getText(key);
  return key === null || text === null ? null : parsePlanDocument(text, key);
}

/** The last attempt at a business date that was planned; null when there is none. */
export async function latestAttempt(
  store: ObjectStore,
  campaign: CampaignId,
  businessDate: BusinessDate,
): Promise<BatchRef | null> {
  return (await plansOf(store, campaign, businessDate)).at(-1)?.batch ?? null;
}

/** The newest batch of a campaign that was closed, one over a CSV included; null when there is none. */
export async function latestBatch(store: ObjectStore, campaign: CampaignId): Promise<BatchRef | null> {
  let latest: BatchRef | null = null;
  for await (const { key } of store.list(objectKeys.batchesOfCampaign(campaign))) {
    const [, , businessDate = '', number = '', name] = key.split('/');
    const attempt = Number(number);
    if (name !== 'report.json' || !isBusinessDate(businessDate) || !Number.isSafeInteger(attempt)) continue;
    const isNewer =
      latest === null ||
      businessDate > latest.businessDate ||
      (businessDate === latest.businessDate && attempt > latest.attempt);
    if (isNewer) latest = { campaign, businessDate, attempt };
  }
  return latest;
}
