/** What the activities that make a variant's video have in common: what is planned, what is stored already, what is stored then. */

import type { RenderedVariant, RenderVariantInput } from '../contracts/batch.ts';
import { batchIdOf } from '../contracts/ids.ts';
import type { ManifestVariant, PlanDocument } from '../planning/manifest.ts';
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
  readonly signal: AbortSignal;
}

/**
 * Makes a variant's video and stores it, unless it is stored already. Null when `make` says that it cannot be made here.
 * @param progress what heartbeats say: numbers only.
 */
export async function makeVariant<Video extends FinishedVideo | null>(
  { store, manifests }: VariantDeps,
  input: RenderVariantInput,
  make: (task: VariantTask) => Promise<Video>,
  { span, progress }: { readonly span: string; readonly progress?: () => object | undefined },
): Promise<RenderedVariant | (Video extends null ? null : never)> {
  const batchId = batchIdOf(input.batch);
  const startedAt = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedAt);

  const once = async ({ plan, variant, signal }: VariantTask): Promise<RenderedVariant | null> => {
    const existing = await describeStored(store, variant.key, variant.rendition, signal);
    if (existing !== null) {
      // Stored by an attempt of this batch whose worker died before it could say so.
      const own = existing.batchId === batchId;
      const renderMs = (own && existing.renderMs) || 0;
      return { outcome: own ? 'rendered' : 'cached', video: existing.video, renderMs };
    }
    const video = await make({ plan, variant, signal });
    if (video === null) return null;
    const origin = {
      variantKey: variant.key,
      rendition: variant.rendition,
      engineDigest: plan.engine.digest,
      templateDigest: plan.template.digest,
      batchId,
      renderMs: elapsedMs(),
    };
    const stored = await putVideo(store, video, origin, signal);
    const renderMs = elapsedMs();
    recordRender(renderMs);
    return { outcome: 'rendered', video: stored, renderMs };
  };

  return (await runActivity(async (signal) => {
    const plan = await manifests.plan(input.batch);
    const variant = await manifests.variant(input);
    const attributes = { 'nightreel.batch': batchId, 'nightreel.variant': variant.key };
    return await withSpan(span, attributes, () =>
      withoutPersonalData(variant.params, () => once({ plan, variant, signal })),
    );
  }, progress)) as RenderedVariant | (Video extends null ? null : never);
}
