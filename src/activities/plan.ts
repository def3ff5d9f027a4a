import { activityInfo } from '@temporalio/activity';
import type { BatchPlan, PlanBatchInput } from '../contracts/batch.ts';
import { type PlanDeps, planBatch } from '../planning/plan-batch.ts';
import { type ManifestProgress, manifestProgress } from '../planning/write-manifest.ts';
import { countPlanned } from '../telemetry/metrics.ts';
import { runActivity } from './run-activity.ts';

export type PlanActivities = ReturnType<typeof createPlanActivities>;

/** Activities of the `warehouse` task queue. */
export const createPlanActivities = (deps: PlanDeps) => ({
  /** Reads what changed, validates, deduplicates, checks the store, writes the manifest. Returns counts only. */
  async planBatch(input: PlanBatchInput): Promise<BatchPlan> {
    // What the attempt before this one had told last; a heartbeat of another shape is one of an older version.
    const told = manifestProgress.safeParse(activityInfo().heartbeatDetails);
    let progress: ManifestProgress | undefined = told.data;
    const onProgress = (next: ManifestProgress): void => {
      progress = next;
    };
    return await runActivity(
      async (signal) => {
        const plan = await planBatch(deps, input, signal, { resume: told.data, onProgress });
        countPlanned(plan.counts.variants);
        return plan;
      },
      () => progress,
    );
  },
});
