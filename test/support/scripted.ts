/** What `scripted-worker.ts` plans. */

import type { PlanCounts } from '../../src/contracts/batch.ts';
import type { VariantKey } from '../../src/contracts/ids.ts';

/** Variants of its one manifest page. */
export const SLOTS = 150;

export const keyOf = (index: number): VariantKey => index.toString(16).padStart(64, '0') as VariantKey;

export const NO_COUNTS: PlanCounts = {
  ...{ sceneSlots: 0, distinctScenes: 0, storedScenes: 0, sharedScenes: 0 },
  ...{ rows: 0, recipients: 0, rejected: 0, duplicates: 0, unchanged: 0, withdrawn: 0, vanished: 0, carriedOver: 0 },
  ...{ variants: 0, cached: 0 },
};
