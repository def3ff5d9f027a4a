/** The requests that a night sends to its bucket, counted from its plan and its outcomes. Pure. */

import { OUTCOMES_PER_PAGE, type VariantOutcome } from '../contracts/batch.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import { LEAST_MEDIA_IN_PARTS, PART_BYTES } from '../rendering/part-sink.ts';

export interface RequestCounts {
  readonly put: number;
  readonly get: number;
  readonly head: number;
  readonly list: number;
}

const KEYS_PER_LIST = 1_000;
/** Claim, plan, rejects, withdrawn, both reports, state, what was posted. */
const BOOKS = 8;

/**
 * By the formulae of docs/scaling.md, which were compared with what a server counted: nights that go well, so retries, lost races and
 * repairs come on top, and GETs of scenes that whoever joins them does not hold in memory. A multipart upload counts as many PUTs as it has parts, and two.
 * @param nights how many earlier ones report and digest compare this one with: both look for each date and its attempts.
 */
export function requestsOf(
  plan: Pick<PlanDocument, 'pages' | 'recipientPages' | 'scenePages' | 'counts' | 'whenWithdrawn'>,
  outcomes: readonly VariantOutcome[],
  nights = 0,
): RequestCounts {
  const { pages, recipientPages, scenePages, counts, whenWithdrawn } = plan;
  const pointers = outcomes.reduce((sum, outcome) => sum + (outcome.outcome === 'failed' ? 0 : outcome.pointers), 0);
  const uploads = outcomes.reduce(
    (sum, outcome) => {
      if (outcome.outcome !== 'rendered') return sum;
      const { bytes = 0, videos = 1 } = outcome.measures ?? {};
      // Those that are made together go up whole; each is looked for when it is planned, and before it is made.
      if (videos > 1) return { put: sum.put + 2 * videos, head: sum.head + 2 * (videos - 1) };
      // Poster and video; of one in parts the poster describes it, and is looked at before and after.
      if (bytes < LEAST_MEDIA_IN_PARTS) return { put: sum.put + 2, head: sum.head };
      return { put: sum.put + 3 + Math.ceil(bytes / PART_BYTES), head: sum.head + 3 };
    },
    { put: 0, head: 0 },
  );
  const outcomePages = Math.ceil(outcomes.length / OUTCOMES_PER_PAGE);
  const scenes = counts.distinctScenes - counts.storedScenes;
  // The tombstone before and after, and the pointer that is there.
  const getsPerPointer = whenWithdrawn === 'remove' ? 3 : 1;
  return {
    put: pointers + uploads.put + scenes + pages + recipientPages + scenePages + outcomePages + BOOKS,
    get: getsPerPointer * pointers + 2 * (pages + recipientPages + scenePages) + outcomePages + BOOKS + 2 * nights,
    head: outcomes.length + (outcomes.length - counts.cached) + counts.distinctScenes + uploads.head,
    list: 1 + Math.ceil(outcomePages / KEYS_PER_LIST) + 2 * (1 + nights),
  };
}
