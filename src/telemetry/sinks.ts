import type { InjectedSinks } from '@temporalio/worker';
import type { BatchSinks } from '../contracts/sinks.ts';
import { countAtRisk } from './metrics.ts';
import type { RunningBatches } from './running-batches.ts';

/** What becomes of what workflows tell. */
export const batchSinks = (running: RunningBatches): InjectedSinks<BatchSinks> => ({
  nightreel: {
    atRisk: { fn: (_, campaign) => countAtRisk(campaign), callDuringReplay: false },
    progress: { fn: (_, batch) => running.progress(batch), callDuringReplay: true },
    over: { fn: (_, campaign, batchId) => running.over(campaign, batchId), callDuringReplay: true },
  },
});
