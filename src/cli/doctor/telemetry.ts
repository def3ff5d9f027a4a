/** Where telemetry and digests go: whether somebody takes them. No batch depends on it, so nothing here fails but a wrong variable. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { type core, resources } from '@opentelemetry/sdk-node';
import type { Variables } from '../../config/environment.ts';
import { readTelemetry } from '../../config/telemetry.ts';
import { asFailure } from '../../contracts/failures.ts';
import type { Webhooks } from '../../reporting/digest/webhooks.ts';
import type { DoorTarget } from '../../telemetry/metrics-door.ts';
import type { OtlpTarget } from '../../telemetry/telemetry.ts';
import { bad, type Check, type Examination, fine, poor } from './check.ts';
import { withinLimit } from './limit.ts';

const ANSWER_WITHIN_MS = 10_000;
const SCRAPE_WITHIN_MS = 3_000;
const COLLECTOR_TODO =
  'Renders go on without it. Check the address (collectors listen at port 4318), OTEL_EXPORTER_OTLP_HEADERS and certificates.';

export async function examineTelemetry(
  variables: Variables,
  webhooks: Webhooks,
  signal: AbortSignal,
): Promise<Examination> {
  return { checks: [...(await checkTelemetry(variables, signal)), ...checkWebhooks(webhooks)] };
}

async function checkTelemetry(variables: Variables, signal: AbortSignal): Promise<Check[]> {
  try {
    const { traces, metrics, scrape, temporal } = readTelemetry(variables);
    const checks = await Promise.all([
      traces && checkCollector('traces', traces, emptyTraces(traces), signal),
      metrics && checkCollector('metrics', metrics, emptyMetrics(metrics), signal),
      scrape && checkPort('metrics to be scraped', scrape),
      temporal && 'port' in temporal && checkPort('metrics of Temporal', temporal),
    ]);
    const found = checks.filter((check) => check !== null && check !== false);
    return found.length > 0 ? found : [fine('telemetry', 'off: no collector is named, and nothing is to be scraped')];
  } catch (error) {
    signal.throwIfAborted();
    return [bad('telemetry', asFailure(error).message, 'Correct it: workers do not start with it.')];
  }
}

type Export = (done: (result: core.ExportResult) => void) => { shutdown(): Promise<void> };

/** By the exporters themselves, since these know the headers, the certificates and the compression. */
const emptyTraces =
  ({ url, timeoutMs }: OtlpTarget): Export =>
  (done) => {
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: timeoutMs });
    exporter.export([], done);
    return exporter;
  };

const emptyMetrics =
  ({ url, timeoutMs }: OtlpTarget): Export =>
  (done) => {
    const exporter = new OTLPMetricExporter({ url, timeoutMillis: timeoutMs });
    exporter.export({ resource: resources.emptyResource(), scopeMetrics: [] }, done);
    return exporter;
  };

async function checkCollector(name: string, { url }: OtlpTarget, send: Export, signal: AbortSignal): Promise<Check> {
  const { host } = new URL(url);
  const limit = { ms: ANSWER_WITHIN_MS, who: host, failureClass: 'EnvironmentInvalid' } as const;
  try {
    await withinLimit(limit, signal, async () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const exporter = send(({ error }) => (error ? reject(error) : resolve()));
      await promise.finally(() => exporter.shutdown());
    });
    return fine(name, `${host} takes them`);
  } catch (error) {
    signal.throwIfAborted();
    return poor(name, `${host} does not take them: ${asFailure(error).message}`, COLLECTOR_TODO);
  }
}

async function checkPort(name: string, { host, port, token }: DoorTarget): Promise<Check> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return fine(name, `${host}:${port} is free`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') return poor(name, `nothing can listen on ${host}:${port}: ${message}`, PORT_TODO);
    if (await isServedAt({ host, port, token })) return fine(name, `served at ${host}:${port}`);
    return poor(name, `${host}:${port} is taken by something else`, PORT_TODO);
  } finally {
    server.close();
  }
}

/** Whether a worker that runs is what listens there. */
async function isServedAt({ host, port, token }: DoorTarget): Promise<boolean> {
  try {
    const answer = await fetch(`http://${host}:${port}/metrics`, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(SCRAPE_WITHIN_MS),
    });
    return /^# TYPE (nightreel|temporal)_/m.test(await answer.text());
  } catch {
    return false;
  }
}

const PORT_TODO = 'Every worker process of a machine needs a port of its own.';

/** Nobody is called: whoever reads a channel would see it. The path of such an address is a secret. */
function checkWebhooks({ slack, own }: Webhooks): Check[] {
  const named = [
    ...(slack === null ? [] : [`Slack at ${new URL(slack).host}`]),
    ...(own === null ? [] : [`${new URL(own.url).host}, signed`]),
  ];
  const found = named.length === 0 ? 'to nobody' : `${named.join(' and ')}; not called`;
  return [fine('digests', found)];
}
