/**
 * A worker that runs the workflows against activities that say something secret wherever something can be said. Run as a program:
 * HOST:PORT FILE-OF-KEYS QUEUES GO. Without a file of keys nothing is encrypted. An attempt that fails waits for the file GO, so that its heartbeat
 * has arrived.
 */

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Context, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, type InjectedSinks, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { readPayloadKeys } from '../../src/config/payload-keys.ts';
import type { BatchPlan, CloseBatchInput, PlanBatchInput, RenderVariantInput } from '../../src/contracts/batch.ts';
import type { BatchRef, CampaignId } from '../../src/contracts/ids.ts';
import type { BatchSinks } from '../../src/contracts/sinks.ts';
import { TASK_QUEUES } from '../../src/contracts/task-queues.ts';
import { dataConverterOf } from '../../src/encryption/data-converter.ts';
import { workflowBundle } from '../../src/workers/workflow-bundle.ts';
import { CANARIES, CANARY_SLOTS } from './canaries.ts';
import { keyOf, NO_COUNTS } from './scripted.ts';

const [address = '', keysFile = '', queues = '', go = ''] = process.argv.slice(2);
const logger = new DefaultLogger('ERROR', () => undefined);
Runtime.install({ logger });
const connection = await NativeConnection.connect({ address });
const dataConverter = dataConverterOf(await readPayloadKeys({ NIGHTREEL_PAYLOAD_KEYS_FILE: keysFile }));

const planBatch = async ({ campaign }: PlanBatchInput): Promise<BatchPlan> => ({
  batch: { campaign: campaign as CampaignId, businessDate: '2026-03-02', attempt: 1 } as BatchRef,
  ...{ rendition: CANARIES.result as BatchPlan['rendition'], templateDigest: '', engineDigest: '' },
  counts: { ...NO_COUNTS, variants: CANARY_SLOTS },
  ...{ pages: 1, scenePages: 0, lanes: { count: 1, window: 8 } },
  limits: { breaker: { share: 0.9, atLeast: 16 }, deadline: null },
});

const readManifestPage = async () =>
  Array.from({ length: CANARY_SLOTS }, (_, index) => ({ index, key: keyOf(index), cached: false, joinable: false }));

/** The first fails for good; the second once, and in `stays` not again; the third is rendered. */
async function renderVariant({ key, batch, index }: RenderVariantInput) {
  const { attempt, heartbeatDetails } = Context.current().info;
  if (index === 0) throw failure(ApplicationFailure.nonRetryable(CANARIES.message, 'TemplateCrashed', CANARIES.detail));
  if (index === 1 && attempt === 1) {
    while (batch.campaign === 'stays' && !existsSync(go)) {
      heartbeat({ said: CANARIES.heartbeat });
      await Context.current().sleep(50);
    }
    throw failure(ApplicationFailure.retryable(CANARIES.message, 'BrowserCrashed', CANARIES.detail));
  }
  if (index === 1 && batch.campaign === 'stays') {
    for (;;) {
      heartbeat({ before: heartbeatDetails });
      await Context.current().sleep(100);
    }
  }
  return {
    ...{ outcome: 'rendered' as const, renderMs: 1 },
    video: { variantKey: key, rendition: 'x', width: 2, height: 2, durationMs: 1, sizeBytes: 1, sha256: key },
  };
}

function failure(error: ApplicationFailure): ApplicationFailure {
  error.stack = `ApplicationFailure: it\n    at ${CANARIES.stack} (template.ts:1:1)`;
  return error;
}

const ignore = { fn: () => undefined, callDuringReplay: false };
const sinks: InjectedSinks<BatchSinks> = { nightreel: { progress: ignore, atRisk: ignore, over: ignore } };
const workflows = {
  workflowBundle: await workflowBundle({
    ...{ cacheFolder: tmpdir(), interceptorModules: [], logger },
    failureConverterPath: dataConverter.failureConverterPath,
  }),
  sinks,
};
const of = {
  orchestrator: workflows,
  // Asked before anything is planned; on its own it leaves variants to others.
  engine: { activities: { describeEngine: async () => ({}) } },
  render: { activities: { renderVariant, describeEngine: async () => ({}) } },
  warehouse: { activities: { planBatch } },
  storage: {
    activities: {
      ...{ readManifestPage, recordOutcomes: async () => undefined, announceEvent: async () => undefined },
      publishPointers: async () => ({ pointers: 1, next: null }),
      closeBatch: async (input: CloseBatchInput) => ({ ...input, batchId: 'closed', report: CANARIES.result }),
    },
  },
};
const workers = await Promise.all(
  queues.split(',').map((name) => {
    const queue = name as keyof typeof of;
    const taskQueue = TASK_QUEUES[queue === 'engine' ? 'render' : queue];
    return Worker.create({ connection, dataConverter, taskQueue, maxHeartbeatThrottleInterval: 50, ...of[queue] });
  }),
);
process.once('SIGTERM', () => process.exit(0));
await Promise.all(workers.map((worker) => worker.run()));
