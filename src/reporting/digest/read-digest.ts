import { type BatchRef, type BusinessDate, isBusinessDate, objectKeys } from '../../contracts/ids.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { type BatchReport, reportSchema } from '../report-json.ts';
import { type Digest, type DigestInput, digestOf, isWholeNight, MAX_EARLIER_NIGHTS } from './digest.ts';

/** Business dates that are looked at for nights to compare with. */
const MAX_DATES = 30;

/** The digest of a batch as the bucket has it now; null when the batch has never closed. */
export async function readDigest(
  store: ObjectStore,
  batch: BatchRef,
  uiLink: DigestInput['uiLink'],
  signal?: AbortSignal,
): Promise<Digest | null> {
  const text = await store.getText(objectKeys.reportJson(batch), signal);
  if (text === null) return null;
  const report = reportSchema.parse(JSON.parse(text));
  const earlier = await earlierNights(store, batch, signal);
  return digestOf({ report, earlier, reportUrl: store.url(report.summary.report), uiLink });
}

/** Reports of the campaign's nights before this one's business date, newest first; of each date the last whole attempt. */
async function earlierNights(store: ObjectStore, batch: BatchRef, signal?: AbortSignal): Promise<BatchReport[]> {
  const folders = await store.folders(objectKeys.batchesOfCampaign(batch.campaign), signal);
  const dates = folders.filter(isBusinessDate).filter((date) => date < batch.businessDate);
  const nights: BatchReport[] = [];
  for (const businessDate of dates.reverse().slice(0, MAX_DATES)) {
    if (nights.length === MAX_EARLIER_NIGHTS) break;
    const report = await wholeNight(store, { ...batch, businessDate }, signal);
    if (report !== null) nights.push(report);
  }
  return nights;
}

async function wholeNight(
  store: ObjectStore,
  { campaign, businessDate }: { readonly campaign: BatchRef['campaign']; readonly businessDate: BusinessDate },
  signal?: AbortSignal,
): Promise<BatchReport | null> {
  const attempts = (await store.folders(objectKeys.batchesOf(campaign, businessDate), signal))
    .filter((name) => /^[1-9]\d{0,5}$/.test(name))
    .map(Number)
    .sort((a, b) => b - a);
  for (const attempt of attempts) {
    const text = await store.getText(objectKeys.reportJson({ campaign, businessDate, attempt }), signal);
    const report = text === null ? null : parsed(text);
    if (report !== null && isWholeNight(report)) return report;
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
