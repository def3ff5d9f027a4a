import {
  Client,
  Connection,
  type ConnectionOptions,
  isGrpcServiceError,
  ServiceError,
  type WorkflowClientInterceptor,
} from '@temporalio/client';
import { Failure } from '../contracts/failures.ts';
import { dataConverterOf } from '../encryption/data-converter.ts';
import { type KeyRing, NO_KEYS } from '../encryption/key-ring.ts';

const CONNECT_TIMEOUT = '10 seconds';
/** gRPC status codes of a server that is there and refuses: PERMISSION_DENIED, UNAUTHENTICATED. */
const REFUSED = [7, 16];

export interface TemporalTarget {
  readonly connectionOptions: ConnectionOptions;
  readonly namespace: string;
  /** Without them payloads are as they are. */
  readonly payloadKeys?: KeyRing;
}

/** A client that is connected, or one sentence why not. The caller closes `client.connection`. */
export async function connectClient(
  { connectionOptions, namespace, payloadKeys = NO_KEYS }: TemporalTarget,
  workflow: WorkflowClientInterceptor[] = [],
): Promise<Client> {
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_TIMEOUT });
    return new Client({
      connection,
      namespace,
      dataConverter: dataConverterOf(payloadKeys),
      interceptors: { workflow },
    });
  } catch (error) {
    throw connectFailure(connectionOptions.address, error);
  }
}

/** Why there is no connection to Temporal, for clients and workers alike. */
export function connectFailure(address: string | undefined, cause: unknown): Failure {
  const server = `the Temporal server at ${address ?? 'localhost:7233'}`;
  return new Failure(
    'TemporalUnavailable',
    isRefusal(cause)
      ? `Refused by ${server}: check TEMPORAL_API_KEY, the certificates and the namespace.`
      : `No answer from ${server}. Start one with \`nightreel up\`, or set TEMPORAL_ADDRESS.`,
    { cause },
  );
}

/** While it connects, the client puts the server's answer into an error of its own. */
const isRefusal = (error: unknown): boolean =>
  isGrpcServiceError(error)
    ? REFUSED.includes(error.code)
    : error instanceof ServiceError && error.cause !== undefined && isRefusal(error.cause);

/** Runs calls to the server; one that goes away meanwhile is told in a sentence. What it was asked to do goes on there. */
export async function asTemporalCall<T>(calls: () => Promise<T>): Promise<T> {
  try {
    return await calls();
  } catch (error) {
    if (!isGrpcServiceError(error) && !(error instanceof ServiceError)) throw error;
    throw new Failure(
      'TemporalUnavailable',
      'The Temporal server went away. What was started goes on when it is back.',
      {
        cause: error,
      },
    );
  }
}
