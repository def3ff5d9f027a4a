import type { InjectedSinks } from '@temporalio/worker';
import type { BatchSinks } from '../contracts/sinks.ts';
import { countAtRisk, startAtRisk } from './metrics.ts';
import type { RunningBatches } from './running-batches.ts';

/**
 * What becomes of what workflows tell. How far a batch was once is no news: whoever looks at an old night has its history replayed
 * here. A batch that this process takes over tells again when its next lane reports.
 */
export const batchSinks = (running: RunningBatches): InjectedSinks<BatchSinks> => ({
  nightreel: {
    atRisk: { fn: (_, campaign) => countAtRisk(campaign), callDuringReplay: false },
    progress: {
      fn: ({ startTime }, batch) => {
        startAtRisk(batch.campaign);
        running.progress(batch, startTime.getTime());
      },
      callDuringReplay: false,
    },
    over: { fn: (_, __, batchId) => running.over(batchId), callDuringReplay: true },
  },
});
