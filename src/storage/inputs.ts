import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Failure } from '../contracts/failures.ts';
import { isVariantKey, objectKeys, type VariantKey } from '../contracts/ids.ts';
import type { ObjectStore } from './object-store.ts';

const CONTENT_TYPES = { csv: 'text/csv; charset=utf-8', keys: 'text/plain; charset=utf-8' } as const;

/** Stores a list of recipients given by hand under the digest of its bytes; returns its key. */
export async function putInput(store: ObjectStore, open: () => Readable, signal?: AbortSignal): Promise<string> {
  return await put(store, await buffer(open()), 'csv', signal);
}

/** Stores a list of variants given by hand, likewise. */
export async function putVariantList(
  store: ObjectStore,
  keys: readonly VariantKey[],
  signal?: AbortSignal,
): Promise<string> {
  return await put(store, Buffer.from(keys.map((key) => `${key}\n`).join('')), 'keys', signal);
}

/** The keys of such a list. Failure `CampaignInvalid` when there is none, or it is something else. */
export async function readVariantList(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<ReadonlySet<VariantKey>> {
  const text = await store.getText(key, signal);
  if (text === null) throw new Failure('CampaignInvalid', `There is no list of variants ${key} in the bucket.`);
  return new Set(variantKeysIn(text, key));
}

/**
 * The variant keys of a text, one to a line, alone or in an ID, a URL or a line of JSON: what `temporal workflow list` and the
 * outcome pages print. Failure `CampaignInvalid` names the first line that has none or several.
 */
export function variantKeysIn(text: string, name: string): VariantKey[] {
  const keys: VariantKey[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [key, ...others] = new Set(line.match(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g) ?? []);
    if (key === undefined || !isVariantKey(key) || others.length > 0) {
      const what = key === undefined ? 'no variant key (64 hex digits)' : 'several variant keys';
      throw new Failure('CampaignInvalid', `Line ${index + 1} of ${name} has ${what}; it takes one to a line.`);
    }
    keys.push(key);
  }
  if (keys.length === 0) throw new Failure('CampaignInvalid', `${name} names no variant.`);
  return keys;
}

async function put(store: ObjectStore, bytes: Buffer, type: 'csv' | 'keys', signal?: AbortSignal): Promise<string> {
  const key = objectKeys.input(createHash('sha256').update(bytes).digest('hex'), type);
  await store.putImmutable(key, bytes, { contentType: CONTENT_TYPES[type] }, signal);
  return key;
}
