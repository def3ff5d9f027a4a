/** What the activities that make a variant's video have in common: what is planned, what is stored already, what is stored then. */

import { createHash } from 'node:crypto';
import { activityInfo, heartbeat } from '@temporalio/activity';
import type { EngineFingerprint, RenderedVariant, RenderVariantInput } from '../contracts/batch.ts';
import { asFailure, Failure } from '../contracts/failures.ts';
import { batchIdOf, objectKeys } from '../contracts/ids.ts';
import { type ManifestVariant, type ManifestVideo, type PlanDocument, videosOf } from '../planning/manifest.ts';
import type { ManifestReader } from '../planning/manifest-reader.ts';
import type { Meter } from '../rendering/measuring/meter.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { PartUpload } from '../storage/part-upload.ts';
import { viaFile } from '../storage/staging.ts';
import { describeStored, type FinishedVideo, putVideo, uploadVideo } from '../storage/videos.ts';
import { recordRender, recordVariantCpu, timeStage } from '../telemetry/metrics.ts';
import { inStep } from '../telemetry/tracing.ts';
import type { Attempt } from './attempt.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import { runActivity } from './run-activity.ts';
import { THIS_WORKER } from './this-worker.ts';

/** This process, among all that render. */
const WORKER = createHash('sha256').update(THIS_WORKER.identity).digest('hex').slice(0, 8);

export interface VariantDeps {
  readonly store: ObjectStore;
  readonly manifests: ManifestReader;
  readonly failures: FailedAttempts;
  /** Whether a video goes to the store while it is made; else from a temporary file. True when left out. */
  readonly uploadDirect?: boolean;
}

export interface VariantTask {
  readonly plan: PlanDocument;
  readonly variant: ManifestVariant;
  /** Which of its videos are to be made: one, where everyone gets the same rendition. */
  readonly missing: readonly ManifestVideo[];
  readonly signal: AbortSignal;
  /** Takes the file in parts while it is made; null: it is uploaded afterwards. */
  readonly parts: PartUpload | null;
  /** Told what there is to know if this attempt fails. */
  readonly attempt: Attempt;
}

/**
 * Makes those of a variant's videos that are not stored yet, and stores them. Null when `make` says that it cannot be done here.
 * @param make gives the missing, in their order.
 * @param engine this worker's own; null where it does not render.
 * @param progress what heartbeats say, beside the ID of an upload under way: numbers only.
 */
export async function makeVariant<Videos extends readonly FinishedVideo[] | null>(
  { store, manifests, failures, uploadDirect = true }: VariantDeps,
  input: RenderVariantInput,
  make: (task: VariantTask) => Promise<Videos>,
  {
    span,
    engine,
    progress,
  }: {
    readonly span: string;
    readonly engine: EngineFingerprint | null;
    readonly progress?: () => object | undefined;
  },
): Promise<RenderedVariant | (Videos extends null ? null : never)> {
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

  const once = async ({
    plan,
    variant,
    signal,
    attempt,
    meter,
  }: Omit<VariantTask, 'missing' | 'parts'> & { readonly meter: Meter }): Promise<RenderedVariant | null> => {
    const videos = videosOf(variant);
    const look = ({ key, rendition }: ManifestVideo) => describeStored(store, key, rendition, signal);
    const existing = await inStep('look up', async () => {
      await abortAbandoned(store, objectKeys.video(variant.key), signal);
      return await Promise.all(videos.map(look));
    });
    const missing = videos.filter((_, at) => existing[at] === null);
    let [own = null] = existing.map((one) => one?.video ?? null);
    if (missing.length === 0 && own !== null) {
      // Stored by an attempt of this batch whose worker died before it could say so.
      const made = existing.filter((one) => one?.batchId === batchId);
      const renderMs = Math.max(0, ...made.map((one) => one?.renderMs ?? 0));
      return { outcome: made.length > 0 ? 'rendered' : 'cached', video: own, renderMs };
    }
    const origin = { engineDigest: plan.engine.digest, templateDigest: plan.template.digest, batchId };
    // Those that are scaled from one capture are encoded by one program, which gives them all in the end.
    const [only, ...others] = missing;
    const isAlone = only?.key === variant.key && others.length === 0;
    const target = { ...origin, variantKey: variant.key, rendition: variant.rendition };
    await using parts = uploadDirect && isAlone ? uploadVideo(store, target, { signal, onBegin }) : null;
    const finished = await make({ plan, variant, missing, signal, parts, attempt });
    if (finished === null) return null;
    attempt.stage = 'upload';
    const renderedMs = elapsedMs();
    let uploadedBytes = 0;
    for (const [at, { key, rendition }] of missing.entries()) {
      const video = finished[at];
      if (video === undefined) throw new Failure('Internal', `A render came to no ${rendition} video.`);
      const put = (bytes: Uint8Array) =>
        putVideo(
          store,
          { ...video, bytes },
          { ...origin, variantKey: key, rendition, renderMs: renderedMs },
          signal,
          parts,
        );
      const stored = await timeStage(
        'upload',
        () => (uploadDirect ? put(video.bytes) : viaFile(video.bytes, put)),
        (durationMs) => meter.addStage('upload', durationMs),
      );
      uploadedBytes += stored.sizeBytes;
      if (key === variant.key) own = stored;
    }
    if (own === null) throw new Failure('Internal', "A variant's own video is not among those of its page.");
    const renderMs = elapsedMs();
    recordRender(renderMs, uploadedBytes);
    const measures = meter.measures({
      ...{ bytes: uploadedBytes, videos: missing.length },
      ...{ endedAt: Date.now(), worker: WORKER },
    });
    if (measures.cpuMs !== undefined) recordVariantCpu(measures.cpuMs);
    return { outcome: 'rendered', video: own, renderMs, measures };
  };

  return (await runActivity(
    (signal) =>
      failures.watch({ ...input, kind: 'variant' }, engine, signal, async (attempt) => {
        const plan = await inStep('read plan', () => manifests.plan(input.batch));
        attempt.plan = plan;
        const variant = await inStep('read row', () => manifests.variant(input));
        attempt.params = variant.params;
        const about = { plan, params: variant.params, attributes: { 'nightreel.variant': variant.key } };
        return await attempt.perform({ span, ...about }, (meter) => once({ plan, variant, signal, attempt, meter }));
      }),
    progressWithUpload,
  )) as RenderedVariant | (Videos extends null ? null : never);
}

/**
 * What an attempt that was killed had begun to upload and could not abort: named in its last heartbeat, or begun after it. Another
 * worker that uploads the same video now and loses its upload by this tries again.
 */
async function abortAbandoned(store: ObjectStore, key: string, signal: AbortSignal): Promise<void> {
  const { attempt, heartbeatDetails, currentAttemptScheduledTimestampMs } = activityInfo();
  if (attempt === 1) return;
  const { uploadId } = (heartbeatDetails ?? {}) as { readonly uploadId?: unknown };
  try {
    if (typeof uploadId === 'string') await store.uploads.abort({ key, uploadId }, signal);
    for (const upload of await store.uploads.openOf(key, signal)) {
      if (upload.begunMs < currentAttemptScheduledTimestampMs) await store.uploads.abort(upload, signal);
    }
  } catch (error) {
    // Both are rights of their own; the bucket's rule aborts what stays.
    if (asFailure(error).failureClass !== 'StorageDenied') throw error;
  }
}
