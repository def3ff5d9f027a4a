/** What the bench's own workers share, as programs under a `WorkerSupervisor`: HOST:PORT NAMESPACE. */

import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { grpcCompressionFor } from '../../src/workers/grpc-compression.ts';

export async function connectWorker(): Promise<{ connection: NativeConnection; namespace: string }> {
  const [address, namespace] = process.argv.slice(2);
  if (address === undefined || namespace === undefined) throw new TypeError('arguments: HOST:PORT NAMESPACE');
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect({ address, grpcCompression: grpcCompressionFor(address) });
  return { connection, namespace };
}

/** Ends with SIGTERM, and with whoever supervises it. */
export async function runUntilTold(worker: Worker): Promise<never> {
  process.once('SIGTERM', () => worker.shutdown());
  process.once('disconnect', () => process.exit(1));
  process.send?.('ready');
  await worker.run();
  process.exit(0);
}
