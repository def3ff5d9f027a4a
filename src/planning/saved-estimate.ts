/** What `nightreel estimate --save` leaves in the bucket: the night's report is compared with it. */

import { z } from 'zod';
import { objectKeys } from '../contracts/ids.ts';
import type { ObjectStore } from '../storage/object-store.ts';

const savedEstimateSchema = z.object({
  campaign: z.string(),
  businessDate: z.string(),
  /** When it was made, ISO 8601 UTC. */
  at: z.string(),
  /** Videos that were to be made. */
  variants: z.int().min(0),
  /** For all of them, in the way that the campaign takes: from scenes, or whole. */
  cpuSeconds: z.number().min(0),
});

export type SavedEstimate = Readonly<z.infer<typeof savedEstimateSchema>>;

/** The last one counts. */
export async function saveEstimate(store: ObjectStore, estimate: SavedEstimate, signal?: AbortSignal): Promise<void> {
  const key = objectKeys.estimate(estimate.campaign, estimate.businessDate);
  await store.put(key, JSON.stringify(estimate), { contentType: 'application/json' }, signal);
}

/** Null when there is none, or none that can be read: a report is not lost to it. */
export async function savedEstimate(
  store: ObjectStore,
  { campaign, businessDate }: Pick<SavedEstimate, 'campaign' | 'businessDate'>,
  signal?: AbortSignal,
): Promise<SavedEstimate | null> {
  const text = await store.getText(objectKeys.estimate(campaign, businessDate), signal);
  if (text === null) return null;
  try {
    return savedEstimateSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
