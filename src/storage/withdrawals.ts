/**
 * Pointers of people who are gone or want no video. A pointer that is removed leaves a tombstone, named by a digest of the
 * ID: without it an older batch, repaired later, would find no pointer and write one.
 */

import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { z } from 'zod';
import { type BatchRef, isBusinessDate, objectKeys } from '../contracts/ids.ts';
import type { ObjectStore } from './object-store.ts';
import { pointerKey } from './pointer-keys.ts';
import { compareBatches, type Pointer, type PointerOutcome, publishPointer, type WhenWithdrawn } from './pointers.ts';

const CONCURRENCY = 24;
const MAX_SWAPS = 20;

const tombstoneSchema = z.object({ businessDate: z.string().refine(isBusinessDate), attempt: z.int() });
type Tombstone = Readonly<z.infer<typeof tombstoneSchema>>;

const tombstoneKey = (campaign: string, recipientId: string): string =>
  objectKeys.tombstone(campaign, createHash('sha256').update(recipientId).digest('hex'));

export interface WithdrawRequest {
  readonly batch: BatchRef;
  /** The campaign's key pattern. */
  readonly pointerKey: string;
  readonly whenWithdrawn: WhenWithdrawn;
  readonly recipients: readonly string[];
  /** ISO 8601 UTC. */
  readonly updatedAt: string;
}

/** Takes back everyone's pointer. Returns how many have none now: those whom a newer batch has reached keep theirs. */
export async function withdrawPointers(
  store: ObjectStore,
  { batch, pointerKey: pattern, whenWithdrawn, recipients, updatedAt }: WithdrawRequest,
  signal?: AbortSignal,
): Promise<number> {
  const { campaign, businessDate, attempt } = batch;
  let withdrawn = 0;
  await pMap(
    recipients,
    async (recipientId) => {
      const key = pointerKey(pattern, campaign, recipientId);
      const neutral = { recipientId, campaign, businessDate, attempt, withdrawn: true, updatedAt } as const;
      if ((await publishPointer(store, key, neutral, signal)) === 'superseded') return;
      if (whenWithdrawn === 'remove') {
        // In this order: at no moment is there neither a neutral pointer nor a tombstone.
        await putTombstone(store, tombstoneKey(campaign, recipientId), { businessDate, attempt }, signal);
        await store.remove(key, signal);
      }
      withdrawn += 1;
    },
    { concurrency: CONCURRENCY, signal },
  );
  return withdrawn;
}

/** Writes a pointer, but not for somebody whom this batch or a newer one has withdrawn. */
export async function publishUnlessWithdrawn(
  store: ObjectStore,
  key: string,
  pointer: Pointer,
  signal?: AbortSignal,
): Promise<PointerOutcome> {
  const { campaign, recipientId, businessDate, attempt } = pointer;
  const stone = tombstoneKey(campaign, recipientId);
  if (await isBuried(store, stone, pointer, signal)) return 'superseded';
  const outcome = await publishPointer(store, key, pointer, signal);
  // The tombstone may have come between the look and the write.
  if (outcome !== 'published' || !(await isBuried(store, stone, pointer, signal))) return outcome;
  const neutral = {
    recipientId,
    campaign,
    businessDate,
    attempt,
    withdrawn: true,
    updatedAt: pointer.updatedAt,
  } as const;
  if ((await publishPointer(store, key, neutral, signal)) !== 'superseded') await store.remove(key, signal);
  return 'superseded';
}

async function isBuried(store: ObjectStore, key: string, pointer: Pointer, signal?: AbortSignal): Promise<boolean> {
  const text = await store.getText(key, signal);
  return text !== null && compareBatches(tombstoneSchema.parse(JSON.parse(text)), pointer) >= 0;
}

/** A tombstone never goes back. */
async function putTombstone(store: ObjectStore, key: string, stone: Tombstone, signal?: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= MAX_SWAPS; attempt += 1) {
    const current = await store.get(key, signal);
    if (
      current !== null &&
      compareBatches(tombstoneSchema.parse(JSON.parse(current.body.toString('utf8'))), stone) >= 0
    ) {
      return;
    }
    const options = { contentType: 'application/json' };
    if ((await store.compareAndSwap(key, current?.etag ?? null, JSON.stringify(stone), options, signal)) === 'stored')
      return;
  }
}
