/** A worker that runs the workflows against activities that fail as the campaign's name says. Run as a program: HOST:PORT. */

import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, type InjectedSinks, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type {
  BatchPlan,
  CloseBatchInput,
  PlanBatchInput,
  RecordOutcomesInput,
  RenderedSceneResult,
  RenderedVariant,
  RenderVariantInput,
  SceneSlot,
  VariantSlot,
} from '../../src/contracts/batch.ts';
import type { BatchRef, CampaignId } from '../../src/contracts/ids.ts';
import type { BatchSinks } from '../../src/contracts/sinks.ts';
import { TASK_QUEUES } from '../../src/contracts/task-queues.ts';
import { keyOf, NO_COUNTS, SLOTS } from './scripted.ts';

const [address = ''] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });

/** As after an outage that lasted longer than an activity is tried. */
const outage = () => ApplicationFailure.nonRetryable('no answer', 'StorageUnavailable');
let reads = 0;

/** As long as it is not cancelled. */
const untilCancelled = async (): Promise<void> => {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 100);
  await context.cancelled.finally(() => clearInterval(beat));
};

const planBatch = async ({ campaign }: PlanBatchInput): Promise<BatchPlan> => {
  if (campaign.startsWith('plans-on')) await untilCancelled();
  return planOf(campaign);
};

const planOf = (campaign: string): BatchPlan => ({
  batch: { campaign: campaign as CampaignId, businessDate: '2026-03-02', attempt: 1 } as BatchRef,
  ...{ rendition: 'email-480p', templateDigest: '', engineDigest: '' },
  counts: { ...NO_COUNTS, variants: SLOTS, sharedScenes: 2 },
  ...{ pages: 1, scenePages: 1, lanes: { count: 1, window: 8 } },
  limits: {
    breaker: { share: 0.05, atLeast: 16 },
    deadline: campaign === 'urgent' ? { at: new Date(Date.now() + 3_600_000).toISOString(), whenLate: 'finish' } : null,
  },
});

const readManifestPage = async ({ batch }: { batch: BatchRef }): Promise<VariantSlot[]> => {
  if (batch.campaign === 'reads-fail-twice' && ++reads <= 2) throw outage();
  if (batch.campaign.startsWith('page-')) throw ApplicationFailure.nonRetryable('page 1 is gone', 'ManifestDamaged');
  return Array.from({ length: SLOTS }, (_, index) => ({ index, key: keyOf(index), cached: false, joinable: false }));
};

const readScenePage = async ({ batch }: { batch: BatchRef }): Promise<SceneSlot[]> => {
  if (batch.campaign === 'scenes-damaged') throw ApplicationFailure.nonRetryable('page 1', 'ManifestDamaged');
  return [0, 1].map((index) => ({ index, key: keyOf(index) as never, id: 'hello' }));
};

const recordOutcomes = async ({ batch }: RecordOutcomesInput): Promise<void> => {
  if (batch.campaign === 'writes-fail') throw outage();
};

const renderVariant = async ({ key, batch }: RenderVariantInput): Promise<RenderedVariant> => {
  if (batch.campaign === 'all-fail') throw ApplicationFailure.nonRetryable('it throws', 'TemplateCrashed');
  if (batch.campaign === 'slow') await sleep(1_500);
  const { priority } = Context.current().info;
  if (priority?.fairnessKey !== batch.campaign) throw ApplicationFailure.nonRetryable('whose is it?', 'Internal');
  return {
    // What it came with, for a test to see.
    ...{ outcome: 'cached', renderMs: priority.priorityKey ?? 0 },
    video: { variantKey: key, rendition: 'email-480p', width: 2, height: 2, durationMs: 1, sizeBytes: 1, sha256: key },
  };
};

const ignore = { fn: () => undefined, callDuringReplay: false };
const sinks: InjectedSinks<BatchSinks> = { nightreel: { progress: ignore, atRisk: ignore, over: ignore } };

const closed = (input: CloseBatchInput) => ({
  ...{ ...input, batchId: 'closed', report: 'the report', variants: SLOTS },
  ...(input.batch.campaign === 'page-lost' && { damaged: { pages: 1, variants: SLOTS, why: ['page 1 is gone'] } }),
});

const workers = await Promise.all([
  Worker.create({
    ...{ connection, taskQueue: TASK_QUEUES.orchestrator },
    workflowsPath: resolve(import.meta.dirname, '../../src/workflows/index.ts'),
    sinks,
  }),
  Worker.create({
    ...{ connection, taskQueue: TASK_QUEUES.render, maxHeartbeatThrottleInterval: 100 },
    activities: {
      renderVariant,
      describeEngine: async () => {
        const { workflowExecution } = Context.current().info;
        // As long as there is no render worker.
        if (workflowExecution?.workflowId === 'night/no-engine') await untilCancelled();
        return {};
      },
      renderScene: async (): Promise<RenderedSceneResult> => ({ outcome: 'rendered', renderMs: 5, cpuMs: 40 }),
    },
  }),
  Worker.create({
    ...{ connection, taskQueue: TASK_QUEUES.warehouse, maxHeartbeatThrottleInterval: 100 },
    activities: { planBatch },
  }),
  Worker.create({
    ...{ connection, taskQueue: TASK_QUEUES.storage },
    activities: {
      ...{ readManifestPage, readScenePage, recordOutcomes },
      publishPointers: async () => ({ pointers: 1, next: null }),
      announceEvent: async () => undefined,
      closeBatch: async (input: CloseBatchInput) => closed(input),
    },
  }),
]);
process.once('SIGTERM', () => process.exit(0));
await Promise.all(workers.map((worker) => worker.run()));
