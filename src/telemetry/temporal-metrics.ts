/** The metrics of Temporal's own SDK, which its native part counts and serves, or sends, by itself. */

import { lookup } from 'node:dns/promises';
import { createServer } from 'node:net';
import type { TelemetryOptions as TemporalOptions } from '@temporalio/worker';
import type { TelemetryTargets } from './telemetry.ts';

/**
 * What the SDK shows by default, into this process's log instead of beside it; but not every export that fails: the collector gets
 * this process's own metrics, too, and that these do not arrive is told once.
 */
const LOGGING: TemporalOptions['logging'] = {
  filter:
    'error,temporalio_sdk_core=WARN,temporalio_client=WARN,temporalio_common=WARN,temporalio_common::telemetry=off',
  forward: {},
};

/**
 * Undefined: nobody wants them, or, with the reason told, nobody can listen there.
 * @param identity what tells this process from others, as its own metrics say it: attributes of the resource. Who scrapes gives it a name.
 */
export async function temporalMetrics(
  { temporal }: Pick<TelemetryTargets, 'temporal'>,
  identity: Readonly<Record<string, string>>,
  onError: (message: string) => void,
): Promise<TemporalOptions | undefined> {
  if (temporal === null) return undefined;
  if ('url' in temporal) {
    const { url, everyMs } = temporal;
    const otel = { url, http: true, metricsExportInterval: everyMs, useSecondsForDurations: true } as const;
    return { metrics: { otel, globalTags: identity }, logging: LOGGING };
  }
  const { host, port } = temporal;
  try {
    // It takes addresses alone, and a port that is taken would end the process.
    const { address, family } = await lookup(host);
    await assertFree(address, port);
    const bindAddress = family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
    const prometheus = { bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };
    return { metrics: { prometheus }, logging: LOGGING };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is taken' : message;
    onError(
      `Prometheus cannot scrape the metrics of Temporal's SDK: nothing can listen on ${host}:${port} (${why}). Every worker process of a machine needs a port of its own in NIGHTREEL_TEMPORAL_METRICS_PORT; start it again with a free one.`,
    );
    return undefined;
  }
}

async function assertFree(host: string, port: number): Promise<void> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(port, host, resolve);
  await promise;
  await new Promise((closed) => server.close(closed));
}
