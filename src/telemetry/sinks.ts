import type { InjectedSinks } from '@temporalio/worker';
import type { BatchSinks } from '../contracts/sinks.ts';
import { countAtRisk } from './metrics.ts';

/** What becomes of what workflows tell. */
export const batchSinks: InjectedSinks<BatchSinks> = {
  nightreel: {
    atRisk: { fn: (_, campaign) => countAtRisk(campaign), callDuringReplay: false },
  },
};
