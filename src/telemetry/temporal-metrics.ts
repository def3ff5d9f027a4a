/** The metrics of Temporal's own SDK, which its native part counts and serves, or sends, by itself. */

import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import type { TelemetryOptions as TemporalOptions } from '@temporalio/worker';
import { openDoor } from './metrics-door.ts';
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

const INNER_HOST = '127.0.0.1';

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
    // The SDK's own server asks nobody for a token: it listens behind ours, where only this machine gets.
    const inner = await freePort();
    await openDoor(temporal, (_, response) => handOn(inner, response));
    const prometheus = {
      bindAddress: `${INNER_HOST}:${inner}`,
      countersTotalSuffix: true,
      unitSuffix: true,
      useSecondsForDurations: true,
    };
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

/** A port that is taken would end the process. */
async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, INNER_HOST), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function handOn(port: number, response: ServerResponse): void {
  const asked = get({ host: INNER_HOST, port, path: '/metrics' }, (answer: IncomingMessage) => {
    const type = answer.headers['content-type'] ?? 'text/plain';
    response.writeHead(answer.statusCode ?? 502, { 'Content-Type': type });
    answer.pipe(response);
  });
  asked.on('socket', (socket) => socket.unref());
  asked.on('error', () => response.writeHead(502).end());
}
