import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { objectKeys } from '../contracts/ids.ts';
import type { ObjectStore } from './object-store.ts';

/** Stores a list of recipients given by hand under the digest of its bytes; returns its key. */
export async function putInput(store: ObjectStore, open: () => Readable, signal?: AbortSignal): Promise<string> {
  const bytes = await buffer(open());
  const key = objectKeys.input(createHash('sha256').update(bytes).digest('hex'));
  await store.putImmutable(key, bytes, { contentType: 'text/csv; charset=utf-8' }, signal);
  return key;
}
