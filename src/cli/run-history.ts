import type { Settings } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import type { CampaignId } from '../contracts/ids.ts';
import { historyNight, historyText } from '../reporting/history.ts';
import { closedNights } from '../reporting/nights.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { onInterrupt } from './interrupt.ts';
import { visible } from './visible.ts';

export interface HistoryRequest {
  readonly campaign: CampaignId;
  readonly nights: number;
  readonly json: boolean;
}

/** Prints the campaign's nights. Failure `CampaignInvalid` when none has closed. */
export async function runHistory(settings: Settings, { campaign, nights, json }: HistoryRequest): Promise<void> {
  const signal = onInterrupt('Stopped.');
  using store = new ObjectStore(settings.s3);
  await store.checkBucket(signal);
  const reports = await closedNights(store, campaign, nights, signal);
  if (reports.length === 0) {
    throw new Failure(
      'CampaignInvalid',
      `No batch of campaign ${campaign} has closed yet, or there is no such campaign.`,
    );
  }
  const lines = reports.map(historyNight);
  process.stdout.write(json ? lines.map((line) => `${JSON.stringify(line)}\n`).join('') : visible(historyText(lines)));
}
