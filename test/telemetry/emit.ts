/**
 * A process with telemetry: `node emit.ts <endpoint or ->`. Renders nothing, but says what a worker says; prints as JSON
 * what it loaded, and its log on stderr.
 */
import { createRequire } from 'node:module';
import { Failure } from '../../src/contracts/failures.ts';
import type { VariantKey } from '../../src/contracts/ids.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { countOutcomes, recordRender } from '../../src/telemetry/metrics.ts';
import { startTelemetry } from '../../src/telemetry/telemetry.ts';
import { withSpan } from '../../src/telemetry/tracing.ts';

const endpoint = process.argv[2] === '-' ? null : (process.argv[2] ?? null);
const log = createLogger({ level: 'info', name: 'emit' });
const startedAt = performance.now();
const telemetry = await startTelemetry({
  serviceName: 'nightreel-test',
  version: '1.2.3',
  endpoint,
  onExportError: (reason) => log.warn({ reason }, 'telemetry is not delivered'),
});
const startMs = performance.now() - startedAt;

const key = 'a'.repeat(64) as VariantKey;
await withSpan('batch', { campaign: 'referral' }, async () => {
  log.info('inside the batch');
  await withSpan('variant', { key }, async () => recordRender(1_234));
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
const at = { page: 1, index: 0, key };
countOutcomes([
  { ...at, outcome: 'rendered', renderMs: 1_234, pointers: 3 },
  { ...at, outcome: 'cached', renderMs: 0, pointers: 1 },
  { ...at, outcome: 'failed', failureClass: 'FontMissing', message: 'A font is missing.' },
]);
if (endpoint !== null) {
  // An object store there would be asked for too much: the collector answers 503 to a HEAD.
  const credentials = { accessKeyId: 'x', secretAccessKey: 'y' };
  const clientConfig = { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
  using store = new ObjectStore({ clientConfig, bucket: 'films', idleTimeoutMs: 500 });
  await store.head('state/x').catch(() => undefined);
}
await telemetry.stop();

const loaded = Object.keys(createRequire(import.meta.url).cache);
const sdkFiles = loaded.filter((path) => /@opentelemetry\/(?!api\/)/.test(path)).length;
const plugins = telemetry.temporalPlugins().length;
console.log(JSON.stringify({ sdkFiles, plugins, modules: telemetry.workflowInterceptorModules().length, startMs }));
