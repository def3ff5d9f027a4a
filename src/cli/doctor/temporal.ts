/** The Temporal server that commands and workers of this environment would use: what it has, and who works for it. */

import { isGrpcServiceError } from '@temporalio/client';
import { connectClient, connectFailure } from '../../client/connect.ts';
import type { TemporalTarget } from '../../config/connections.ts';
import type { Rollout } from '../../config/variables.ts';
import { asFailure } from '../../contracts/failures.ts';
import type { KeyRing } from '../../encryption/key-ring.ts';
import { bad, type Check, fine, type TemporalExamination } from './check.ts';
import { withinLimit } from './limit.ts';
import { checkNamespace } from './temporal-namespace.ts';
import { checkServersClock, checkVersions, checkWorkers } from './temporal-workers.ts';

const ALL_WITHIN_MS = 30_000;

interface Options {
  readonly fix: boolean;
  readonly rollout: Rollout;
}

/** @param target null: the embedded one does not run, and one who renders files needs none. */
export async function examineTemporal(
  target: TemporalTarget | null,
  options: Options,
  signal: AbortSignal,
): Promise<TemporalExamination> {
  if (target === null) {
    const checks = [fine('Temporal', 'the embedded one does not run (`nightreel up`)')];
    return { address: null, namespace: null, checks };
  }
  const { namespace } = target;
  const address = target.connectionOptions.address ?? 'localhost:7233';
  const limit = { ms: ALL_WITHIN_MS, who: `The Temporal server at ${address}` };
  try {
    const checks = await withinLimit({ ...limit, failureClass: 'TemporalUnavailable' }, signal, (limited) =>
      ask(target, options, limited),
    );
    return { address, namespace, checks };
  } catch (error) {
    signal.throwIfAborted();
    const { message, failureClass } = isGrpcServiceError(error) ? connectFailure(address, error) : asFailure(error);
    return { address, namespace, checks: [bad('Temporal', message, `Nothing more was asked (${failureClass}).`)] };
  }
}

async function ask(target: TemporalTarget, { fix, rollout }: Options, signal: AbortSignal): Promise<Check[]> {
  const client = await connectClient(target);
  try {
    return await client.withAbortSignal(signal, async () => {
      const { serverVersion } = await client.workflowService.getSystemInfo({});
      const server = fine('Temporal', `server ${serverVersion}`);
      const { exists, checks } = await checkNamespace(client, target, fix);
      if (!exists) return [server, ...checks];
      return [
        ...[server, ...checks, checkPayloads(target.payloadKeys)],
        ...(await checkWorkers(client)),
        ...(rollout === 'off' ? [] : await checkVersions(client)),
        ...(await checkServersClock(client, signal)),
      ];
    });
  } finally {
    await client.connection.close();
  }
}

function checkPayloads({ encryptWith, keys }: KeyRing): Check {
  const name = 'payloads';
  if (encryptWith !== null) return fine(name, `encrypted with the key ${encryptWith}, one of ${keys.size}`);
  return fine(name, keys.size === 0 ? 'not encrypted' : `not encrypted; ${keys.size} keys read those that are`);
}
