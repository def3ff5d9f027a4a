/** Objects of the bucket that name a person, and how each is written without them. */

import { Failure } from '../contracts/failures.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Times that an object is read anew because somebody else wrote it meanwhile. */
const MAX_SWAPS = 10;

const PACKED = /\.(gz|parquet)$/;

/** The object without the person; `null`: it goes as a whole; `unchanged`: it does not name them. Throws when it is damaged. */
export type Edit = (body: Buffer) => Edited | Promise<Edited>;
export type Edited = string | Uint8Array | null | 'unchanged';

export interface Trace<Kind extends string = string> {
  readonly kind: Kind;
  readonly key: string;
  readonly edit: Edit;
}

/** An object that is not what Nightreel writes under its key. */
export interface Unreadable {
  readonly key: string;
  /** Whether the person's ID stands in it; null: it is packed, and nobody can tell. */
  readonly namesThem: boolean | null;
}

/** Whether an object names the person; `Unreadable` when it cannot be told. */
export async function look(
  store: ObjectStore,
  { key, edit }: Trace,
  recipientId: string,
  signal: AbortSignal,
): Promise<boolean | Unreadable> {
  const found = await store.get(key, signal);
  if (found === null) return false;
  try {
    return (await edit(found.body)) !== 'unchanged';
  } catch (error) {
    return asUnreadable(error, key, found.body, recipientId);
  }
}

/** Of the store, or of somebody who cancels, is no word about the object. */
export function asUnreadable(error: unknown, key: string, body: Buffer, recipientId: string): Unreadable {
  if (error instanceof Failure && error.failureClass !== 'Internal') throw error;
  if (PACKED.test(key)) return { key, namesThem: null };
  const spellings = [recipientId, JSON.stringify(recipientId).slice(1, -1)];
  return { key, namesThem: spellings.some((spelling) => body.includes(spelling)) };
}

/** Writes the object without the person, or removes it. Doing it twice is doing it once. */
export async function erase(store: ObjectStore, { key, edit }: Trace, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= MAX_SWAPS; attempt += 1) {
    const found = await store.get(key, signal);
    if (found === null) return;
    const edited = await edit(found.body);
    if (edited === 'unchanged') return;
    if (edited === null) return await store.remove(key, signal);
    const { contentType, cacheControl, metadata } = found;
    const options = { contentType, metadata, ...(cacheControl !== null && { cacheControl }) };
    if ((await store.compareAndSwap(key, found.etag, edited, options, signal)) === 'stored') return;
  }
  throw new Failure('StorageUnavailable', `${key} was written by others ${MAX_SWAPS} times in a row. Run it again.`);
}
