/**
 * A process with telemetry: `node emit.ts`, told by the variables of OpenTelemetry. Renders nothing, but says what a worker says, with
 * every instrument; prints as JSON what it loaded and what can be scraped from it, and its log on stderr.
 */
import { createRequire } from 'node:module';
import { propagation } from '@opentelemetry/api';
import { readTelemetry } from '../../src/config/telemetry.ts';
import { FAILURES, Failure, type FailureClass } from '../../src/contracts/failures.ts';
import type { VariantKey } from '../../src/contracts/ids.ts';
import { TASK_QUEUES } from '../../src/contracts/task-queues.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import {
  countAtRisk,
  countOutcomes,
  countPlanned,
  countRetried,
  observeBatches,
  observePool,
  observeScenes,
  recordClosed,
  recordCpu,
  recordQueueWait,
  recordRender,
  recordStages,
  recordVariantCpu,
  timeStage,
} from '../../src/telemetry/metrics.ts';
import { RunningBatches } from '../../src/telemetry/running-batches.ts';
import { startTelemetry } from '../../src/telemetry/telemetry.ts';
import { withSpan } from '../../src/telemetry/tracing.ts';

const targets = readTelemetry(process.env);
const log = createLogger({ level: 'info', name: 'emit' });
const startedAt = performance.now();
const telemetry = await startTelemetry({
  serviceName: 'nightreel-test',
  version: '1.2.3',
  targets,
  onExportError: (reason) => log.warn({ reason }, 'telemetry is not delivered'),
});
const startMs = performance.now() - startedAt;

const key = 'a'.repeat(64) as VariantKey;
await withSpan('batch', { campaign: 'referral' }, async () => {
  log.info('inside the batch');
  await withSpan('variant', { key }, async () => recordRender(1_234, 2_000_000));
  const failing = withSpan('broken variant', {}, async () => {
    throw new Failure('FontMissing', 'A font is missing.');
  });
  await failing.catch(() => undefined);
  const leaking = withSpan('crashed variant', {}, async () => {
    throw new Error('Ada Lovelace earned 1,234 dollars');
  });
  await leaking.catch(() => undefined);
});
log.info('outside');
const headers = propagation.fields();
const at = { page: 1, index: 0, key };
countOutcomes([
  { ...at, outcome: 'rendered', renderMs: 1_234, pointers: 3 },
  { ...at, outcome: 'cached', renderMs: 0, pointers: 1 },
  { ...at, outcome: 'failed', failureClass: 'FontMissing', message: 'A font is missing.' },
]);
countPlanned(3);
recordStages({ acquireMs: 1, paramsMs: 20, captureMs: 900, encodeMs: 100, verifyMs: 50, totalMs: 1_071 }, 360);
recordCpu({ browser: 2_000, encoder: 1_500, worker: 500 });
recordCpu(null);
recordVariantCpu(4_000);
for (const queue of Object.values(TASK_QUEUES)) recordQueueWait(queue, 250);
recordQueueWait(TASK_QUEUES.render, -3);
countRetried(2);
for (const stage of ['assemble', 'upload', 'publish'] as const) await timeStage(stage, async () => undefined);
for (const campaign of ['referral', 'birthday']) {
  countAtRisk(campaign);
  const closedAtMs = Date.parse('2026-11-24T08:00:00Z');
  recordClosed({ campaign, closedAtMs, wallMs: 2_280_000, deadlineMs: closedAtMs + 7_200_000 });
}
const running = new RunningBatches();
observeBatches(() => running.figures());
const batch = { variants: 200, expectedEndMs: Date.now() + 600_000, deadlineMs: Date.now() + 1_800_000 };
running.progress({ campaign: 'referral', batchId: 'referral/2026-11-24/1', settled: 50, ...batch }, Date.now());
running.progress({ campaign: 'birthday', batchId: 'birthday/2026-11-24/1', settled: 200, ...batch }, Date.now());
running.over('birthday/2026-11-24/1');
observePool(() => ({
  slots: 4,
  ready: 4,
  leased: 3,
  waiting: 1,
  warmed: 7,
  lent: 900,
  recycled: 2,
  discarded: 1,
  memoryBytes: 1_048_576,
}));
observeScenes(() => ({ memoryHits: 7, storeHits: 5, made: 3, damaged: 0, memoryBytes: 4_096 }));
// What one night says of very many people and videos: no more series than of one.
countOutcomes(
  Array.from({ length: 2_000 }, (_, index) => ({
    ...{ page: 1, index, key: index.toString(16).padStart(64, '0') as VariantKey, outcome: 'failed' as const },
    failureClass: Object.keys(FAILURES)[index % Object.keys(FAILURES).length] as FailureClass,
    message: `It failed for the ${index}th time.`,
  })),
);

const endpoint = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
if (endpoint !== undefined) {
  // An object store there would be asked for too much: the collector answers 503 to a HEAD, which is sent once more.
  const credentials = { accessKeyId: 'x', secretAccessKey: 'y' };
  const clientConfig = { endpoint, region: 'us-east-1', credentials, maxAttempts: 2 };
  using store = new ObjectStore({ clientConfig, bucket: 'films', idleTimeoutMs: 500 });
  await store.head('state/x').catch(() => undefined);
}
const { scrape } = targets;
const scraped =
  scrape === null
    ? null
    : await fetch(`http://${scrape.host}:${scrape.port}/metrics`).then(
        async (response) => await response.text(),
        () => null,
      );
await telemetry.stop();

const loaded = Object.keys(createRequire(import.meta.url).cache);
const sdkFiles = loaded.filter((path) => /@opentelemetry\/(?!api\/)/.test(path)).length;
const plugins = telemetry.temporalPlugins().length;
const modules = telemetry.workflowInterceptorModules().length;
const temporalTags = telemetry.temporalOptions?.metrics?.globalTags ?? null;
console.log(JSON.stringify({ sdkFiles, plugins, modules, startMs, scraped, temporalTags, headers }));
