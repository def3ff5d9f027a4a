/** Finished videos in the bucket: written once, described by their own metadata, so that a HEAD tells everything. */

import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { objectKeys, type VariantKey } from '../contracts/ids.ts';
import type { RenditionId, StoredVideo } from '../contracts/video.ts';
import { IMMUTABLE, type ObjectHead, type ObjectStore } from './object-store.ts';
import { PartUpload } from './part-upload.ts';

/** A key that comes and goes while it is written: somebody deletes there. */
const PUT_ATTEMPTS = 4;

/** How a video came to be: scenes that do not fit together are rendered whole, under the key of the joined video. */
const MAKINGS = ['whole', 'scenes'] as const;
export type Making = (typeof MAKINGS)[number];

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
  readonly making: Making;
  /** Parts that were sent to an upload, which are all of it; 0 or left out: none. */
  readonly partCount?: number;
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
  /** Null when it was not written down. */
  readonly making: Making | null;
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
  // These two are absent from videos of before they were kept.
  'size-bytes': z.coerce.number().int().positive().optional(),
  making: z.enum(MAKINGS).optional(),
});

/** In the metadata of a video that went up in parts: when that began, there was no size and no digest yet. */
const DESCRIBED_BY_POSTER = { described: 'by-poster' };

/**
 * An upload of a video's file while it is made, to be completed by `putVideo`. Nothing is left of one that is not.
 * @param onBegin is told the upload's ID, by which it can be aborted when this process cannot do so any more.
 */
export function uploadVideo(
  store: ObjectStore,
  origin: Omit<VideoOrigin, 'renderMs'>,
  { signal, onBegin }: { readonly signal: AbortSignal; readonly onBegin?: (uploadId: string) => void },
): PartUpload {
  return new PartUpload(store.uploads, objectKeys.video(origin.variantKey), {
    ...{ contentType: 'video/mp4', cacheControl: IMMUTABLE, signal },
    metadata: { ...originMetadata(origin), ...DESCRIBED_BY_POSTER, upload: randomUUID() },
    ...(onBegin && { onBegin }),
  });
}

const originMetadata = (origin: Omit<VideoOrigin, 'renderMs'>) => ({
  rendition: origin.rendition,
  engine: origin.engineDigest,
  template: origin.templateDigest,
  batch: origin.batchId,
});

/**
 * Stores a video and, before it, its poster. Returns what is in the store afterwards: when another worker was first,
 * that is its video, which the same engine made from the same params. `Failure('ContentMismatch')` when it did not make
 * the same of them; the stored one stays.
 *
 * @param upload what the video's parts were sent to, when it has some: it is completed.
 */
export async function putVideo(
  store: ObjectStore,
  video: FinishedVideo,
  origin: VideoOrigin,
  signal?: AbortSignal,
  upload: PartUpload | null = null,
): Promise<StoredVideo> {
  const { bytes, poster, width, height, durationMs, sha256, making, partCount = 0 } = video;
  const { variantKey, rendition } = origin;
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new Failure(
      'OutputInvalid',
      `The bytes of ${variantKey} changed between the check and the upload. It was not stored.`,
    );
  }
  const metadata = {
    ...originMetadata(origin),
    ...{ width: String(width), height: String(height), 'duration-ms': String(durationMs) },
    ...{ 'size-bytes': String(bytes.byteLength), sha256, making },
    'render-ms': String(Math.round(origin.renderMs)),
  };
  const own = { variantKey, rendition, width, height, durationMs, sizeBytes: bytes.byteLength, sha256 };
  const key = objectKeys.video(variantKey);
  // The video is what the next night looks for: by the time it exists, so does the poster.
  if (upload !== null && poster != null && partCount > 0) {
    if (await putParts(store, { own, poster, metadata, partCount, upload }, signal)) return own;
  } else if (poster) {
    await store.putImmutable(objectKeys.poster(variantKey), poster, POSTER, signal);
  }
  const options = { contentType: 'video/mp4', cacheControl: IMMUTABLE, metadata, sha256 };
  for (let attempt = 1; attempt <= PUT_ATTEMPTS; attempt += 1) {
    if ((await store.putImmutable(key, bytes, options, signal)) === 'stored') return own;
    const present = await describeStored(store, variantKey, rendition, signal);
    if (present === null) continue;
    assertSame(present, { video: own, making });
    return present.video;
  }
  throw new Failure(
    'StorageUnavailable',
    `${key} was there and gone again ${PUT_ATTEMPTS} times in a row. Find out what deletes there; it is tried again.`,
  );
}

const POSTER = { contentType: 'image/jpeg', cacheControl: IMMUTABLE };

