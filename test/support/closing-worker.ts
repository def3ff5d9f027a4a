/**
 * A worker whose nights are planned already, with nothing to render: what is in the bucket is closed, and the answer of the first attempt
 * is lost, as when a worker dies right after it has posted the digest. Run as a program: TEMPORAL S3 BUCKET WEBHOOK UI.
 */

import { resolve } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createBatchActivities } from '../../src/activities/batch.ts';
import type { BatchSummary, CloseBatchInput, PlanBatchInput } from '../../src/contracts/batch.ts';
import { parseBatchId } from '../../src/contracts/ids.ts';
import { TASK_QUEUES } from '../../src/contracts/task-queues.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { RunningBatches } from '../../src/telemetry/running-batches.ts';
import { batchSinks } from '../../src/telemetry/sinks.ts';
import { TEST_CREDENTIALS } from './s3.ts';

const [address = '', endpoint = '', bucket = '', webhook = '', ui = ''] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const store = new ObjectStore({
  clientConfig: { endpoint, region: 'us-east-1', credentials: TEST_CREDENTIALS, forcePathStyle: true },
  bucket,
  publicBaseUrl: 'https://films.example',
});
const manifests = new ManifestReader(store);
const log = createLogger({ level: 'silent', name: 'test' });
const uiLink = (query: string): string => `${ui}/workflows?query=${encodeURIComponent(query)}`;
const posting = { store, webhooks: { slack: webhook, own: null }, now: Date.now, log };
const { closeBatch } = createBatchActivities({
  ...{ store, manifests, now: () => new Date().toISOString() },
  digests: { ...posting, uiLink },
  alarms: { ...posting, links: { uiLink, workflowLink: () => null } },
  lookForNight: () => Promise.reject(new Error('nobody looks here')),
});

let closed = 0;
const storage = {
  async closeBatch(input: CloseBatchInput): Promise<BatchSummary> {
    const summary = await closeBatch(input);
    closed += 1;
    if (closed === 1) throw new Error('lost on its way');
    return summary;
  },
};
const warehouse = {
  async planBatch({ campaign, businessDate }: PlanBatchInput) {
    const batch = parseBatchId(`${campaign}/${businessDate}/1`);
    if (batch === null) throw new Error('no batch');
    const { rendition, counts, lanes } = await manifests.plan(batch);
    return { batch, rendition, counts, lanes, templateDigest: '', engineDigest: '', pages: 0, scenePages: 0 };
  },
};

const workers = await Promise.all([
  Worker.create({
    ...{ connection, taskQueue: TASK_QUEUES.orchestrator },
    workflowsPath: resolve(import.meta.dirname, '../../src/workflows/index.ts'),
    sinks: batchSinks(new RunningBatches()),
  }),
  Worker.create({ connection, taskQueue: TASK_QUEUES.render, activities: { describeEngine: async () => ({}) } }),
  Worker.create({ connection, taskQueue: TASK_QUEUES.warehouse, activities: warehouse }),
  Worker.create({ connection, taskQueue: TASK_QUEUES.storage, activities: storage }),
]);
process.once('SIGTERM', () => process.exit(0));
await Promise.all(workers.map((worker) => worker.run()));
