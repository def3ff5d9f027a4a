/** Everything rests on two conditions of a write. A store that ignores one loses updates without a word, so it is asked first. */

import { randomUUID } from 'node:crypto';
import { Failure } from '../contracts/failures.ts';
import type { ObjectStore } from './object-store.ts';

/** One small object that stays: to take it away again would take the right to delete. */
const KEY = 'health/conditional-writes';
/** Other workers that start now ask by the same object. */
const SWAPS = 20;

/**
 * Asks with a handful of small writes. Failure `StorageUnfit` when the store writes in spite of `If-None-Match: *` or of a stale
 * `If-Match`, or when it never writes with a fresh one.
 */
export async function assertConditionalWrites(store: ObjectStore, signal?: AbortSignal): Promise<void> {
  await create(store, signal);
  if (await create(store, signal)) throw unfit(store, 'overwrites an object in spite of `If-None-Match: *`');
  for (let attempt = 1; attempt <= SWAPS; attempt += 1) {
    const current = await store.head(KEY, signal);
    if (current === null || !(await swap(store, current.etag, signal))) continue;
    if (!(await swap(store, current.etag, signal))) return;
    throw unfit(store, 'overwrites an object in spite of a stale `If-Match`');
  }
  throw unfit(store, 'refuses to overwrite an object with its own ETag as `If-Match`');
}

// Each writes something else: a repeated write that met its own object would count as one that succeeded.
const textNow = (): string => JSON.stringify({ asked: randomUUID() });
const options = { contentType: 'application/json' };

const create = async (store: ObjectStore, signal?: AbortSignal): Promise<boolean> =>
  (await store.putImmutable(KEY, textNow(), options, signal)) === 'stored';

const swap = async (store: ObjectStore, etag: string, signal?: AbortSignal): Promise<boolean> =>
  (await store.compareAndSwap(KEY, etag, textNow(), options, signal)) === 'stored';

const unfit = (store: ObjectStore, what: string): Failure =>
  new Failure(
    'StorageUnfit',
    `Bucket ${store.bucket} at ${store.endpoint} ${what}: writers would undo each other's work. Use a store that honours both; \`nightreel doctor\` shows all that one must do.`,
  );
