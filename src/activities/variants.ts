/** What the activities that make a variant's video have in common: what is planned, what is stored already, what is stored then. */

import { activityInfo, heartbeat } from '@temporalio/activity';
import type { RenderedVariant, RenderVariantInput } from '../contracts/batch.ts';
import { asFailure } from '../contracts/failures.ts';
import { batchIdOf, objectKeys } from '../contracts/ids.ts';
import type { ManifestVariant, PlanDocument } from '../planning/manifest.ts';
import type { ManifestReader } from '../planning/manifest-reader.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { PartUpload } from '../storage/part-upload.ts';
import { viaFile } from '../storage/staging.ts';
import { describeStored, type FinishedVideo, putVideo, uploadVideo } from '../storage/videos.ts';
import { recordRender, timeStage } from '../telemetry/metrics.ts';
import { withSpan } from '../telemetry/tracing.ts';
import { runActivity } from './run-activity.ts';
import { withoutPersonalData } from './scrub.ts';

export interface VariantDeps {
  readonly store: ObjectStore;
  readonly manifests: ManifestReader;
  /** Whether a video goes to the store while it is made; else from a temporary file. True when left out. */
  readonly uploadDirect?: boolean;
}

export interface VariantTask {
  readonly plan: PlanDocument;
  readonly variant: ManifestVariant;
  readonly signal: AbortSignal;
  /** Takes the file in parts while it is made; null: it is uploaded afterwards. */
  readonly parts: PartUpload | null;
}

/**
 * Makes a variant's video and stores it, unless it is stored already. Null when `make` says that it cannot be made here.
 * @param progress what heartbeats say: numbers only.
 */
export async function makeVariant<Video extends FinishedVideo | null>(
  { store, manifests, uploadDirect = true }: VariantDeps,
  input: RenderVariantInput,
  make: (task: VariantTask) => Promise<Video>,
  { span, progress }: { readonly span: string; readonly progress?: () => object | undefined },
): Promise<RenderedVariant | (Video extends null ? null : never)> {
  const batchId = batchIdOf(input.batch);
  const startedAt = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedAt);

  let uploadId: string | undefined;
  const progressWithUpload = (): object | undefined => {
    const now = progress?.();
    return uploadId === undefined ? now : { ...now, uploadId };
  };
  const onBegin = (id: string): void => {
    uploadId = id;
    heartbeat(progressWithUpload());
  };

  const once = async ({ plan, variant, signal }: Omit<VariantTask, 'parts'>): Promise<RenderedVariant | null> => {
    await abortAbandoned(store, objectKeys.video(variant.key), signal);
    const existing = await describeStored(store, variant.key, variant.rendition, signal);
    if (existing !== null) {
      // Stored by an attempt of this batch whose worker died before it could say so.
      const own = existing.batchId === batchId;
      const renderMs = (own && existing.renderMs) || 0;
      return { outcome: own ? 'rendered' : 'cached', video: existing.video, renderMs };
    }
    const origin = {
      variantKey: variant.key,
      rendition: variant.rendition,
      engineDigest: plan.engine.digest,
      templateDigest: plan.template.digest,
      batchId,
    };
    await using parts = uploadDirect ? uploadVideo(store, origin, { signal, onBegin }) : null;
    const video = await make({ plan, variant, signal, parts });
    if (video === null) return null;
    const put = (bytes: Uint8Array) =>
      putVideo(store, { ...video, bytes }, { ...origin, renderMs: elapsedMs() }, signal, parts);
    const stored = await timeStage('upload', () => (uploadDirect ? put(video.bytes) : viaFile(video.bytes, put)));
    const renderMs = elapsedMs();
    recordRender(renderMs, stored.sizeBytes);
    return { outcome: 'rendered', video: stored, renderMs };
  };

  return (await runActivity(async (signal) => {
    const plan = await manifests.plan(input.batch);
    const variant = await manifests.variant(input);
    const attributes = { 'nightreel.batch': batchId, 'nightreel.variant': variant.key };
    return await withSpan(span, attributes, () =>
      withoutPersonalData(variant.params, () => once({ plan, variant, signal })),
    );
  }, progressWithUpload)) as RenderedVariant | (Video extends null ? null : never);
}

/**
 * What an attempt that was killed had begun to upload and could not abort: named in its last heartbeat, or begun after it. Another
 * worker that uploads the same video now and loses its upload by this tries again.
 */
async function abortAbandoned(store: ObjectStore, key: string, signal: AbortSignal): Promise<void> {
  const { attempt, heartbeatDetails, currentAttemptScheduledTimestampMs } = activityInfo();
  if (attempt === 1) return;
  const { uploadId } = (heartbeatDetails ?? {}) as { readonly uploadId?: unknown };
  if (typeof uploadId === 'string') await store.uploads.abort({ key, uploadId }, signal);
  try {
    for (const upload of await store.uploads.openOf(key, signal)) {
      if (upload.begunMs < currentAttemptScheduledTimestampMs) await store.uploads.abort(upload, signal);
    }
  } catch (error) {
    // Listing is a right of its own; the bucket's rule aborts what stays.
    if (asFailure(error).failureClass !== 'StorageDenied') throw error;
  }
}
