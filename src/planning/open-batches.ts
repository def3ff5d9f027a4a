/**
 * Batches that may have written pointers of which the campaign's ledger does not know: planned, and not closed, because they
 * still run, were terminated, or somebody began the night anew. What the ledger says of their people is doubtful.
 */

import { Failure } from '../contracts/failures.ts';
import { type BatchRef, type CampaignId, isBusinessDate, objectKeys } from '../contracts/ids.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { withdrawnPeople } from '../storage/withdrawals.ts';
import { ManifestReader } from './manifest-reader.ts';

/** Must be there before `plan.json` is: nothing is published of a batch without one. */
export async function markOpen(store: ObjectStore, batch: BatchRef, signal?: AbortSignal): Promise<void> {
  await store.put(objectKeys.openBatch(batch), '', { contentType: 'text/plain' }, signal);
}

export async function unmarkOpen(store: ObjectStore, batch: BatchRef, signal?: AbortSignal): Promise<void> {
  await store.remove(objectKeys.openBatch(batch), signal);
}

/** Those that have a plan. */
export async function openBatches(store: ObjectStore, campaign: CampaignId, signal?: AbortSignal): Promise<BatchRef[]> {
  const open: BatchRef[] = [];
  for await (const { key } of store.list(objectKeys.openBatches(campaign), signal)) {
    const [businessDate = '', attempt = ''] = key.slice(objectKeys.openBatches(campaign).length).split('/');
    if (!isBusinessDate(businessDate) || !/^[1-9]\d{0,8}$/.test(attempt)) continue;
    const batch: BatchRef = { campaign, businessDate, attempt: Number(attempt) };
    if ((await store.head(objectKeys.plan(batch), signal)) !== null) open.push(batch);
  }
  return open;
}

/** Of whom it is not known what they are shown. */
export interface Doubtful {
  has(recipientId: string): boolean;
  /** Those of them whose names are known. */
  readonly people: ReadonlySet<string>;
}

/**
 * Everyone for whom one of these batches may have written or removed a pointer. Where a page of one is missing or damaged that is
 * anybody: the night that is planned after it must not fail for it.
 */
export async function peopleOfBatches(
  store: ObjectStore,
  batches: readonly BatchRef[],
  signal?: AbortSignal,
): Promise<Doubtful> {
  const people = new Set<string>();
  let isDamaged = false;
  for (const batch of batches) {
    try {
      for await (const recipientId of peopleOfBatch(store, batch, signal)) people.add(recipientId);
    } catch (error) {
      if (!(error instanceof Failure) || error.failureClass !== 'ManifestDamaged') throw error;
      isDamaged = true;
    }
  }
  return { people, has: (recipientId) => isDamaged || people.has(recipientId) };
}

async function* peopleOfBatch(store: ObjectStore, batch: BatchRef, signal?: AbortSignal): AsyncGenerator<string> {
  const manifests = new ManifestReader(store);
  const { pages } = await manifests.plan(batch);
  for (let page = 1; page <= pages; page += 1) {
    for (const variant of (await manifests.page(batch, page)).variants) yield* manifests.recipientsOf(batch, variant);
  }
  yield* await withdrawnPeople(store, batch, signal);
}
