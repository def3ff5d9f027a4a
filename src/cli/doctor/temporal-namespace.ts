/** The namespace: whether it is there, what it keeps and for how long, what it allows. */

import { type Client, isGrpcServiceError } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import type { TemporalTarget } from '../../config/connections.ts';
import { SEARCH_ATTRIBUTES } from '../../contracts/search-attributes.ts';
import { registerCommand, registerSearchAttributes } from '../../stack/index.ts';
import { bad, type Check, fine, poor } from './check.ts';

const DAY_SECONDS = 86_400;
/** What failed in the night of a Friday is looked at, and reset, on Monday. */
const LEAST_RETENTION_DAYS = 3;
/** A page of slots or outcomes takes 30 KB; servers have 2 MB unless told otherwise. */
const LEAST_PAYLOAD_BYTES = 256 * 1024;
/** gRPC: NOT_FOUND. */
const NOT_FOUND = 5;
/** IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;
const ATTRIBUTES = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);

export async function checkNamespace(
  client: Client,
  target: TemporalTarget,
  fix: boolean,
): Promise<{ readonly exists: boolean; readonly checks: readonly Check[] }> {
  const { namespace } = target;
  try {
    const { namespaceInfo, config } = await client.workflowService.describeNamespace({ namespace });
    const checks = [
      checkRetention(target, Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0)),
      checkUpdates(namespaceInfo?.capabilities),
      ...checkPayloads(Number(namespaceInfo?.limits?.blobSizeLimitError ?? 0)),
      await checkSearchAttributes(client, target, fix),
    ];
    return { exists: true, checks };
  } catch (error) {
    if (!isGrpcServiceError(error) || error.code !== NOT_FOUND) throw error;
    const todo = `Create it (\`temporal operator namespace create --namespace ${namespace} --retention 7d\`) or set TEMPORAL_NAMESPACE.`;
    return { exists: false, checks: [bad('namespace', `there is no namespace ${namespace}`, todo)] };
  }
}

function checkRetention({ namespace, embedded }: TemporalTarget, seconds: number): Check {
  const days = Math.round((seconds * 10) / DAY_SECONDS) / 10;
  const found = `${namespace} keeps what has ended for ${days} ${days === 1 ? 'day' : 'days'}`;
  if (embedded || days >= LEAST_RETENTION_DAYS) return fine('namespace', found);
  return poor(
    'namespace',
    found,
    `What failed in the night of a Friday cannot be reset on Monday: \`temporal operator namespace update --namespace ${namespace} --retention 7d\`.`,
  );
}

function checkUpdates(capabilities: temporal.api.namespace.v1.NamespaceInfo.ICapabilities | null | undefined): Check {
  if (capabilities?.syncUpdate === true) return fine('updates', 'allowed');
  return poor('updates', 'not allowed', 'Batches cannot be paused, resumed or stopped: take a server from 1.25 on.');
}

/** Older servers do not say. */
function checkPayloads(limitBytes: number): Check[] {
  if (limitBytes === 0) return [];
  const found = `up to ${Math.round(limitBytes / 1024)} KiB`;
  if (limitBytes >= LEAST_PAYLOAD_BYTES) return [fine('payloads', found)];
  return [
    poor('payloads', found, 'Raise `limit.blobSize.error`: pages of a manifest take up to 30 KiB, and more encrypted.'),
  ];
}

async function checkSearchAttributes(client: Client, target: TemporalTarget, fix: boolean): Promise<Check> {
  const name = 'search attributes';
  const { namespace } = target;
  const listed = await client.connection.operatorService.listSearchAttributes({ namespace }).catch(() => null);
  if (listed === null) {
    const todo = `See that there are ${ATTRIBUTES.join(', ')}, all Keyword: without them nothing starts.`;
    return poor(name, 'this server does not tell which there are', todo);
  }
  const there = listed.customAttributes ?? {};
  const wrong = ATTRIBUTES.filter((attribute) => attribute in there && there[attribute] !== KEYWORD);
  if (wrong.length > 0) {
    return bad(name, `${wrong.join(', ')} of another type than Keyword`, 'Take a namespace of its own for Nightreel.');
  }
  const missing = ATTRIBUTES.filter((attribute) => !(attribute in there));
  if (missing.length === 0) return fine(name, `${ATTRIBUTES.length} of ${ATTRIBUTES.length}`);
  const command = registerCommand(namespace, missing);
  if (!fix)
    return bad(name, `no ${missing.join(', ')}`, `Register them with \`nightreel doctor --fix\`, or \`${command}\`.`);
  try {
    await registerSearchAttributes(target, missing);
    return fine(name, `${missing.join(', ')} registered now`);
  } catch {
    return bad(
      name,
      `no ${missing.join(', ')}, and they may not be registered from here`,
      `Have it run: \`${command}\`.`,
    );
  }
}
