import type { BatchPlan, PlanBatchInput } from '../contracts/batch.ts';
import { type PlanDeps, planBatch } from '../planning/plan-batch.ts';
import { runActivity } from './run-activity.ts';

export type PlanActivities = ReturnType<typeof createPlanActivities>;

/** Activities of the `warehouse` task queue. */
export const createPlanActivities = (deps: PlanDeps) => ({
  /** Reads what changed, validates, deduplicates, checks the store, writes the manifest. Returns counts only. */
  async planBatch(input: PlanBatchInput): Promise<BatchPlan> {
    return await runActivity(async (signal) => {
      return await planBatch(deps, input, signal);
    });
  },
});
