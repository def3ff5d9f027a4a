import type { Priority } from '@temporalio/common';
import {
  continueAsNew,
  executeChild,
  setCurrentDetails,
  setHandler,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import type { RenderSceneInput, SceneLaneInput, SceneTally } from '../contracts/batch.ts';
import { workflowIds } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { UNSTEERED } from '../contracts/steering.ts';
import { batches } from './activity-proxies.ts';
import { ChildWindow } from './child-window.ts';
import { sceneTallyQuery, steerSignal } from './messages.ts';
import { priorityOf } from './priority.ts';
import { renderScene } from './render-scene.ts';

/** Children per run, at some 6 events each. */
const CHILDREN_PER_RUN = 400;

interface SceneTask extends RenderSceneInput {
  readonly id: string;
}

/**
 * Keeps a window of scenes in flight over its share of the scene pages. One that fails is counted and left: whoever needs it
 * renders it again, and fails with the reason if it still cannot be had.
 */
export async function sceneLane(input: SceneLaneInput): Promise<SceneTally> {
  const { plan } = input;
  const { batch } = plan;
  const childrenPerRun = input.childrenPerRun ?? CHILDREN_PER_RUN;
  let { tally, cursor } = input;
  setHandler(sceneTallyQuery, () => tally);

  const count = (what: 'rendered' | 'reused' | 'failed', cpuMs?: number): void => {
    tally = { ...tally, [what]: tally[what] + 1 };
    if (cpuMs !== undefined) {
      tally = { ...tally, measured: (tally.measured ?? 0) + 1, cpuMs: (tally.cpuMs ?? 0) + cpuMs };
    }
    setCurrentDetails(`${tally.rendered} scenes rendered, ${tally.reused} already there, ${tally.failed} failed`);
  };
  const window = new ChildWindow<SceneTask>(
    plan.lanes.window,
    async (task) => {
      const { outcome, cpuMs } = await runScene(task, priorityOf(plan));
      return () => count(outcome, cpuMs);
    },
    () => count('failed'),
  );
  let steering = input.steering ?? UNSTEERED;
  window.steer(steering);
  setHandler(steerSignal, (next) => {
    steering = next;
    window.steer(next);
  });
  const runIsLong = (): boolean => window.started >= childrenPerRun || workflowInfo().continueAsNewSuggested;

  while (cursor.page <= plan.scenePages && (await window.isOpen())) {
    const { page } = cursor;
    const slots = await batches.readScenePage({ batch, page });
    for (const { index, key, id } of slots.slice(cursor.index)) {
      cursor = { page, index: index + 1 };
      if (!(await window.start({ batch, page, index, key, id })) || runIsLong()) break;
    }
    if (cursor.index >= slots.length) cursor = { page: page + plan.lanes.count, index: 0 };
    if (runIsLong() && cursor.page <= plan.scenePages) {
      await window.drain();
      await continueAsNew<typeof sceneLane>({ ...input, cursor, tally, steering });
    }
  }
  await window.drain();
  return tally;
}

const runScene = ({ id, ...input }: SceneTask, priority: Priority) =>
  executeChild(renderScene, {
    workflowId: workflowIds.scene(input.batch, input.key),
    args: [input],
    priority,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    staticSummary: `Scene '${id}' ${input.key.slice(0, 12)} (page ${input.page}, line ${input.index + 1})`,
    typedSearchAttributes: [
      { key: SEARCH_ATTRIBUTES.campaignId, value: input.batch.campaign },
      { key: SEARCH_ATTRIBUTES.batchDate, value: input.batch.businessDate },
    ],
  });
