/** Finished videos in the bucket: written once, described by their own metadata, so that a HEAD tells everything. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { objectKeys, type VariantKey } from '../contracts/ids.ts';
import type { RenditionId, StoredVideo } from '../contracts/video.ts';
import { IMMUTABLE, type ObjectHead, type ObjectStore } from './object-store.ts';

/** A finished, checked video, as the engine hands it over. */
export interface FinishedVideo {
  readonly bytes: Uint8Array;
  /** A JPEG of one telling frame; null when there is none. */
  readonly poster?: Uint8Array | null;
  readonly width: number;
  readonly height: number;
  readonly durationMs: number;
  /** Hex digest of `bytes`. */
  readonly sha256: string;
}

/** Where a video comes from. */
export interface VideoOrigin {
  readonly variantKey: VariantKey;
  readonly rendition: RenditionId;
  readonly engineDigest: string;
  readonly templateDigest: string;
  /** The batch that rendered it first. */
  readonly batchId: string;
  /** How long that took. */
  readonly renderMs: number;
}

/** A video that is in the store, and how it came there. */
export interface DescribedVideo {
  readonly video: StoredVideo;
  /** The batch that rendered it first. */
  readonly batchId: string;
  /** How long that took; null when it was not written down. */
  readonly renderMs: number | null;
}

const metadataSchema = z.object({
  rendition: z.string(),
  width: z.coerce.number().int().positive(),
  height: z.coerce.number().int().positive(),
  'duration-ms': z.coerce.number().int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  batch: z.string().min(1),
  // Only a figure for reports: without it the video is as good.
  'render-ms': z.coerce.number().int().nonnegative().nullable().catch(null),
});

/**
 * Stores a video and, before it, its poster. Returns what is in the store afterwards: when another worker was first,
 * that is its video, which the same engine made from the same params.
 */
export async function putVideo(
  store: ObjectStore,
  video: FinishedVideo,
  origin: VideoOrigin,
  signal?: AbortSignal,
): Promise<StoredVideo> {
  const { bytes, poster, width, height, durationMs, sha256 } = video;
  const { variantKey, rendition } = origin;
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new Failure(
      'OutputInvalid',
      `The bytes of ${variantKey} changed between the check and the upload. It was not stored.`,
    );
  }
  // The video is what the next night looks for: by the time it exists, so does the poster.
  if (poster) {
    const options = { contentType: 'image/jpeg', cacheControl: IMMUTABLE };
    await store.putImmutable(objectKeys.poster(variantKey), poster, options, signal);
  }
  const metadata = {
    rendition,
    width: String(width),
    height: String(height),
    'duration-ms': String(durationMs),
    sha256,
    engine: origin.engineDigest,
    template: origin.templateDigest,
    batch: origin.batchId,
    'render-ms': String(Math.round(origin.renderMs)),
  };
  const key = objectKeys.video(variantKey);
  const options = { contentType: 'video/mp4', cacheControl: IMMUTABLE, metadata };
  const outcome = await store.putImmutable(key, bytes, options, signal);
  const stored = { variantKey, rendition, width, height, durationMs, sizeBytes: bytes.byteLength, sha256 };
  if (outcome === 'stored') return stored;
  return (await headVideo(store, variantKey, rendition, signal)) ?? stored;
}

/** The video of a variant, described by its metadata alone; null when it is not stored. */
export async function headVideo(
  store: ObjectStore,
  variantKey: VariantKey,
  rendition: RenditionId,
  signal?: AbortSignal,
): Promise<StoredVideo | null> {
  return (await describeStored(store, variantKey, rendition, signal))?.video ?? null;
}

/**
 * The same with the batch that rendered it: a retry of a render that had stored its video and could not say so any more
 * finds its own batch there, and counts the video as rendered.
 */
export async function describeStored(
  store: ObjectStore,
  variantKey: VariantKey,
  rendition: RenditionId,
  signal?: AbortSignal,
): Promise<DescribedVideo | null> {
  const head = await store.head(objectKeys.video(variantKey), signal);
  return head === null ? null : describeVideo(head, variantKey, rendition);
}

function describeVideo(head: ObjectHead, variantKey: VariantKey, rendition: RenditionId): DescribedVideo {
  const parsed = metadataSchema.safeParse(head.metadata);
  if (!parsed.success || parsed.data.rendition !== rendition) {
    throw new Failure(
      'StorageDenied',
      `${objectKeys.video(variantKey)} lacks the metadata of a ${rendition} video: something else wrote it, or copied it without its metadata. Delete it, and it is rendered again.`,
      { cause: parsed.error },
    );
  }
  const { width, height, 'duration-ms': durationMs, sha256, batch: batchId, 'render-ms': renderMs } = parsed.data;
  const video = { variantKey, rendition, width, height, durationMs, sizeBytes: head.sizeBytes, sha256 };
  return { video, batchId, renderMs };
}
