/** A render worker that renders nothing: what a night then costs is its orchestration. Run as a program: HOST:PORT NAMESPACE. */

import { Worker } from '@temporalio/worker';
import type { EngineFingerprint, RenderedVariant, RenderVariantInput } from '../../src/contracts/batch.ts';
import { TASK_QUEUES } from '../../src/contracts/task-queues.ts';
import { connectWorker, runUntilTold } from './worker-program.ts';

const NO_PROGRAMS = { captureRoute: '-', pixels: '-', chromium: '-', ffmpeg: '-', x264: '-', muxer: '-', fonts: '-' };
const ENGINE: EngineFingerprint = { digest: '0'.repeat(64), engineRevision: 1, settings: '-', ...NO_PROGRAMS };

const activities = {
  describeEngine: async () => ENGINE,
  renderVariant: async ({ key }: RenderVariantInput): Promise<RenderedVariant> => ({
    outcome: 'rendered',
    renderMs: 0,
    video: {
      ...{ variantKey: key, rendition: 'email-480p', width: 854, height: 480, durationMs: 1000, sizeBytes: 1 },
      sha256: key,
    },
  }),
};

const { connection, namespace } = await connectWorker();
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: TASK_QUEUES.render,
  activities,
  maxConcurrentActivityTaskExecutions: 64,
});
await runUntilTold(worker);
