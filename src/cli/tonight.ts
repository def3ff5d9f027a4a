/** A campaign's night as it would be planned now, read and not written: what commands look at before anything is started. */

import type { Settings } from '../config/settings.ts';
import type { BusinessDate, CampaignId } from '../contracts/ids.ts';
import { type NightDelta, type PlannedCampaign, type PlannedNight, readNight } from '../planning/read-night.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Template } from '../templates/template.ts';
import type { SourceType } from '../warehouse/source.ts';
import { plannedCampaign } from '../workers/planned-campaign.ts';

export interface TonightOptions {
  readonly date?: BusinessDate | undefined;
  /** At most so many recipients. */
  readonly recipients?: number | undefined;
  /** The same table in another engine. */
  readonly sourceType?: SourceType | undefined;
  /** First part of the keys of what may be stored. */
  readonly engineDigest: string;
}

export interface Tonight extends NightDelta {
  readonly campaign: PlannedCampaign;
  readonly template: Template;
  readonly night: PlannedNight;
  /** ISO 8601 UTC: now. */
  readonly asOf: string;
}

/** `templateOf` gives the campaign's template. */
export async function readTonight(
  { settings, store }: { readonly settings: Settings; readonly store: ObjectStore },
  id: CampaignId,
  templateOf: (campaign: PlannedCampaign) => Promise<Template>,
  { date, recipients, sourceType, engineDigest }: TonightOptions,
  signal: AbortSignal,
): Promise<Tonight> {
  const campaign = await plannedCampaign(settings, store, id, { sourceType });
  const template = await templateOf(campaign);
  const asOf = new Date().toISOString();
  const night = campaign.calendar(date, asOf);
  const input = {
    asOf,
    engine: { digest: engineDigest },
    ...(recipients !== undefined && { recipientLimit: recipients }),
  };
  const read = await readNight(store, { campaign, template, night }, input, signal);
  return { ...read, campaign, template, night, asOf };
}
