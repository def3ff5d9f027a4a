/**
 * Pointers of people who are gone or want no video. A pointer that is removed leaves a tombstone, named by a digest of the
 * ID: without it an older batch, repaired later, would find no pointer and write one.
 */

import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { type BatchRef, isBusinessDate, objectKeys } from '../contracts/ids.ts';
import { readJsonLines, swapJson } from './documents.ts';
import type { ObjectStore } from './object-store.ts';
import { pointerKey } from './pointer-keys.ts';
import {
  compareBatches,
  type NeutralPointer,
  type Pointer,
  type PointerOutcome,
  publishPointer,
  readPointerVersion,
  type WhenWithdrawn,
} from './pointers.ts';

const CONCURRENCY = 24;
const MAX_SWAPS = 20;

const tombstoneSchema = z.object({ businessDate: z.string().refine(isBusinessDate), attempt: z.int() });
type Tombstone = Readonly<z.infer<typeof tombstoneSchema>>;

export const tombstoneKey = (campaign: string, recipientId: string): string =>
  objectKeys.tombstone(campaign, createHash('sha256').update(recipientId).digest('hex'));

/** One line of `withdrawn.jsonl`. */
const withdrawnLine = z.object({ recipientId: z.string().min(1) });

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
      const neutral = neutralOf({ recipientId, campaign, businessDate, attempt, updatedAt });
      if ((await publishPointer(store, key, neutral, signal)) === 'superseded') return;
      if (whenWithdrawn === 'remove') {
        // In this order: at no moment is there neither a neutral pointer nor a tombstone.
        await putTombstone(store, tombstoneKey(campaign, recipientId), { businessDate, attempt }, signal);
        await removeUpTo(store, key, { businessDate, attempt }, signal);
      }
      withdrawn += 1;
    },
    { concurrency: CONCURRENCY, signal },
  );
  return withdrawn;
}

/** Whom the plan of a batch found to be gone or unwilling, in the order in which they were met. */
export async function withdrawnPeople(store: ObjectStore, batch: BatchRef, signal?: AbortSignal): Promise<string[]> {
  const people: string[] = [];
  for await (const { recipientId } of readJsonLines(store, objectKeys.withdrawn(batch), withdrawnLine, signal)) {
    people.push(recipientId);
  }
  return people;
}

/** Writes a pointer, but not for somebody whom this batch or a newer one has withdrawn. */
export async function publishUnlessWithdrawn(
  store: ObjectStore,
  key: string,
  pointer: Pointer,
  signal?: AbortSignal,
): Promise<PointerOutcome> {
  const stone = tombstoneKey(pointer.campaign, pointer.recipientId);
  const takeBackIfBuried = async (): Promise<boolean> => {
    const buried = await tombstoneOf(store, stone, signal);
    if (buried === null || compareBatches(buried, pointer) < 0) return false;
    await removeUpTo(store, key, buried, signal);
    return true;
  };
  // An attempt before this one may have written the pointer and died before it looked again.
  if (await takeBackIfBuried()) return 'superseded';
  const outcome = await publishPointer(store, key, pointer, signal);
  if (outcome === 'superseded') return outcome;
  // The tombstone may have come between the look and the write.
  return (await takeBackIfBuried()) ? 'superseded' : outcome;
}

/** Removes a pointer of this batch or of an older one. One that a newer batch writes in the same moment stays. */
async function removeUpTo(store: ObjectStore, key: string, batch: Tombstone, signal?: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= MAX_SWAPS; attempt += 1) {
    const current = await readPointerVersion(store, key, signal);
    if (current === null || compareBatches(current.pointer, batch) > 0) return;
    if ((await store.compareAndRemove(key, current.etag, signal)) === 'removed') return;
  }
  throw new Failure(
    'StorageUnavailable',
    `A pointer was written by others ${MAX_SWAPS} times in a row while it was to be removed. It is tried again.`,
  );
}

const neutralOf = ({ recipientId, campaign, businessDate, attempt, updatedAt }: Omit<NeutralPointer, 'withdrawn'>) =>
  ({ recipientId, campaign, businessDate, attempt, withdrawn: true, updatedAt }) satisfies NeutralPointer;

async function tombstoneOf(store: ObjectStore, key: string, signal?: AbortSignal): Promise<Tombstone | null> {
  const text = await store.getText(key, signal);
  return text === null ? null : parseTombstone(text);
}

/** A tombstone never goes back. */
async function putTombstone(store: ObjectStore, key: string, stone: Tombstone, signal?: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= MAX_SWAPS; attempt += 1) {
    const current = await store.get(key, signal);
    if (current !== null && compareBatches(parseTombstone(current.body.toString('utf8')), stone) >= 0) return;
    if ((await swapJson(store, key, current?.etag ?? null, stone, signal)) === 'stored') return;
  }
  throw new Failure(
    'StorageUnavailable',
    `A tombstone was written by others ${MAX_SWAPS} times in a row, so its pointer stays for now. It is tried again.`,
  );
}

const parseTombstone = (text: string): Tombstone => tombstoneSchema.parse(JSON.parse(text));
