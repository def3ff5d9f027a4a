/** Tonight's people as samples of a check, and how many scenes they share. */

import { loadSettings } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import type { CampaignId } from '../contracts/ids.ts';
import { partsOf } from '../planning/scene-key.ts';
import { planScenes } from '../planning/scene-plan.ts';
import { ObjectStore } from '../storage/object-store.ts';
import type { Samples } from '../templates/samples.ts';
import type { Template } from '../templates/template.ts';
import { readTonight } from './tonight.ts';

export interface Shares extends Samples {
  readonly tonight: { readonly variants: number; readonly sceneSlots: number; readonly distinctScenes: number };
}

/** Tonight's rows of a campaign: some of them as samples, all of them counted. Stored scenes count as any other. */
export async function readShares(
  template: Template,
  id: CampaignId,
  count: number,
  signal: AbortSignal,
): Promise<Shares> {
  const settings = await loadSettings();
  using store = new ObjectStore(settings.s3);
  await store.checkBucket();
  const read = { engineDigest: 'check' };
  const { campaign, delta: tonight } = await readTonight({ settings, store }, id, async () => template, read, signal);
  using delta = tonight;
  const { variants } = delta;
  if (campaign.template !== template.id) {
    throw new Failure('CampaignInvalid', `Campaign '${id}' has template '${campaign.template}', not '${template.id}'.`);
  }
  const identity = { engineDigest: read.engineDigest, template, rendition: campaign.rendition };
  const { counts } = await planScenes(
    {
      variants: { [Symbol.iterator]: () => Iterator.from(variants).map(({ params }) => params) },
      partsOf: (params) => partsOf(identity, params),
      isStored: async () => false,
    },
    signal,
  );
  const step = Math.max(1, variants.size / count);
  const samples = Array.from({ length: Math.min(count, variants.size) }, (_, index) => {
    return variants.at(Math.floor(index * step)).params;
  });
  const isFixed = (name: string): boolean =>
    samples.every((params) => JSON.stringify(params[name]) === JSON.stringify(template.placeholder[name]));
  const unvaried = Object.keys(template.placeholder).filter(isFixed);
  return { samples, unvaried, tonight: { variants: variants.size, ...counts } };
}
