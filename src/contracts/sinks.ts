import type { Sinks } from '@temporalio/workflow';

/** How far a batch is, whenever that changes. */
export interface RunningBatch {
  readonly campaign: string;
  readonly batchId: string;
  readonly settled: number;
  readonly variants: number;
  /** At its pace so far; null: nothing can be said yet. */
  readonly expectedEndMs: number | null;
  /** Null: it has none. */
  readonly deadlineMs: number | null;
}

/** What workflows tell the process that runs them. */
export interface BatchSinks extends Sinks {
  readonly nightreel: {
    /** The batch's pace says, for the first time, that it will miss its deadline; or it has. Not told again by a replay. */
    atRisk(campaign: string): void;
    /** Not told again by a replay. */
    progress(batch: RunningBatch): void;
    /** Nothing more is started in it: its report is being written, or it has failed. Told by a replay, too. */
    over(campaign: string, batchId: string): void;
  };
}
