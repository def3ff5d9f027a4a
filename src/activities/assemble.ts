import type { RenderedVariant, RenderVariantInput } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import type { SceneStore } from '../storage/scene-store.ts';
import type { FinishedVideo } from '../storage/videos.ts';
import { inStep } from '../telemetry/tracing.ts';
import type { TemplateLibrary } from '../templates/library.ts';
import { joinStored } from './joined-video.ts';
import { makeVariant, type VariantDeps, type VariantTask } from './variants.ts';

export interface AssembleDeps extends VariantDeps {
  readonly templates: TemplateLibrary;
  readonly scenes: SceneStore;
}

export type AssembleActivities = ReturnType<typeof createAssembleActivities>;

/** Activities of the `assemble` task queue: no browser, no process, many at a time. */
export const createAssembleActivities = (deps: AssembleDeps) => ({
  /** Joins a variant's video from stored scenes and stores it. Null when that takes a render worker after all. */
  async assembleVariant(input: RenderVariantInput): Promise<RenderedVariant | null> {
    const join = async ({ plan, variant, signal, attempt }: VariantTask): Promise<FinishedVideo[] | null> => {
      const template = await inStep('load template', () => deps.templates.load(plan.template.id, plan.template.digest));
      attempt.template = template;
      attempt.stage = 'join';
      try {
        const request = { ...variant, template, engineDigest: plan.engine.digest };
        const video = await joinStored(deps.scenes, request, signal);
        return video === null ? null : [{ ...video, making: 'scenes' }];
      } catch (error) {
        if (error instanceof Failure && error.failureClass === 'AssemblyMismatch') return null;
        throw error;
      }
    };
    return await makeVariant(deps, input, join, { span: 'join variant', engine: null });
  },
});
