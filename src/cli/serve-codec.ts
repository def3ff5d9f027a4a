/** `nightreel codec serve`: the codec server, with the keys and the Web UI of this environment. */

import { findTargets } from '../config/connections.ts';
import { readEnvironment } from '../config/environment.ts';
import { readPayloadKeys } from '../config/payload-keys.ts';
import { Failure } from '../contracts/failures.ts';
import { CodecServer } from '../encryption/codec-server.ts';
import type { ServeCodecFlags } from './codec.ts';

/** Serves until `signal` aborts. */
export async function serveCodec({ host, port, ui }: ServeCodecFlags, signal: AbortSignal): Promise<void> {
  const environment = readEnvironment();
  const [ring, { temporal }] = await Promise.all([readPayloadKeys(environment.variables), findTargets(environment)]);
  if (ring.keys.size === 0) {
    throw new Failure(
      'EnvironmentInvalid',
      'There are no keys to serve: set NIGHTREEL_PAYLOAD_KEYS_FILE. `nightreel codec new-key` makes one.',
    );
  }
  const origins = ui ?? originsOf(temporal?.uiUrl ?? null);
  const token = environment.variables['NIGHTREEL_CODEC_TOKEN'] ?? null;
  const namespace = temporal?.namespace ?? 'default';
  await using server = await CodecServer.start({ ring, host, port, origins, token, namespace });
  process.stdout.write(`${server.address}\n`);
  process.stderr.write(
    `Decrypts for the namespace ${namespace}, ${origins.length > 0 ? `for pages of ${origins.join(', ')}` : 'for no page'} and for the command line${token === null ? '' : ', with the token'}. Ctrl-C ends it.\n`,
  );
  await new Promise<void>((stop) => signal.addEventListener('abort', () => stop(), { once: true }));
}

/** A Web UI of this machine is opened by either of its names. */
function originsOf(uiUrl: string | null): readonly string[] {
  if (uiUrl === null) return [];
  const { origin, protocol, port } = new URL(uiUrl);
  return origin === `${protocol}//127.0.0.1:${port}` ? [origin, `${protocol}//localhost:${port}`] : [origin];
}
