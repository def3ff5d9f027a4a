/** The batches whose workflows run in this process, as they told last how far they are. */

import type { RunningBatch } from '../contracts/sinks.ts';

/** One that told nothing for so long has moved to another process, or was terminated. */
const SILENT_AFTER_MS = 30 * 60_000;

export interface BatchFigures {
  readonly campaign: string;
  /** Settled of all its variants, 0 to 1. */
  readonly progress: number | null;
  /** Seconds since 1970. */
  readonly expectedEndS: number | null;
  /** From the expected end, or from now if that is later, to the deadline; negative: it will be late. */
  readonly slackS: number | null;
}

interface Told {
  readonly at: number;
  readonly batch: RunningBatch;
}

export class RunningBatches {
  /** By campaign; null: it had one that is over. */
  private readonly told = new Map<string, Told | null>();
  private readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** Of two batches of one campaign, the one that told something last counts. */
  progress(batch: RunningBatch): void {
    this.told.set(batch.campaign, { at: this.now(), batch });
  }

  over(campaign: string, batchId: string): void {
    if (this.told.get(campaign)?.batch.batchId === batchId) this.told.set(campaign, null);
  }

  /** One for each campaign that had a batch here; null: nothing can be said, or not any more. */
  figures(): BatchFigures[] {
    const now = this.now();
    return [...this.told].map(([campaign, told]) => {
      if (told === null || now - told.at > SILENT_AFTER_MS)
        return { campaign, progress: null, expectedEndS: null, slackS: null };
      const { settled, variants, expectedEndMs, deadlineMs } = told.batch;
      const end = expectedEndMs === null ? null : Math.max(expectedEndMs, now);
      return {
        campaign,
        progress: variants === 0 ? 1 : settled / variants,
        expectedEndS: end === null ? null : end / 1000,
        slackS: end === null || deadlineMs === null ? null : (deadlineMs - end) / 1000,
      };
    });
  }
}
