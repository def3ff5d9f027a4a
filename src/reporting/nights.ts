/** The reports of other nights of a campaign, as the bucket has them. */

import {
  type BatchRef,
  type BusinessDate,
  type CampaignId,
  isBusinessDate,
  isCampaignId,
  objectKeys,
} from '../contracts/ids.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { isWholeNight, MAX_EARLIER_NIGHTS } from './digest/digest.ts';
import { type BatchReport, reportSchema } from './report-json.ts';

/** Business dates that are looked at for nights to compare with. */
const MAX_DATES = 30;

/** Reports of the campaign's nights before this one's business date, newest first; of each date the last whole attempt. */
export async function earlierNights(store: ObjectStore, batch: BatchRef, signal?: AbortSignal): Promise<BatchReport[]> {
  const nights: BatchReport[] = [];
  const dates = (await datesOf(store, batch.campaign, signal)).filter((date) => date < batch.businessDate);
  for (const businessDate of dates.slice(0, MAX_DATES)) {
    if (nights.length === MAX_EARLIER_NIGHTS) break;
    const report = await lastReport(store, { ...batch, businessDate }, isWholeNight, signal);
    if (report !== null) nights.push(report);
  }
  return nights;
}

/** Of each of the campaign's last business dates that closed the last whole attempt, or the last one where none was whole; newest first. */
export async function closedNights(
  store: ObjectStore,
  campaign: CampaignId,
  wanted: number,
  signal?: AbortSignal,
): Promise<BatchReport[]> {
  const nights: BatchReport[] = [];
  for (const businessDate of await datesOf(store, campaign, signal)) {
    if (nights.length === wanted) break;
    const date = { campaign, businessDate };
    const report =
      (await lastReport(store, date, isWholeNight, signal)) ?? (await lastReport(store, date, isAny, signal));
    if (report !== null) nights.push(report);
  }
  return nights;
}

const isAny = (): boolean => true;

/** The last attempt at the last night: of several campaigns of the one whose closed last; null when none has. */
export async function latestReport(store: ObjectStore, signal?: AbortSignal): Promise<BatchReport | null> {
  const campaigns = (await store.folders('batches/', signal)).filter(isCampaignId);
  const latest = await Promise.all(campaigns.map((campaign) => lastNight(store, campaign, signal)));
  return latest.reduce(
    (best, report) => (best === null || (report !== null && report.closedAt > best.closedAt) ? report : best),
    null,
  );
}

async function lastNight(
  store: ObjectStore,
  campaign: CampaignId,
  signal: AbortSignal | undefined,
): Promise<BatchReport | null> {
  for (const businessDate of await datesOf(store, campaign, signal)) {
    const report = await lastReport(store, { campaign, businessDate }, isAny, signal);
    if (report !== null) return report;
  }
  return null;
}

/** Newest first. */
async function datesOf(store: ObjectStore, campaign: CampaignId, signal?: AbortSignal): Promise<BusinessDate[]> {
  const folders = await store.folders(objectKeys.batchesOfCampaign(campaign), signal);
  return folders.filter(isBusinessDate).reverse();
}

/** Of the last attempt of that date whose report is `wanted`. */
async function lastReport(
  store: ObjectStore,
  { campaign, businessDate }: Pick<BatchRef, 'campaign' | 'businessDate'>,
  wanted: (report: BatchReport) => boolean,
  signal?: AbortSignal,
): Promise<BatchReport | null> {
  const attempts = (await store.folders(objectKeys.batchesOf(campaign, businessDate), signal))
    .filter((name) => /^[1-9]\d{0,5}$/.test(name))
    .map(Number)
    .sort((a, b) => b - a);
  for (const attempt of attempts) {
    const text = await store.getText(objectKeys.reportJson({ campaign, businessDate, attempt }), signal);
    const report = text === null ? null : parsed(text);
    if (report !== null && wanted(report)) return report;
  }
  return null;
}

/** A report of another version, or a damaged one, is no night to compare with. */
function parsed(text: string): BatchReport | null {
  try {
    return reportSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
