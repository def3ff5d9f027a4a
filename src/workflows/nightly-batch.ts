import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  log,
  patched,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type BatchPlan,
  type BatchProgress,
  type BatchSummary,
  type ClosedSummary,
  type NightlyBatchInput,
  NO_SCENES,
  NO_TALLY,
  type SceneTally,
} from '../contracts/batch.ts';
import { workflowIds } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { batches, engine, pointers, stoppableWarehouse, warehouse } from './activity-proxies.ts';
import { BatchControl } from './batch-control.ts';
import { detailsOf } from './details.ts';
import { dueTime } from './due-time.ts';
import { classify } from './failure-class.ts';
import { batchProgressQuery } from './messages.ts';
import { sceneLane } from './scene-lane.ts';
import { assertNightlyInput } from './validate.ts';
import { variantLane } from './variant-lane.ts';

/**
 * One campaign, one business date: plan, render what is missing, publish, report. Completes even when variants fail; fails, once it has reported,
 * when nobody knows any more who some of them are for.
 */
export async function nightlyBatch(input: NightlyBatchInput): Promise<BatchSummary> {
  assertNightlyInput(input);
  let phase: BatchProgress['phase'] = 'waiting';
  let plan: BatchPlan | null = null;
  let scenes: readonly SceneTally[] = [];
  // An update may come with the very first task: it is taken while the control is being made, when nothing is shown yet.
  const control: BatchControl = new BatchControl(() => {
    if (plan !== null) showDetails(plan);
  });
  const state = () => {
    const { tally, failures, outlook, steering } = control;
    return { phase, tally, failures, outlook, steering };
  };
  const showDetails = (of: BatchPlan): void => setCurrentDetails(detailsOf({ plan: of, ...state() }));
  const enter = (next: BatchProgress['phase']): void => {
    phase = next;
    if (plan !== null) showDetails(plan);
  };
  setHandler(batchProgressQuery, (): BatchProgress => {
    return { plan, ...state() };
  });
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.campaignId, value: input.campaign }]);

  setCurrentDetails('Waiting for a render worker to say which engine it has');
  const fingerprint = await control.unlessStopped(() => engine.describeEngine());

  enter('planning');
  setCurrentDetails('Planning: reading what changed');
  const asOf = dueTime().toISOString();
  const question = { ...input, asOf, engine: fingerprint, runId: workflowInfo().runId };
  plan = patched('stop-planning')
    ? await control.unlessStopped(() => stoppableWarehouse.planBatch(question))
    : await warehouse.planBatch(question);
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.batchDate, value: plan.batch.businessDate }]);

  try {
    // Before anything is rendered: whoever said no must not wait for the others.
    if (plan.counts.withdrawn > 0) await pointers.withdrawPointers({ batch: plan.batch });
    control.begin(plan);
    const night: Night = { plan, control, childrenPerRun: input.childrenPerRun };
    if (plan.counts.sharedScenes > 0) {
      enter('scenes');
      scenes = await control
        .run(lanesOf(plan, plan.scenePages).map((lane) => () => startSceneLane(night, lane)))
        .catch(goOnWithout);
    }
    enter('rendering');
    control.beginVariants(lanesOf(plan, plan.pages).length);
    await control.run(lanesOf(plan, plan.pages).map((lane) => () => startLane(night, lane)));
  } catch (error) {
    // Cancelled in the middle: what is settled is reported, and who has no video is owed one, as after any other night.
    if (isCancellation(error)) {
      control.cancelled();
      await CancellationScope.nonCancellable(() => close(plan));
    } else if (classify(error).failureClass === 'ManifestDamaged' && patched('close-damaged')) {
      // A lane stopped at a page that cannot be read; the others have ended since.
      assertWhole(await CancellationScope.nonCancellable(() => close(plan)));
    }
    throw error;
  } finally {
    control.over();
  }
  return assertWhole(await close(plan));

  async function close(closing: BatchPlan | null): Promise<ClosedSummary> {
    if (closing === null) throw new TypeError('nothing was planned');
    control.close();
    enter('closing');
    const wallMs = Date.now() - workflowInfo().startTime.getTime();
    const { interruptions } = control;
    const summary = await batches.closeBatch({
      ...{ batch: closing.batch, wallMs },
      ...(interruptions && { interruptions }),
      ...(scenes.length > 0 && { scenes: scenes.reduce(addScenes) }),
    });
    phase = 'done';
    const { damaged } = summary;
    const incident = damaged === undefined ? '' : ` **Its manifest is damaged**: ${damaged.why.join('; ')}.`;
    setCurrentDetails(
      `**${summary.batchId}**: ${summary.variants} variants, ${summary.rendered} rendered, ${summary.cached} already stored, ${summary.failed} failed.${incident} Report: \`${summary.report}\``,
    );
    return summary;
  }
}

