import {
  defineQuery,
  executeChild,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { BatchPlan, BatchProgress, BatchSummary, NightlyBatchInput } from '../contracts/batch.ts';
import { batchIdOf, workflowIds } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { batches, pointers, render, warehouse } from './activity-proxies.ts';
import { sceneLane } from './scene-lane.ts';
import { assertNightlyInput } from './validate.ts';
import { variantLane } from './variant-lane.ts';

export const batchProgressQuery = defineQuery<BatchProgress>('progress');

/** One campaign, one business date: plan, render what is missing, publish, report. Completes even when variants fail. */
export async function nightlyBatch(input: NightlyBatchInput): Promise<BatchSummary> {
  assertNightlyInput(input);
  let progress: BatchProgress = { phase: 'waiting', plan: null };
  const enter = (next: BatchProgress, details: string): void => {
    progress = next;
    setCurrentDetails(details);
  };
  setHandler(batchProgressQuery, () => progress);
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.campaignId, value: input.campaign }]);

  enter({ phase: 'waiting', plan: null }, 'Waiting for a render worker to say which engine it has');
  const engine = await render.describeEngine();

  enter({ phase: 'planning', plan: null }, 'Planning: reading what changed');
  const asOf = dueTime().toISOString();
  const plan = await warehouse.planBatch({ ...input, asOf, engine, runId: workflowInfo().runId });
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.batchDate, value: plan.batch.businessDate }]);

  const { recipients, variants, cached, sharedScenes, withdrawn } = plan.counts;
  const about = `Batch ${batchIdOf(plan.batch)}: ${recipients} recipients, ${variants} variants, ${cached} of them already stored`;
  // Before anything is rendered: whoever said no must not wait for the others.
  if (withdrawn > 0) await pointers.withdrawPointers({ batch: plan.batch });
  if (sharedScenes > 0) {
    enter({ phase: 'scenes', plan }, `${about}; rendering ${sharedScenes} scenes that several of them share`);
    await Promise.all(lanesOf(plan, plan.scenePages).map((lane) => runSceneLane(plan, lane, input.childrenPerRun)));
  }
  enter({ phase: 'rendering', plan }, about);
  await Promise.all(lanesOf(plan, plan.pages).map((lane) => runLane(plan, lane, input.childrenPerRun)));

  enter({ phase: 'closing', plan }, `Batch ${batchIdOf(plan.batch)}: writing the report`);
  const wallMs = Date.now() - workflowInfo().startTime.getTime();
  const summary = await batches.closeBatch({ batch: plan.batch, wallMs });
  enter(
    { phase: 'done', plan },
    `Batch ${summary.batchId}: ${summary.variants} variants, ${summary.rendered} rendered, ${summary.cached} already stored, ${summary.failed} failed`,
  );
  return summary;
}

/**
 * When this night was due. A schedule stamps it on the run, so that a late or backfilled run reads its own night;
 * a run that somebody started by hand is due when it starts.
 */
function dueTime(): Date {
  const scheduled = workflowInfo().searchAttributes['TemporalScheduledStartTime']?.[0];
  return scheduled instanceof Date ? scheduled : workflowInfo().startTime;
}

/** Lanes that have a page to work on. */
const lanesOf = (plan: BatchPlan, pages: number): number[] =>
  Array.from({ length: Math.min(plan.lanes.count, pages) }, (_, lane) => lane);

const attributesOf = ({ batch }: BatchPlan) => [
  { key: SEARCH_ATTRIBUTES.campaignId, value: batch.campaign },
  { key: SEARCH_ATTRIBUTES.batchDate, value: batch.businessDate },
];

const runLane = (plan: BatchPlan, lane: number, childrenPerRun: number | undefined) =>
  executeChild(variantLane, {
    workflowId: workflowIds.lane(plan.batch, lane),
    args: [
      {
        plan,
        lane,
        cursor: { page: lane + 1, index: 0 },
        childrenPerRun,
        tally: { cached: 0, rendered: 0, failed: 0, pointers: 0 },
      },
    ],
    staticSummary: `Lane ${lane + 1} of ${lanesOf(plan, plan.pages).length}`,
    typedSearchAttributes: attributesOf(plan),
  });

/** Scenes that several variants need come before these, each in one place: no two workers render the same one. */
const runSceneLane = (plan: BatchPlan, lane: number, childrenPerRun: number | undefined) =>
  executeChild(sceneLane, {
    workflowId: workflowIds.sceneLane(plan.batch, lane),
    args: [
      {
        plan,
        lane,
        cursor: { page: lane + 1, index: 0 },
        childrenPerRun,
        tally: { rendered: 0, reused: 0, failed: 0 },
      },
    ],
    staticSummary: `Scenes, lane ${lane + 1} of ${lanesOf(plan, plan.scenePages).length}`,
    typedSearchAttributes: attributesOf(plan),
  });
