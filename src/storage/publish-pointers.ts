/** Everyone who shares a video is pointed at it. */

import pMap from 'p-map';
import { asFailure, FAILURES, Failure } from '../contracts/failures.ts';
import { type BatchRef, batchIdOf } from '../contracts/ids.ts';
import type { StoredVideo } from '../contracts/video.ts';
import type { ObjectStore } from './object-store.ts';
import { pointerKey } from './pointer-keys.ts';
import { pointerOf, publishPointer, type WhenWithdrawn } from './pointers.ts';
import { publishUnlessWithdrawn } from './withdrawals.ts';

const CONCURRENCY = 24;

export interface PublishRequest {
  readonly batch: BatchRef;
  /** The campaign's key pattern, for example `users/{recipientId}.json`. */
  readonly pointerKey: string;
  /** Where viewers read the campaign's videos; left out: where they read all. */
  readonly publicUrl?: string | undefined;
  readonly recipients: readonly string[];
  readonly video: StoredVideo;
  /** Where people get different renditions: the videos of one, first the one that `url` is of. */
  readonly videosOf?: (recipientId: string) => readonly [StoredVideo, ...StoredVideo[]];
  /** Of the params that the video shows. */
  readonly paramsDigest?: string;
  /** What the campaign does with the pointers of people who are withdrawn. */
  readonly whenWithdrawn?: WhenWithdrawn;
  /** ISO 8601 UTC. */
  readonly updatedAt: string;
}

/**
 * Points everyone at the video. Returns how many now are: those whom a newer batch had reached already are not counted.
 * A pointer that cannot be written does not keep the others from theirs: they are written first, then one `Failure`
 * says how many were not. Only `Cancelled` stops at once.
 */
export async function publishPointers(
  store: ObjectStore,
  request: PublishRequest,
  signal?: AbortSignal,
): Promise<number> {
  const failures: Failure[] = [];
  let reached = 0;
  await pMap(
    request.recipients,
    async (recipientId) => {
      try {
        const key = pointerKey(request.pointerKey, request.batch.campaign, recipientId);
        const [video, ...linked] = request.videosOf?.(recipientId) ?? [request.video];
        const pointer = pointerOf(store, { ...request, recipientId, video, linked });
        const outcome =
          request.whenWithdrawn === 'remove'
            ? await publishUnlessWithdrawn(store, key, pointer, signal)
            : await publishPointer(store, key, pointer, signal);
        if (outcome !== 'superseded') reached += 1;
      } catch (error) {
        const failure = asFailure(error);
        if (signal?.aborted || failure.failureClass === 'Cancelled') throw failure;
        failures.push(failure);
      }
    },
    { concurrency: CONCURRENCY },
  );
  // Among several kinds, one that passes decides: tried again, the writes that only that one stopped succeed.
  const told = failures.find(({ failureClass }) => FAILURES[failureClass].retryable) ?? failures[0];
  if (told === undefined) return reached;
  throw new Failure(
    told.failureClass,
    `${failures.length} of ${request.recipients.length} pointers of batch ${batchIdOf(request.batch)} could not be written; the others were. ${told.message}`,
    { cause: told },
  );
}