/** Everyone else has been served and it is all reported; that some are nobody's knows makes it no night to go by. */
function assertWhole(summary: ClosedSummary): BatchSummary {
  const { damaged, batchId, variants, report } = summary;
  if (damaged === undefined) return summary;
  throw ApplicationFailure.create({
    ...{ type: 'ManifestDamaged', nonRetryable: true },
    message: `It cannot be told for whom ${damaged.variants} of the ${variants} variants of ${batchId} are: ${damaged.why.join('; ')}. The others are done, see ${report}, and the watermark has not moved. Run the night again.`,
  });
}

/** Scenes that were not made before are made by the variants that need them: dearer, and no reason to end the night. */
function goOnWithout(error: unknown): [] {
  if (isCancellation(error)) throw error;
  const { failureClass, message } = classify(error);
  log.warn('a lane of scenes ended: variants make what is missing themselves', { failureClass, message });
  return [];
}

const addScenes = (a: SceneTally, b: SceneTally): SceneTally => ({
  rendered: a.rendered + b.rendered,
  reused: a.reused + b.reused,
  failed: a.failed + b.failed,
  measured: (a.measured ?? 0) + (b.measured ?? 0),
  cpuMs: (a.cpuMs ?? 0) + (b.cpuMs ?? 0),
});

/** Lanes that have a page to work on. */
const lanesOf = (plan: BatchPlan, pages: number): number[] =>
  Array.from({ length: Math.min(plan.lanes.count, pages) }, (_, lane) => lane);

const attributesOf = ({ batch }: BatchPlan) => [
  { key: SEARCH_ATTRIBUTES.campaignId, value: batch.campaign },
  { key: SEARCH_ATTRIBUTES.batchDate, value: batch.businessDate },
];

interface Night {
  readonly plan: BatchPlan;
  readonly control: BatchControl;
  readonly childrenPerRun: number | undefined;
}

const startLane = ({ plan, control, childrenPerRun }: Night, lane: number) =>
  startChild(variantLane, {
    workflowId: workflowIds.lane(plan.batch, lane),
    args: [
      {
        plan,
        lane,
        cursor: { page: lane + 1, index: 0 },
        childrenPerRun,
        tally: NO_TALLY,
        steering: control.steering,
      },
    ],
    staticSummary: `Lane ${lane + 1} of ${lanesOf(plan, plan.pages).length}`,
    typedSearchAttributes: attributesOf(plan),
  });

/** Scenes that several variants need come before these, each in one place: no two workers render the same one. */
const startSceneLane = ({ plan, control, childrenPerRun }: Night, lane: number) =>
  startChild(sceneLane, {
    workflowId: workflowIds.sceneLane(plan.batch, lane),
    args: [
      {
        plan,
        lane,
        cursor: { page: lane + 1, index: 0 },
        childrenPerRun,
        tally: NO_SCENES,
        steering: control.steering,
      },
    ],
    staticSummary: `Scenes, lane ${lane + 1} of ${lanesOf(plan, plan.scenePages).length}`,
    typedSearchAttributes: attributesOf(plan),
  });
