import { heartbeat } from '@temporalio/activity';
import type { EngineFingerprint, RenderedVariant, RenderVariantInput } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import { batchIdOf } from '../contracts/ids.ts';
import { RENDITIONS } from '../contracts/video.ts';
import type { ManifestReader } from '../planning/manifest-reader.ts';
import type { Renderer } from '../rendering/renderer.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { headVideo, putVideo } from '../storage/videos.ts';
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
    const startedAt = performance.now();
    const { variant, plan } = await runActivity(async () => ({
      plan: await manifests.plan(input.batch),
      variant: await manifests.variant(input),
    }));
    const attributes = { 'nightreel.batch': batchIdOf(input.batch), 'nightreel.variant': input.key };
    const body = async (signal: AbortSignal): Promise<RenderedVariant> => {
      if (plan.engine.digest !== renderer.fingerprint.digest) {
        throw new Failure(
          'EngineMismatch',
          `Batch ${batchIdOf(input.batch)} was planned for engine ${plan.engine.digest.slice(0, 12)}, this worker has ${renderer.fingerprint.digest.slice(0, 12)}.`,
        );
      }
      const existing = await headVideo(store, variant.key, variant.rendition, signal);
      if (existing !== null) return { outcome: 'cached', video: existing, renderMs: 0 };

      const template = await templates.load(plan.template.id, plan.template.digest);
      const rendition = RENDITIONS[variant.rendition];
      const video = await renderer.render(
        { template, params: variant.params, rendition },
        { signal, onProgress: ({ frame, frameCount }) => heartbeat({ frame, frameCount }) },
      );
      const stored = await putVideo(
        store,
        video,
        {
          variantKey: variant.key,
          rendition: variant.rendition,
          engineDigest: plan.engine.digest,
          templateDigest: plan.template.digest,
          batchId: batchIdOf(input.batch),
        },
        signal,
      );
      const renderMs = Math.round(performance.now() - startedAt);
      recordRender(renderMs);
      return { outcome: 'rendered', video: stored, renderMs };
    };
    return await runActivity((signal) =>
      withSpan('render variant', attributes, () => withoutPersonalData(variant.params, () => body(signal))),
    );
  },
});
