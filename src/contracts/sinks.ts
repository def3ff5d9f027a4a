import type { Sinks } from '@temporalio/workflow';

/** What workflows tell the process that runs them, once and not when they are replayed. */
export interface BatchSinks extends Sinks {
  readonly nightreel: {
    /** The batch's pace says, for the first time, that it will miss its deadline; or it has. */
    atRisk(campaign: string): void;
  };
}