interface Parts {
  readonly own: StoredVideo;
  readonly poster: Uint8Array;
  /** All that is to be said of the video. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly partCount: number;
  readonly upload: PartUpload;
}

/** Makes a video of what was uploaded. False when the server did not do so: another's is there, or nothing is. */
async function putParts(store: ObjectStore, parts: Parts, signal?: AbortSignal): Promise<boolean> {
  const { own, upload, partCount } = parts;
  await putDescription(store, parts, { isStored: false }, signal);
  const completion = await upload.complete(partCount);
  const key = objectKeys.video(own.variantKey);
  // What the server says of it is believed when it is seen.
  const head = await store.head(key, signal);
  if (head?.metadata['upload'] === upload.mark && head?.sizeBytes === own.sizeBytes) {
    // Another, who makes something else of these params, may have replaced the description meanwhile.
    await putDescription(store, parts, { isStored: true }, signal);
    return true;
  }
  if (completion === 'exists') await assertSameBytes(store, key, own, signal);
  return false;
}

/**
 * Writes the poster with the description of a video that goes up in parts. A poster that describes another is replaced where there is
 * no video, as whoever wrote it did not get that far, and where the video is this one (`isStored`).
 */
async function putDescription(
  store: ObjectStore,
  { own, poster, metadata }: Parts,
  { isStored }: { readonly isStored: boolean },
  signal?: AbortSignal,
): Promise<void> {
  const key = objectKeys.poster(own.variantKey);
  for (let attempt = 1; attempt <= PUT_ATTEMPTS; attempt += 1) {
    const there = await store.head(key, signal);
    if (BYTES_METADATA.every((name) => there?.metadata[name] === metadata[name])) return;
    // Another's video is compared with this one by whoever finds it.
    if (there !== null && !isStored && (await store.head(objectKeys.video(own.variantKey), signal)) !== null) return;
    const swapped = await store.compareAndSwap(key, there?.etag ?? null, poster, { ...POSTER, metadata }, signal);
    if (swapped === 'stored') return;
  }
  throw new Failure('StorageUnavailable', `${key} kept changing while it was written. It is tried again.`);
}

/** Of one that another has stored in the same moment: its description may still be the one that was written here. */
async function assertSameBytes(store: ObjectStore, key: string, own: StoredVideo, signal?: AbortSignal): Promise<void> {
  const stored = await store.get(key, signal);
  if (stored === null) return;
  const sha256 = createHash('sha256').update(stored.body).digest('hex');
  if (sha256 === own.sha256) return;
  const said = `sha256 ${shown(sha256)}, not ${shown(own.sha256)}`;
  throw new Failure(
    'ContentMismatch',
    `${key}, which was stored in the same moment, is not what was made now: ${said}. ${ADVICE}`,
  );
}

const BYTES_METADATA = ['size-bytes', 'sha256'] as const;

/**
 * Two videos of one key are the same bytes when they were made in the same way. Of one that was joined and one whose scenes
 * did not fit together, only what the template decides is the same.
 */
function assertSame(present: DescribedVideo, own: Pick<DescribedVideo, 'video' | 'making'>): void {
  const fields = ['width', 'height', 'durationMs', ...(present.making === own.making ? BYTES : [])] as const;
  const differing = fields.filter((field) => present.video[field] !== own.video[field]);
  if (differing.length === 0) return;
  const said = differing.map((field) => `${field} ${shown(present.video[field])}, not ${shown(own.video[field])}`);
  throw new Failure(
    'ContentMismatch',
    `${objectKeys.video(own.video.variantKey)} of batch ${present.batchId} is not what was made now: ${said.join('; ')}. ${ADVICE}`,
  );
}

const ADVICE = 'It stays. See whether the template always draws the same (`nightreel render --verify-determinism`).';

const BYTES = ['sizeBytes', 'sha256'] as const;

/** Messages are short: of a digest the first digits. */
const shown = (value: number | string): string => String(value).slice(0, 12);

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
  if (head === null) return null;
  if (head.metadata['described'] !== DESCRIBED_BY_POSTER.described) return describeVideo(head, variantKey, rendition);
  const poster = await store.head(objectKeys.poster(variantKey), signal);
  return describeVideo({ ...head, metadata: { ...poster?.metadata, ...head.metadata } }, variantKey, rendition);
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
  const { making = null, 'size-bytes': sizeBytes = head.sizeBytes } = parsed.data;
  if (head.sizeBytes !== sizeBytes || (head.sha256 ?? sha256) !== sha256) {
    throw new Failure(
      'ContentMismatch',
      `${objectKeys.video(variantKey)} is damaged: ${head.sizeBytes} bytes of sha256 ${shown(head.sha256 ?? 'unknown')} lie there, its metadata says ${sizeBytes} of ${shown(sha256)}. Delete it, and it is rendered again.`,
    );
  }
  const video = { variantKey, rendition, width, height, durationMs, sizeBytes, sha256 };
  return { video, batchId, renderMs, making };
}
