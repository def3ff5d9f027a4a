/** What the activities that make a variant's video have in common: what is planned, what is stored already, what is stored then. */

import type { RenderedVariant, RenderVariantInput } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import { batchIdOf } from '../contracts/ids.ts';
import { type ManifestVariant, type ManifestVideo, type PlanDocument, videosOf } from '../planning/manifest.ts';
import type { ManifestReader } from '../planning/manifest-reader.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { describeStored, type FinishedVideo, putVideo } from '../storage/videos.ts';
import { recordRender } from '../telemetry/metrics.ts';
import { withSpan } from '../telemetry/tracing.ts';
import { runActivity } from './run-activity.ts';
import { withoutPersonalData } from './scrub.ts';

export interface VariantDeps {
  readonly store: ObjectStore;
  readonly manifests: ManifestReader;
}

export interface VariantTask {
  readonly plan: PlanDocument;
  readonly variant: ManifestVariant;
  /** Which of its videos are to be made: one, where everyone gets the same rendition. */
  readonly missing: readonly ManifestVideo[];
  readonly signal: AbortSignal;
}

/**
 * Makes those of a variant's videos that are not stored yet, and stores them. Null when `make` says that it cannot be done here.
 * @param make gives the missing, in their order.
 * @param progress what heartbeats say: numbers only.
 */
export async function makeVariant<Videos extends readonly FinishedVideo[] | null>(
  { store, manifests }: VariantDeps,
  input: RenderVariantInput,
  make: (task: VariantTask) => Promise<Videos>,
  { span, progress }: { readonly span: string; readonly progress?: () => object | undefined },
): Promise<RenderedVariant | (Videos extends null ? null : never)> {
  const batchId = batchIdOf(input.batch);
  const startedAt = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedAt);

  const once = async ({ plan, variant, signal }: Omit<VariantTask, 'missing'>): Promise<RenderedVariant | null> => {
    const videos = videosOf(variant);
    const look = ({ key, rendition }: ManifestVideo) => describeStored(store, key, rendition, signal);
    const existing = await Promise.all(videos.map(look));
    const missing = videos.filter((_, at) => existing[at] === null);
    let [own = null] = existing.map((one) => one?.video ?? null);
    if (missing.length === 0 && own !== null) {
      // Stored by an attempt of this batch whose worker died before it could say so.
      const made = existing.filter((one) => one?.batchId === batchId);
      const renderMs = Math.max(0, ...made.map((one) => one?.renderMs ?? 0));
      return { outcome: made.length > 0 ? 'rendered' : 'cached', video: own, renderMs };
    }
    const finished = await make({ plan, variant, missing, signal });
    if (finished === null) return null;
    const renderedMs = elapsedMs();
    for (const [at, { key, rendition }] of missing.entries()) {
      const video = finished[at];
      if (video === undefined) throw new Failure('Internal', `A render came to no ${rendition} video.`);
      const origin = {
        variantKey: key,
        rendition,
        engineDigest: plan.engine.digest,
        templateDigest: plan.template.digest,
        batchId,
        renderMs: renderedMs,
      };
      const stored = await putVideo(store, video, origin, signal);
      if (key === variant.key) own = stored;
    }
    if (own === null) throw new Failure('Internal', "A variant's own video is not among those of its page.");
    const renderMs = elapsedMs();
    recordRender(renderMs);
    return { outcome: 'rendered', video: own, renderMs };
  };

  return (await runActivity(async (signal) => {
    const plan = await manifests.plan(input.batch);
    const variant = await manifests.variant(input);
    const attributes = { 'nightreel.batch': batchId, 'nightreel.variant': variant.key };
    return await withSpan(span, attributes, () =>
      withoutPersonalData(variant.params, () => once({ plan, variant, signal })),
    );
  }, progress)) as RenderedVariant | (Videos extends null ? null : never);
}
