/** The batches whose workflows run in this process, as they told last how far they are. */

import type { RunningBatch } from '../contracts/sinks.ts';

/** One that told nothing for so long has moved to another process, or was terminated. */
const SILENT_AFTER_MS = 30 * 60_000;

export interface BatchFigures {
  readonly campaign: string;
  /** Settled of all its variants, 0 to 1. */
  readonly progress: number | null;
  /** Variants not settled yet. */
  readonly unsettled: number | null;
  /** Seconds since 1970. */
  readonly expectedEndS: number | null;
  /** From the expected end, or from now if that is later, to the deadline; negative: it will be late. */
  readonly slackS: number | null;
}

interface Told {
  readonly at: number;
  readonly startedAt: number;
  readonly batch: RunningBatch;
}

export class RunningBatches {
  /** By batch ID. */
  private readonly told = new Map<string, Told>();
  /** That had a batch here, over or not. */
  private readonly campaigns = new Set<string>();
  private readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** @param startedAt ms since 1970: of the batches of one campaign that are not over, the one that began last counts. */
  progress(batch: RunningBatch, startedAt: number): void {
    this.campaigns.add(batch.campaign);
    this.told.set(batch.batchId, { at: this.now(), startedAt, batch });
  }

  over(batchId: string): void {
    this.told.delete(batchId);
  }

  /** One for each campaign that had a batch here; null: nothing can be said, or not any more. */
  figures(): BatchFigures[] {
    const now = this.now();
    for (const [batchId, { at }] of this.told) if (now - at > SILENT_AFTER_MS) this.told.delete(batchId);
    const oldestFirst = [...this.told.values()].sort((a, b) => a.startedAt - b.startedAt);
    return [...this.campaigns].map((campaign) => {
      const told = oldestFirst.findLast(({ batch }) => batch.campaign === campaign);
      if (told === undefined) return { campaign, progress: null, unsettled: null, expectedEndS: null, slackS: null };
      const { settled, variants, expectedEndMs, deadlineMs } = told.batch;
      const end = expectedEndMs === null ? null : Math.max(expectedEndMs, now);
      return {
        campaign,
        progress: variants === 0 ? 1 : settled / variants,
        unsettled: variants - settled,
        expectedEndS: end === null ? null : end / 1000,
        slackS: end === null || deadlineMs === null ? null : (deadlineMs - end) / 1000,
      };
    });
  }
}
