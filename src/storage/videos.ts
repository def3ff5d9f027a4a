/** Finished videos in the bucket: written once, described by their own metadata, so that a HEAD tells everything. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { objectKeys, type VariantKey } from '../contracts/ids.ts';
import type { RenditionId, StoredVideo } from '../contracts/video.ts';
import type { ObjectHead, ObjectStore } from './object-store.ts';

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
}

const metadataSchema = z.object({
  rendition: z.string(),
  width: z.coerce.number().int().positive(),
  height: z.coerce.number().int().positive(),
  'duration-ms': z.coerce.number().int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
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
  if (poster) await store.putImmutable(objectKeys.poster(variantKey), poster, { contentType: 'image/jpeg' }, signal);
  const metadata = {
    rendition,
    width: String(width),
    height: String(height),
    'duration-ms': String(durationMs),
    sha256,
    engine: origin.engineDigest,
    template: origin.templateDigest,
    batch: origin.batchId,
  };
  const key = objectKeys.video(variantKey);
  const outcome = await store.putImmutable(key, bytes, { contentType: 'video/mp4', metadata }, signal);
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
  const head = await store.head(objectKeys.video(variantKey), signal);
  return head === null ? null : describeVideo(head, variantKey, rendition);
}

function describeVideo(head: ObjectHead, variantKey: VariantKey, rendition: RenditionId): StoredVideo {
  const parsed = metadataSchema.safeParse(head.metadata);
  if (!parsed.success || parsed.data.rendition !== rendition) {
    throw new Failure(
      'StorageDenied',
      `${objectKeys.video(variantKey)} lacks the metadata of a ${rendition} video: something else wrote it, or copied it without its metadata. Delete it, and it is rendered again.`,
      { cause: parsed.error },
    );
  }
  const { width, height, 'duration-ms': durationMs, sha256 } = parsed.data;
  return { variantKey, rendition, width, height, durationMs, sizeBytes: head.sizeBytes, sha256 };
}
