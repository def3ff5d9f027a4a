/** Which of a night's videos are in the store already. */

import pMap from 'p-map';
import { Failure, type FailureClass } from '../contracts/failures.ts';
import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import type { RenditionId, StoredVideo } from '../contracts/video.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { headVideo } from '../storage/videos.ts';
import type { PlannedVariants } from './planned-variants.ts';

/** HEAD requests at a time. */
const HEADS = 64;
/** LIST requests at a time. */
const LISTS = 16;
/** What a LIST costs, in HEADs: S3's price of the two is 12.5 to 1. */
const LIST_PRICE = 12.5;
const KEYS_PER_LIST = 1000;
const PREFIXES = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));

/** Requests that find out what a night has stored, in a store of so many objects under `videos/`. */
export function lookupRequests(
  { variants, stored }: { readonly variants: number; readonly stored: number },
  objects: number,
): { readonly list: number; readonly head: number } {
  const perPrefix = listsOf(objects / PREFIXES.length);
  if (paysOff(perPrefix, variants)) return { list: perPrefix * PREFIXES.length, head: stored };
  return { list: paysOff(1, variants) ? perPrefix : 0, head: variants };
}

const listsOf = (keys: number): number => Math.floor(keys / KEYS_PER_LIST) + 1;

const paysOff = (listsPerPrefix: number, variants: number): boolean =>
  listsPerPrefix * PREFIXES.length * LIST_PRICE <= variants;

/** Whether a variant may be stored: only then is it worth a HEAD. */
export type MayBeStored = (key: VariantKey) => boolean;

const MAYBE: MayBeStored = () => true;

/**
 * Lists what is stored where that costs less than asking for every video by name: on a first night, or after a new template, nothing
 * of a large batch is there. One of the 256 prefixes is listed to learn how full the store is.
 */
export async function listVideos(
  store: ObjectStore,
  variants: PlannedVariants,
  signal: AbortSignal,
): Promise<MayBeStored> {
  if (!paysOff(1, variants.size)) return MAYBE;
  const stored = new Uint8Array(variants.size);
  /** False: there are too many for listing to pay. */
  const list = async (prefix: string): Promise<boolean> => {
    let keys = 0;
    for await (const { key } of store.list(`videos/${prefix}/`, signal)) {
      keys += 1;
      if (!paysOff(listsOf(keys), variants.size)) return false;
      const [, name = ''] = /^videos\/..\/(.*)\.mp4$/.exec(key) ?? [];
      const rank = isVariantKey(name) ? variants.rankOf(name) : undefined;
      if (rank !== undefined) stored[rank] = 1;
    }
    return true;
  };
  try {
    const [first = '', ...others] = PREFIXES;
    if (!(await list(first))) return MAYBE;
    const listed = await pMap(others, list, { concurrency: LISTS, signal });
    if (listed.includes(false)) return MAYBE;
  } catch (error) {
    // Somebody may have given the right to read videos and not the right to list them.
    if (error instanceof Failure && error.failureClass === 'StorageDenied') return MAYBE;
    throw error;
  }
  return (key) => {
    const rank = variants.rankOf(key);
    return rank === undefined || stored[rank] === 1;
  };
}

/** The stored video of each of these, null where there is none. */
export async function storedVideos(
  store: ObjectStore,
  keys: readonly VariantKey[],
  { rendition, mayBeStored }: { readonly rendition: RenditionId; readonly mayBeStored: MayBeStored },
  signal: AbortSignal,
): Promise<(StoredVideo | null)[]> {
  const look = async (key: VariantKey): Promise<StoredVideo | null> =>
    mayBeStored(key) ? await headVideo(store, key, rendition, signal).catch(asNotStored) : null;
  return await pMap(keys, look, { concurrency: HEADS, signal });
}

/** The same of all variants, without the videos themselves. By rank: 1 where the video is stored. */
export async function storedRanks(
  store: ObjectStore,
  variants: PlannedVariants,
  rendition: RenditionId,
  signal: AbortSignal,
): Promise<{ readonly stored: Uint8Array; readonly storedCount: number }> {
  const mayBeStored = await listVideos(store, variants, signal);
  const stored = new Uint8Array(variants.size);
  let storedCount = 0;
  for (let first = 0; first < variants.size; first += RANKS_AT_A_TIME) {
    const count = Math.min(RANKS_AT_A_TIME, variants.size - first);
    const keys = Array.from({ length: count }, (_, nth) => variants.keyAt(first + nth));
    const videos = await storedVideos(store, keys, { rendition, mayBeStored }, signal);
    for (const [nth, video] of videos.entries()) {
      if (video === null) continue;
      stored[first + nth] = 1;
      storedCount += 1;
    }
  }
  return { stored, storedCount };
}

const RANKS_AT_A_TIME = 1_000;

/** An object that is in the way of one variant is that variant's failure, not the night's: its render will say so. */
function asNotStored(error: unknown): null {
  if (error instanceof Failure && IN_THE_WAY.includes(error.failureClass)) return null;
  throw error;
}

const IN_THE_WAY: readonly FailureClass[] = ['StorageDenied', 'ContentMismatch'];
