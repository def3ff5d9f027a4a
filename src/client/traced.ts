import type { Client } from '@temporalio/client';
import type { Settings } from '../config/settings.ts';
import { startTelemetry } from '../telemetry/telemetry.ts';
import { connectClient } from './connect.ts';

/** A client, and whether what it asked for was told; disposing of it ends both. */
export interface TracedClient extends AsyncDisposable {
  readonly client: Client;
}

/** A client that is connected, whose starts and updates are spans where a collector of traces is named. Throws as `connectClient`. */
export async function connectTraced({
  temporal,
  telemetry: { traces },
  version,
}: Pick<Settings, 'temporal' | 'telemetry' | 'version'>): Promise<TracedClient> {
  await using resources = new AsyncDisposableStack();
  const telemetry = await startTelemetry({
    serviceName: 'nightreel-client',
    version,
    targets: { traces, metrics: null, scrape: null, temporal: null },
    onExportError: (reason) => void process.stderr.write(`Telemetry is not delivered: ${reason}\n`),
  });
  resources.defer(() => telemetry.stop());
  const client = await connectClient(temporal, telemetry.clientInterceptors());
  resources.defer(() => client.connection.close());
  const owned = resources.move();
  return { client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
