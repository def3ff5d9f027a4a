import type { EngineFingerprint, RenderedVariant, RenderVariantInput } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import { batchIdOf } from '../contracts/ids.ts';
import { RENDITIONS } from '../contracts/video.ts';
import type { ManifestVariant, PlanDocument } from '../planning/manifest.ts';
import type { ManifestReader } from '../planning/manifest-reader.ts';
import type { Renderer } from '../rendering/renderer.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { describeStored, putVideo } from '../storage/videos.ts';
import { recordRender } from '../telemetry/metrics.ts';
import { withSpan } from '../telemetry/tracing.ts';
import type { TemplateLibrary } from '../templates/library.ts';
import { runActivity } from './run-activity.ts';
import { withoutPersonalData } from './scrub.ts';

export interface RenderDeps {
  readonly renderer: Renderer;
  readonly templates: TemplateLibrary;
  readonly store: ObjectStore;
  readonly manifests: ManifestReader;
}

export type RenderActivities = ReturnType<typeof createRenderActivities>;

/** Activities of the `render` task queue: one at a time per slot of the browser pool. */
export const createRenderActivities = ({ renderer, templates, store, manifests }: RenderDeps) => ({
  /** What decides the pixels on this worker: the plan pins it, and a variant's key begins with it. */
  async describeEngine(): Promise<EngineFingerprint> {
    return renderer.fingerprint;
  },

  /** Renders one variant and stores it, unless it is stored already. Returns where it is; never pixels or params. */
  async renderVariant(input: RenderVariantInput): Promise<RenderedVariant> {
    const batchId = batchIdOf(input.batch);
    const startedAt = performance.now();
    let progress: { readonly frame: number; readonly frameCount: number } | undefined;

    const render = async (
      plan: PlanDocument,
      variant: ManifestVariant,
      signal: AbortSignal,
    ): Promise<RenderedVariant> => {
      const existing = await describeStored(store, variant.key, variant.rendition, signal);
      if (existing !== null) {
        // Stored by an attempt of this batch whose worker died before it could say so.
        const own = existing.batchId === batchId;
        return {
          outcome: own ? 'rendered' : 'cached',
          video: existing.video,
          renderMs: (own && existing.renderMs) || 0,
        };
      }
      const template = await templates.load(plan.template.id, plan.template.digest);
      const video = await renderer.render(
        { template, params: variant.params, rendition: RENDITIONS[variant.rendition] },
        {
          signal,
          onProgress: (now) => {
            progress = now;
          },
        },
      );
      const origin = {
        variantKey: variant.key,
        rendition: variant.rendition,
        engineDigest: plan.engine.digest,
        templateDigest: plan.template.digest,
        batchId,
        renderMs: Math.round(performance.now() - startedAt),
      };
      const stored = await putVideo(store, video, origin, signal);
      const renderMs = Math.round(performance.now() - startedAt);
      recordRender(renderMs);
      return { outcome: 'rendered', video: stored, renderMs };
    };

    return await runActivity(
      async (signal) => {
        const plan = await manifests.plan(input.batch);
        if (plan.engine.digest !== renderer.fingerprint.digest) {
          throw new Failure(
            'EngineMismatch',
            `Batch ${batchId} was planned for engine ${plan.engine.digest.slice(0, 12)}, this worker has ${renderer.fingerprint.digest.slice(0, 12)}.`,
          );
        }
        const variant = await manifests.variant(input);
        const attributes = { 'nightreel.batch': batchId, 'nightreel.variant': variant.key };
        return await withSpan('render variant', attributes, () =>
          withoutPersonalData(variant.params, () => render(plan, variant, signal)),
        );
      },
      () => progress,
    );
  },
});
