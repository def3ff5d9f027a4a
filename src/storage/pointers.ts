/** The one kind of object that changes: `users/<id>.json` says which video a recipient should see now. */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { type BatchRef, isBusinessDate, objectKeys } from '../contracts/ids.ts';
import { RENDITION_IDS, type StoredVideo } from '../contracts/video.ts';
import { refuseLater } from './format-version.ts';
import type { ObjectStore } from './object-store.ts';

/** Readers see a new video within a minute. */
const POINTER_CACHE = 'public,max-age=60';
const MAX_ATTEMPTS = 40;
const MAX_PAUSE_MS = 250;

const videoFields = {
  variantKey: z.string(),
  url: z.string(),
  width: z.int(),
  height: z.int(),
  durationMs: z.int(),
  sizeBytes: z.int(),
  sha256: z.string(),
};

const owner = {
  recipientId: z.string(),
  campaign: z.string(),
  businessDate: z.string().refine(isBusinessDate),
  attempt: z.int(),
};

export const pointerSchema = z.object({
  ...owner,
  ...videoFields,
  /** sha256 hex of the params that the video shows; absent in pointers of before it was kept. */
  paramsDigest: z.string().optional(),
  /** The recipient's renditions, by name; the fields above repeat one of them. */
  renditions: z.partialRecord(z.enum(RENDITION_IDS), z.object(videoFields)),
  updatedAt: z.string(),
});
export type Pointer = Readonly<z.infer<typeof pointerSchema>>;

/** What stands where the pointer of somebody stood who is gone or wants no video. */
export const neutralPointerSchema = z.strictObject({ ...owner, withdrawn: z.literal(true), updatedAt: z.string() });
export type NeutralPointer = Readonly<z.infer<typeof neutralPointerSchema>>;

/** What becomes of such a pointer: it is removed, or a neutral one takes its place. */
export const WHEN_WITHDRAWN = ['remove', 'neutral'] as const;
export type WhenWithdrawn = (typeof WHEN_WITHDRAWN)[number];

export type PointerOutcome = 'published' | 'unchanged' | 'superseded';

interface PointerRequest {
  readonly batch: BatchRef;
  readonly recipientId: string;
  readonly video: StoredVideo;
  /** Other renditions of it. */
  readonly linked?: readonly StoredVideo[];
  readonly paramsDigest?: string;
  /** Where viewers read it, when that is not where they read all. */
  readonly publicUrl?: string | undefined;
  readonly updatedAt: string;
}

/** The pointer of one recipient to their video. */
export function pointerOf(
  store: ObjectStore,
  { batch, recipientId, video, linked = [], paramsDigest, publicUrl, updatedAt }: PointerRequest,
): Pointer {
  const fieldsOf = ({ variantKey, width, height, durationMs, sizeBytes, sha256 }: StoredVideo) => {
    const url = store.url(objectKeys.video(variantKey), publicUrl);
    return { variantKey, url, width, height, durationMs, sizeBytes, sha256 };
  };
  const { campaign, businessDate, attempt } = batch;
  return {
    recipientId,
    campaign,
    businessDate,
    attempt,
    ...fieldsOf(video),
    ...(paramsDigest !== undefined && { paramsDigest }),
    renditions: Object.fromEntries([video, ...linked].map((one) => [one.rendition, fieldsOf(one)])),
    updatedAt,
  };
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
  pointer: Pointer | NeutralPointer,
  signal?: AbortSignal,
): Promise<PointerOutcome> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const current = await store.get(key, signal);
    if (current !== null) {
      const present = parsePointer(current.body);
      const order = compareBatches(pointer, present);
      // Within one batch, whoever is withdrawn was so after the plan.
      if (order < 0 || (order === 0 && isNeutral(present) && !isNeutral(pointer))) return 'superseded';
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

const isNeutral = (pointer: Pointer | NeutralPointer): pointer is NeutralPointer => 'withdrawn' in pointer;

/** What is there, or null. Throws `Failure('StorageDenied')` when something else is. */
export async function readPointer(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<Pointer | NeutralPointer | null> {
  return (await readPointerVersion(store, key, signal))?.pointer ?? null;
}

/** The same, with the ETag of the version that was read. */
export async function readPointerVersion(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<{ readonly pointer: Pointer | NeutralPointer; readonly etag: string } | null> {
  const current = await store.get(key, signal);
  return current === null ? null : { pointer: parsePointer(current.body), etag: current.etag };
}

const anyPointerSchema = z.union([neutralPointerSchema, pointerSchema]);

function parsePointer(body: Buffer): Pointer | NeutralPointer {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    refuseLater(json, 'A pointer');
    return anyPointerSchema.parse(json);
  } catch (error) {
    if (error instanceof Failure) throw error;
    // Overwriting it could put an older batch over a newer one: a person must look.
    throw new Failure(
      'StorageDenied',
      'An object where a pointer belongs is not one, so it is left alone. Look for keys that another program writes, or give the campaign a pointer pattern of its own.',
      { cause: error },
    );
  }
}

const contentOf = (pointer: Pointer | NeutralPointer): string =>
  JSON.stringify(anyPointerSchema.parse({ ...pointer, updatedAt: '' }));
const sameContent = (a: Pointer | NeutralPointer, b: Pointer | NeutralPointer): boolean =>
  contentOf(a) === contentOf(b);

/** Grows with every lost race; random, so that the losers do not meet again. */
async function pause(attempt: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 10 * 2 ** attempt), undefined, { signal });
  } catch (error) {
    throw new Failure('Cancelled', 'Publishing pointers was cancelled.', { cause: error });
  }
}
