import { Connection, type ConnectionOptions } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';

const CALL_TIMEOUT_MS = 5_000;
const KEYWORD = 2;

export interface TemporalTarget {
  readonly connectionOptions: ConnectionOptions;
  readonly namespace: string;
  readonly signal?: AbortSignal;
}

export interface TemporalInspection {
  readonly serverVersion: string;
  /** Names of the project's search attributes that the namespace does not have. */
  readonly missingSearchAttributes: readonly string[];
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
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missingSearchAttributes = Object.values(SEARCH_ATTRIBUTES)
      .map(({ name }) => name)
      .filter((name) => !Object.hasOwn(customAttributes, name));
    return { serverVersion, missingSearchAttributes };
  });
}

/** Registers these search attributes, all Keyword. Throws where the server or its operator does not allow that. */
export async function registerSearchAttributes(target: TemporalTarget, names: readonly string[]): Promise<void> {
  await withConnection(target, ({ operatorService }) =>
    operatorService.addSearchAttributes({
      namespace: target.namespace,
      searchAttributes: Object.fromEntries(names.map((name) => [name, KEYWORD])),
    }),
  );
}
