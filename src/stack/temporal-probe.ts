import { Connection, type ConnectionOptions, isGrpcServiceError } from '@temporalio/client';
import { Failure } from '../contracts/failures.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';

const CALL_TIMEOUT_MS = 5_000;
const GRPC_NOT_FOUND = 5;
/** IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;
const NAMES = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);

export interface TemporalTarget {
  readonly connectionOptions: ConnectionOptions;
  readonly namespace: string;
  /** Ends the calls that are under way. */
  readonly signal?: AbortSignal;
}

export interface TemporalInspection {
  readonly serverVersion: string;
  /** Names of the project's search attributes that the namespace does not have; null when the server does not tell. */
  readonly missingSearchAttributes: readonly string[] | null;
}

async function withConnection<T>(target: TemporalTarget, call: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ ...target.connectionOptions, connectTimeout: CALL_TIMEOUT_MS });
  try {
    return await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      target.signal ? connection.withAbortSignal(target.signal, () => call(connection)) : call(connection),
    );
  } finally {
    await connection.close();
  }
}

/** Asks the server for its version, for the namespace and for its search attributes. Throws what the client throws. */
export async function inspectTemporal(target: TemporalTarget): Promise<TemporalInspection> {
  return withConnection(target, async ({ workflowService, operatorService }) => {
    const { namespace } = target;
    const { serverVersion } = await workflowService.getSystemInfo({});
    await workflowService.describeNamespace({ namespace });
    const listed = await operatorService.listSearchAttributes({ namespace }).catch(() => null);
    return {
      serverVersion,
      missingSearchAttributes: listed && NAMES.filter((name) => !(name in listed.customAttributes)),
    };
  });
}

/** For people: the command that registers them. */
export const registerCommand = (namespace: string, names: readonly string[]): string =>
  `temporal operator search-attribute create --namespace ${namespace} --type Keyword ${names.map((name) => `--name ${name}`).join(' ')}`;

/** Registers these search attributes, all Keyword. Throws where the server or its operator does not allow that. */
export async function registerSearchAttributes(target: TemporalTarget, names: readonly string[]): Promise<void> {
  await withConnection(target, ({ operatorService }) =>
    operatorService.addSearchAttributes({
      namespace: target.namespace,
      searchAttributes: Object.fromEntries(names.map((name) => [name, KEYWORD])),
    }),
  );
}

/**
 * Makes sure that a server of the user's own answers, has the namespace and its search attributes (registers what is missing).
 * Returns what it registered; `Failure('TemporalUnavailable')` says in one sentence what to do.
 */
export async function prepareTemporal(target: TemporalTarget): Promise<readonly string[]> {
  const address = target.connectionOptions.address ?? 'localhost:7233';
  const { missingSearchAttributes: missing } = await inspectTemporal(target).catch((cause: unknown) => {
    throw isGrpcServiceError(cause) && cause.code === GRPC_NOT_FOUND
      ? new Failure(
          'TemporalUnavailable',
          `${address} has no namespace ${target.namespace}. Create it or set TEMPORAL_NAMESPACE.`,
          { cause },
        )
      : new Failure(
          'TemporalUnavailable',
          `No Temporal server answers at ${address}. Check TEMPORAL_ADDRESS, its TLS settings and its key.`,
          { cause },
        );
  });
  if (missing === null || missing.length === 0) return [];
  try {
    await registerSearchAttributes(target, missing);
  } catch (cause) {
    throw new Failure(
      'TemporalUnavailable',
      `${address} does not let search attributes be registered from here. Run once: ${registerCommand(target.namespace, missing)}`,
      { cause },
    );
  }
  return missing;
}
