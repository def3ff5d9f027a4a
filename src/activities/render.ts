import type {
  EngineFingerprint,
  RenderedSceneResult,
  RenderedVariant,
  RenderSceneInput,
  RenderVariantInput,
} from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import { batchIdOf } from '../contracts/ids.ts';
import { RENDITIONS } from '../contracts/video.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import type { Renderer } from '../rendering/renderer.ts';
import type { SceneStore } from '../storage/scene-store.ts';
import type { FinishedVideo } from '../storage/videos.ts';
import type { Logger } from '../telemetry/logger.ts';
import { recordStages } from '../telemetry/metrics.ts';
import { inStep } from '../telemetry/tracing.ts';
import type { TemplateLibrary } from '../templates/library.ts';
import { getOrRender, renderAndJoin } from './joined-video.ts';
import { runActivity } from './run-activity.ts';
import { makeVariant, type VariantDeps, type VariantTask } from './variants.ts';

export interface RenderDeps extends VariantDeps {
  readonly renderer: Renderer;
  readonly templates: TemplateLibrary;
  readonly scenes: SceneStore;
  readonly log: Logger;
}

export type RenderActivities = ReturnType<typeof createRenderActivities>;

type Progress = { readonly frame: number; readonly frameCount: number } | undefined;

/** Activities of the `render` task queue: one at a time per slot of the browser pool. */
export const createRenderActivities = (deps: RenderDeps) => {
  const { renderer, templates, scenes, manifests, failures, log } = deps;
  const engine = renderer.fingerprint;

  const assertSameEngine = ({ batch, engine }: PlanDocument): void => {
    const own = renderer.fingerprint.digest;
    if (engine.digest === own) return;
    throw new Failure(
      'EngineMismatch',
      `Batch ${batchIdOf(batch)} was planned for engine ${engine.digest.slice(0, 12)}, this worker has ${own.slice(0, 12)}.`,
    );
  };

  const make = async (
    { plan, variant, missing, signal, parts, attempt }: VariantTask,
    onProgress: (progress: Progress) => void,
  ): Promise<FinishedVideo[]> => {
    assertSameEngine(plan);
    const template = await inStep('load template', () => templates.load(plan.template.id, plan.template.digest));
    attempt.template = template;
    const { params, rendition, key } = variant;
    const { onFailure, onMade, onThere } = attempt;
    const options = { signal, onProgress, onFailure };
    if (plan.assembly === 'scenes') {
      attempt.stage = 'join';
      try {
        const request = { template, engineDigest: plan.engine.digest, rendition, params };
        const { video } = await renderAndJoin({ renderer, scenes }, request, { ...options, onMade, onThere });
        return [{ ...video, making: 'scenes' }];
      } catch (error) {
        if (!(error instanceof Failure && error.failureClass === 'AssemblyMismatch')) throw error;
        log.warn({ variant: key, reason: error.message }, 'scenes do not fit together; rendering the video whole');
      }
    }
    // Whatever is missing is scaled from the variant's own frames, as its key says: where only that is there, it is made once more.
    const others = missing.flatMap((one) => (one.key === key ? [] : [RENDITIONS[one.rendition]]));
    const renditions = [RENDITIONS[rendition], ...others] as const;
    const rendered = await renderer.renderLadder({ template, params, renditions }, { ...options, parts });
    const [first] = rendered;
    if (first !== undefined) recordStages(first.stages, first.frameCount);
    return missing.flatMap((one) =>
      rendered.flatMap((video) => (video.rendition.id === one.rendition ? [{ ...video, making: 'whole' }] : [])),
    );
  };

  return {
    /** What decides the pixels on this worker: the plan pins it, and a variant's key begins with it. */
    async describeEngine(): Promise<EngineFingerprint> {
      return renderer.fingerprint;
    },

    /** Renders one variant and stores it, unless it is stored already. Returns where it is; never pixels or params. */
    async renderVariant(input: RenderVariantInput): Promise<RenderedVariant> {
      let progress: Progress;
      const video = (task: VariantTask) =>
        make(task, (now) => {
          progress = now;
        });
      return await makeVariant(deps, input, video, { span: 'render variant', engine, progress: () => progress });
    },

    /** Renders one scene, or the soundtrack, and stores it for all who need it, unless it is stored already. */
    async renderScene(input: RenderSceneInput): Promise<RenderedSceneResult> {
      const startedAt = performance.now();
      let progress: Progress;
      return await runActivity(
        (signal) =>
          failures.watch({ ...input, kind: 'scene' }, engine, signal, async (attempt) => {
            const plan = await inStep('read plan', () => manifests.plan(input.batch));
            attempt.plan = plan;
            const planned = await inStep('read row', () => manifests.scene(input));
            attempt.params = planned.params;
            assertSameEngine(plan);
            const template = await inStep('load template', () =>
              templates.load(plan.template.id, plan.template.digest),
            );
            attempt.template = template;
            const scene = template.scenes.find(({ id }) => id === planned.scene) ?? null;
            if (scene === null && planned.scene !== null) {
              throw new Failure(
                'Internal',
                `The plan names scene '${planned.scene}', which its template does not have.`,
              );
            }
            const part = { key: planned.key, scene, params: planned.params };
            const options = {
              signal,
              onFailure: attempt.onFailure,
              onMade: attempt.onMade,
              onProgress: (now: Progress) => {
                progress = now;
              },
            };
            const about = { plan, params: planned.params, attributes: { 'nightreel.scene': planned.key } };
            const { origin, cpuMs } = await attempt.perform({ span: 'render scene', ...about }, async (meter) => {
              const got = await getOrRender(
                { renderer, scenes },
                { template, rendition: plan.rendition },
                part,
                options,
              );
              return { ...got, cpuMs: meter.totalCpuMs };
            });
            const renderMs = Math.round(performance.now() - startedAt);
            if (origin !== 'made') return { outcome: 'reused', renderMs };
            return { outcome: 'rendered', renderMs, ...(cpuMs !== null && { cpuMs }) };
          }),
        () => progress,
      );
    },
  };
};
