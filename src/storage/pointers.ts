/** The one kind of object that changes: `users/<id>.json` says which video a recipient should see now. */

import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import { z } from 'zod';
import { asFailure, FAILURES, Failure } from '../contracts/failures.ts';
import { type BatchRef, batchIdOf, isBusinessDate, objectKeys } from '../contracts/ids.ts';
import { RENDITION_IDS, type StoredVideo } from '../contracts/video.ts';
import type { ObjectStore } from './object-store.ts';
import { pointerKey } from './pointer-keys.ts';

/** Readers see a new video within a minute. */
const POINTER_CACHE = 'public,max-age=60';
const MAX_ATTEMPTS = 40;
const MAX_PAUSE_MS = 250;
const CONCURRENCY = 24;

const videoFields = {
  variantKey: z.string(),
  url: z.string(),
  width: z.int(),
  height: z.int(),
  durationMs: z.int(),
  sizeBytes: z.int(),
  sha256: z.string(),
};

export const pointerSchema = z.object({
  recipientId: z.string(),
  campaign: z.string(),
  businessDate: z.string().refine(isBusinessDate),
  attempt: z.int(),
  ...videoFields,
  /** Every rendition that the batch made, by name; the fields above repeat the batch's own. */
  renditions: z.partialRecord(z.enum(RENDITION_IDS), z.object(videoFields)),
  updatedAt: z.string(),
});
export type Pointer = Readonly<z.infer<typeof pointerSchema>>;

export type PointerOutcome = 'published' | 'unchanged' | 'superseded';

/** The pointer of one recipient to one video. */
export function pointerOf(
  store: ObjectStore,
  {
    batch,
    recipientId,
    video,
    updatedAt,
  }: { batch: BatchRef; recipientId: string; video: StoredVideo; updatedAt: string },
): Pointer {
  const { variantKey, rendition, width, height, durationMs, sizeBytes, sha256 } = video;
  const fields = {
    variantKey,
    url: store.url(objectKeys.video(variantKey)),
    width,
    height,
    durationMs,
    sizeBytes,
    sha256,
  };
  const { campaign, businessDate, attempt } = batch;
  return { recipientId, campaign, businessDate, attempt, ...fields, renditions: { [rendition]: fields }, updatedAt };
}

/** Negative when `a` is from an older batch than `b`: by business date, then by attempt. */
export function compareBatches(
  a: Pick<Pointer, 'businessDate' | 'attempt'>,
  b: Pick<Pointer, 'businessDate' | 'attempt'>,
): number {
  if (a.businessDate !== b.businessDate) return a.businessDate < b.businessDate ? -1 : 1;
  return a.attempt - b.attempt;
}

/**
 * Writes one pointer by compare-and-swap. `superseded`: a newer batch has written it already, and it stays.
 * `unchanged`: it says the same already (but for `updatedAt`), and nothing is written.
 */
export async function publishPointer(
  store: ObjectStore,
  key: string,
  pointer: Pointer,
  signal?: AbortSignal,
): Promise<PointerOutcome> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const current = await store.get(key, signal);
    if (current !== null) {
      const present = parsePointer(current.body);
      if (compareBatches(pointer, present) < 0) return 'superseded';
      if (sameContent(pointer, present)) return 'unchanged';
    }
    const body = JSON.stringify(pointer);
    const options = { contentType: 'application/json', cacheControl: POINTER_CACHE };
    if ((await store.compareAndSwap(key, current?.etag ?? null, body, options, signal)) === 'stored')
      return 'published';
    await pause(attempt, signal);
  }
  throw new Failure(
    'StorageUnavailable',
    `A pointer was written by others ${MAX_ATTEMPTS} times in a row while batch ${pointer.campaign}/${pointer.businessDate} tried to. It is tried again.`,
  );
}

export interface PublishRequest {
  readonly batch: BatchRef;
  /** The campaign's key pattern, for example `users/{recipientId}.json`. */
  readonly pointerKey: string;
  readonly recipients: readonly string[];
  readonly video: StoredVideo;
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
        const outcome = await publishPointer(store, key, pointerOf(store, { ...request, recipientId }), signal);
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

function parsePointer(body: Buffer): Pointer {
  try {
    return pointerSchema.parse(JSON.parse(body.toString('utf8')));
  } catch (error) {
    // Overwriting it could put an older batch over a newer one: a person must look.
    throw new Failure(
      'StorageDenied',
      'An object where a pointer belongs is not one, so it is left alone. Look for keys that another program writes, or give the campaign a pointer pattern of its own.',
      { cause: error },
    );
  }
}

const contentOf = (pointer: Pointer): string => JSON.stringify(pointerSchema.parse({ ...pointer, updatedAt: '' }));
const sameContent = (a: Pointer, b: Pointer): boolean => contentOf(a) === contentOf(b);

/** Grows with every lost race; random, so that the losers do not meet again. */
async function pause(attempt: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 10 * 2 ** attempt), undefined, { signal });
  } catch (error) {
    throw new Failure('Cancelled', 'Publishing pointers was cancelled.', { cause: error });
  }
}
