/** What people were last shown, for the plan: as their pointers say, or as the campaign's ledger does. */

import pMap from 'p-map';
import { Failure } from '../contracts/failures.ts';
import { RENDITION_IDS, type RenditionId } from '../contracts/video.ts';
import type { Ledger } from '../storage/ledger.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { pointerKey } from '../storage/pointer-keys.ts';
import { type NeutralPointer, type Pointer, readPointer } from '../storage/pointers.ts';
import type { Delivered } from './delta-plan.ts';
import { type DestinationMap, shownDigest } from './destinations.ts';
import type { Doubtful } from './open-batches.ts';

/** GET requests at a time. */
const CONCURRENCY = 48;

interface PointingCampaign {
  readonly id: string;
  readonly pointerKey: string;
  /** Absent: everyone gets the same rendition. */
  readonly destinations?: DestinationMap | undefined;
}

/** For the few who are read again because of the overlap: a request each. */
export const deliveredByPointers = (
  store: ObjectStore,
  { id, pointerKey: pattern, destinations }: PointingCampaign,
  signal: AbortSignal,
): Delivered => ({
  async unchanged(wanted, found) {
    await pMap(
      wanted,
      async ([recipientId, digest]) => {
        const pointer = await readPointer(store, pointerKey(pattern, id, recipientId), signal).catch(asNotDelivered);
        const shown = shownBy(pointer, destinations !== undefined);
        if (shown === digest) found(recipientId);
      },
      { concurrency: CONCURRENCY, signal },
    );
  },
});

function shownBy(pointer: Pointer | NeutralPointer | { readonly withdrawn: true } | null, hasDestinations: boolean) {
  if (pointer === null || 'withdrawn' in pointer) return null;
  const { paramsDigest = '', variantKey, renditions } = pointer;
  if (!hasDestinations) return paramsDigest;
  const isFirst = (id: RenditionId): boolean => renditions[id]?.variantKey === variantKey;
  const ids = RENDITION_IDS.filter((id) => renditions[id] !== undefined);
  return shownDigest(paramsDigest, [...ids.filter(isFirst), ...ids.filter((id) => !isFirst(id))]);
}

/** Something that is in the way of one pointer is that person's failure, not the night's. */
function asNotDelivered(error: unknown) {
  if (error instanceof Failure && error.failureClass === 'StorageDenied') return { withdrawn: true } as const;
  throw error;
}

/**
 * For a source that is read whole. Somebody who was shown a video and is not there any more is gone. Of doubtful people it
 * is not known what they are shown: nothing of them is unchanged.
 */
export const deliveredByLedger = (ledger: Ledger, doubtful: Doubtful): Delivered => ({
  async unchanged(wanted, found) {
    for (const [recipientId, digest] of wanted) {
      if (doubtful.has(recipientId)) continue;
      const same = digest === null ? !ledger.has(recipientId) : ledger.shows(recipientId, digest);
      if (same) found(recipientId);
    }
  },
  missing: (isThere) =>
    [...new Set([...ledger.ids(), ...doubtful.people])].filter((recipientId) => !isThere(recipientId)),
});
