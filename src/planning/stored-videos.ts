/** Which of a night's videos are in the store already. */

import pMap from 'p-map';
import { Failure, type FailureClass } from '../contracts/failures.ts';
import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import type { RenditionId, StoredVideo } from '../contracts/video.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { headVideo } from '../storage/videos.ts';
import type { PlannedVideo } from './destinations.ts';
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
  const { videoCount } = variants;
  if (!paysOff(1, videoCount)) return MAYBE;
  const stored = new Uint8Array(videoCount);
  /** False: there are too many for listing to pay. */
  const list = async (prefix: string): Promise<boolean> => {
    let keys = 0;
    for await (const { key } of store.list(`videos/${prefix}/`, signal)) {
      keys += 1;
      if (!paysOff(listsOf(keys), videoCount)) return false;
      const [, name = ''] = /^videos\/..\/(.*)\.mp4$/.exec(key) ?? [];
      const number = isVariantKey(name) ? variants.numberOf(name) : undefined;
      if (number !== undefined) stored[number] = 1;
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
    const number = variants.numberOf(key);
    return number === undefined || stored[number] === 1;
  };
}

/** The stored video of each of these, null where there is none. */
export async function storedVideos(
  store: ObjectStore,
  videos: readonly PlannedVideo[],
  mayBeStored: MayBeStored,
  signal: AbortSignal,
): Promise<(StoredVideo | null)[]> {
  const look = async ({ key, rendition }: PlannedVideo): Promise<StoredVideo | null> =>
    mayBeStored(key) ? await headVideo(store, key, rendition, signal).catch(asNotStored) : null;
  return await pMap(videos, look, { concurrency: HEADS, signal });
}

/** The same of all variants, without the videos themselves. By rank: 1 where the video is stored, in every rendition of it. */
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
    const wanted = Array.from({ length: count }, (_, nth) => variants.videosAt(first + nth, rendition));
    const found = await storedVideos(store, wanted.flat(), mayBeStored, signal);
    let at = 0;
    for (const [nth, { length }] of wanted.entries()) {
      const isWhole = !found.slice(at, at + length).includes(null);
      at += length;
      if (!isWhole) continue;
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
