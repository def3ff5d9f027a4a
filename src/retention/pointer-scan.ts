/** All pointers of the bucket, and the videos that they name. */

import { pMapIterable } from 'p-map';
import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { neutralPointerSchema, pointerSchema } from '../storage/pointers.ts';

/** GET requests at a time. */
const CONCURRENCY = 48;
/** A pointer is some hundred bytes for each rendition: what is larger is none. */
const LARGEST_BYTES = 64 * 1024;

/** Of campaigns that say nothing else, and of some that are gone. */
export const USUAL_PATTERN = 'users/{recipientId}.json';

/** What pointers' keys begin with under these patterns; none of them begins with another. */
export function pointerPrefixes(patterns: Iterable<string>): string[] {
  const prefixes = [...new Set([...patterns].map((pattern) => pattern.slice(0, pattern.indexOf('{'))))].sort();
  return prefixes.filter((prefix) => !prefixes.some((other) => other !== prefix && prefix.startsWith(other)));
}

export interface ScannedPointer {
  readonly key: string;
  /** Keys of its videos; of an object that is no pointer, whatever could be one. */
  readonly videos: readonly VariantKey[];
}

export async function* scanPointers(
  store: ObjectStore,
  patterns: Iterable<string>,
  signal: AbortSignal,
): AsyncGenerator<ScannedPointer, void, undefined> {
  for (const prefix of pointerPrefixes(patterns)) {
    yield* pMapIterable(
      store.list(prefix, signal),
      async ({ key, sizeBytes }): Promise<ScannedPointer> => {
        const text = sizeBytes > LARGEST_BYTES ? null : await store.getText(key, signal);
        return { key, videos: text === null ? [] : videosOf(text) };
      },
      { concurrency: CONCURRENCY },
    );
  }
}

/** Keys of the videos that a pointer names. */
export function videosOf(text: string): VariantKey[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return digestsIn(text);
  }
  const pointer = pointerSchema.safeParse(json);
  if (!pointer.success) return neutralPointerSchema.safeParse(json).success ? [] : digestsIn(text);
  const { variantKey, renditions } = pointer.data;
  return [variantKey, ...Object.values(renditions).map((video) => video.variantKey)].filter(isVariantKey);
}

/** Whatever in a text could be a key: what cannot be read must not cost a video. */
export const digestsIn = (text: string): VariantKey[] =>
  [...text.matchAll(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g)].map(([digest]) => digest).filter(isVariantKey);
