/** How the campaigns of a night share the workers. Activities take their workflow's priority. */

import type { Priority } from '@temporalio/common';
import type { BatchRef } from '../contracts/ids.ts';
import type { NightLimits } from '../contracts/steering.ts';

/** Of 1 to 5, where lower goes first; what has no deadline is as urgent as what has long to go. */
const USUAL = 3;
const URGENT = 2;
const URGENT_BEFORE_MS = 2 * 3_600_000;

/**
 * Campaigns take turns, whatever each has waiting; one whose deadline is less than two hours away, or has passed, goes before the
 * others. Asked as each child starts.
 */
export function priorityOf({ batch, limits }: { readonly batch: BatchRef; readonly limits?: NightLimits }): Priority {
  const deadline = limits?.deadline ?? null;
  const isUrgent = deadline !== null && Date.parse(deadline.at) - Date.now() < URGENT_BEFORE_MS;
  return { priorityKey: isUrgent ? URGENT : USUAL, fairnessKey: batch.campaign };
}
