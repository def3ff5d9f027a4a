/** A worker that runs the workflows and says what activities of a variant with very many people would say. Run as a program: HOST:PORT PARTS BROKEN. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type {
  PublishedPart,
  PublishPointersInput,
  RenderedVariant,
  RenderVariantInput,
} from '../../src/contracts/batch.ts';
import { TASK_QUEUES } from '../../src/contracts/task-queues.ts';

const [address = '', parts = '1', broken = ''] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });

const renderVariant = async ({ key }: RenderVariantInput): Promise<RenderedVariant> => ({
  ...{ outcome: 'rendered', renderMs: 1 },
  video: {
    ...{ variantKey: key, rendition: 'email-480p', width: 2, height: 2 },
    durationMs: 1,
    sizeBytes: 1,
    sha256: key,
  },
});
/**
 * Of the key that begins with b, parts 2 and 3 have somebody whose pointer cannot be written; of the one that begins with c the last part has,
 * while a file of that name is there.
 */
const publishPointers = async ({ part = 0, video }: PublishPointersInput): Promise<PublishedPart> => {
  const next = part + 1 < Number(parts) ? part + 1 : null;
  const isLost =
    (video.variantKey.startsWith('b') && [2, 3].includes(part)) ||
    (video.variantKey.startsWith('c') && next === null && existsSync(broken));
  const failure = { failureClass: 'StorageDenied' as const, message: `of part ${part}` };
  return { pointers: 10, next, ...(isLost && { failure }) };
};
const recordOutcomes = async (): Promise<void> => undefined;

const workers = await Promise.all([
  Worker.create({
    ...{ connection, taskQueue: TASK_QUEUES.orchestrator },
    workflowsPath: resolve(import.meta.dirname, '../../src/workflows/index.ts'),
  }),
  Worker.create({ connection, taskQueue: TASK_QUEUES.render, activities: { renderVariant } }),
  Worker.create({ connection, taskQueue: TASK_QUEUES.storage, activities: { publishPointers, recordOutcomes } }),
]);
process.once('SIGTERM', () => process.exit(0));
await Promise.all(workers.map((worker) => worker.run()));
