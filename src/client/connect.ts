import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { Failure } from '../contracts/failures.ts';

const CONNECT_TIMEOUT = '10 seconds';

export interface TemporalTarget {
  readonly connectionOptions: ConnectionOptions;
  readonly namespace: string;
}

/** A client that is connected, or one sentence why not. The caller closes `client.connection`. */
export async function connectClient({ connectionOptions, namespace }: TemporalTarget): Promise<Client> {
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_TIMEOUT });
    return new Client({ connection, namespace });
  } catch (error) {
    throw new Failure(
      'TemporalUnavailable',
      `No Temporal server answers at ${connectionOptions.address ?? 'localhost:7233'}. Start one with \`nightreel up\`, or set TEMPORAL_ADDRESS.`,
      { cause: error },
    );
  }
}
