import { readFile } from 'node:fs/promises';
import { startBackfill } from '../client/batches.ts';
import { connectClient } from '../client/connect.ts';
import { backfillNights } from '../client/schedules.ts';
import { connectTraced } from '../client/traced.ts';
import { workflowUrl } from '../client/web-ui.ts';
import { businessDateOf, nightsBetween } from '../config/business-date.ts';
import { loadCampaign } from '../config/campaign.ts';
import type { Settings } from '../config/settings.ts';
import type { BatchSummary } from '../contracts/batch.ts';
import { Failure, type FailureClass } from '../contracts/failures.ts';
import type { BatchRef, BusinessDate, CampaignId } from '../contracts/ids.ts';
import { latestAttempt, latestBatch, plansOf } from '../planning/batches.ts';
import { isWholeNight } from '../reporting/digest/digest.ts';
import { readReport } from '../reporting/write-report.ts';
import { putVariantList, variantKeysIn } from '../storage/inputs.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { writeAudit } from './backfill-audit.ts';
import { followBatch, printSummary } from './follow.ts';

export interface BackfillRequest {
  readonly campaign: CampaignId;
  readonly date?: BusinessDate;
  readonly attempt?: number;
  readonly failureClass?: FailureClass;
  /** Path of a file of variant keys. */
  readonly variants?: string;
  readonly window?: number;
  readonly json?: boolean;
}

/** Repairs a batch and prints its summary, which then counts the whole batch with its repairs. */
export async function runBackfill(
  settings: Settings,
  request: BackfillRequest,
  signal: AbortSignal,
): Promise<BatchSummary> {
  const campaign = await loadCampaign(settings.root, request.campaign);
  await using connected = await connectTraced(settings);
  const { client } = connected;
  const store = new ObjectStore(settings.s3);
  try {
    await store.checkBucket();
    const batch = await chooseBatch(store, { ...request, campaign: campaign.id });
    const { failureClass, variants, window } = request;
    const handle = await startBackfill(client, {
      batch,
      ...(failureClass !== undefined && { failureClass }),
      ...(window !== undefined && { window }),
      ...(variants !== undefined && { variantsKey: await putVariantList(store, await keysIn(variants), signal) }),
    });
    await writeAudit(store, {
      campaign: batch.campaign,
      workflowIds: [handle.workflowId],
      batch,
      failureClass,
      variants,
      window,
    });
    const ui = workflowUrl(settings.temporal, handle.workflowId);
    process.stderr.write(`Repairing: ${ui ?? handle.workflowId}\n`);
    const summary = await followBatch(client, handle, signal);
    await printSummary(store, summary, { json: request.json === true, workflow: ui });
    return summary;
  } finally {
    store.close();
  }
}

export interface NightsRequest {
  readonly campaign: CampaignId;
  readonly from: BusinessDate;
  readonly to: BusinessDate;
  /** Also nights that have closed. */
  readonly again: boolean;
  readonly json: boolean;
}

/** Has the campaign's schedule run the nights of these dates that have not closed; returns what to print. */
export async function runNights(settings: Settings, request: NightsRequest): Promise<string> {
  const { campaign: id, from, to, again, json } = request;
  const { schedule } = await loadCampaign(settings.root, id);
  const nights = nightsBetween(from, to, schedule);
  const now = new Date();
  const last = nights.at(-1);
  if (last === undefined) {
    const days = `${schedule.days.join(', ')} at ${schedule.at} ${schedule.timeZone}`;
    throw new Failure('CampaignInvalid', `Campaign '${id}' has no night from ${from} to ${to}; it runs ${days}.`);
  }
  if (Date.parse(last.dueAt) > now.getTime()) {
    const today = businessDateOf(now, schedule.timeZone);
    throw new Failure(
      'CampaignInvalid',
      `The night of ${last.businessDate} has not come yet; today is ${today} there. Nothing was started.`,
    );
  }
  const store = new ObjectStore(settings.s3);
  const client = await connectClient(settings.temporal);
  try {
    await store.checkBucket();
    const closed = again ? [] : await closedOf(store, id, nights);
    const missing = nights.filter(({ businessDate }) => !closed.includes(businessDate));
    const workflowIds = await backfillNights(
      client,
      id,
      missing.map((night) => night.dueAt),
    );
    const lines = missing.map((night, at) => ({ ...night, workflowId: workflowIds[at] ?? '' }));
    if (missing.length > 0) await writeAudit(store, { campaign: id, workflowIds, from, to, again });
    if (json) return `${JSON.stringify({ campaign: id, nights: lines, closed })}\n`;
    const left =
      closed.length === 0
        ? []
        : [`Closed already, and left alone (--again runs them once more): ${closed.join(', ')}.`];
    if (missing.length === 0) return `${left.join('')}\n`;
    return [
      ...left,
      `The schedule of '${id}' runs ${lines.length} ${lines.length === 1 ? 'night' : 'nights'}, one after the other:`,
      ...lines.map(({ businessDate, workflowId }) => {
        return `  ${businessDate}  ${workflowUrl(settings.temporal, workflowId) ?? workflowId}`;
      }),
      'A night of the schedule whose time comes meanwhile is skipped; the next one reads what it would have read.',
      `Follow one with \`nightreel run ${id} --date ${lines[0]?.businessDate}\` while it runs.\n`,
    ].join('\n');
  } finally {
    await client.connection.close();
    store.close();
  }
}

/** Of these nights, those that have closed with all that their campaign's source had. */
async function closedOf(
  store: ObjectStore,
  campaign: CampaignId,
  nights: readonly { readonly businessDate: BusinessDate }[],
): Promise<BusinessDate[]> {
  const closed: BusinessDate[] = [];
  for (const { businessDate } of nights) {
    for (const { batch } of await plansOf(store, campaign, businessDate)) {
      const report = await readReport(store, batch);
      if (report === null || !isWholeNight(report) || closed.includes(businessDate)) continue;
      closed.push(businessDate);
    }
  }
  return closed;
}

async function keysIn(path: string) {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Failure('CampaignInvalid', `The file ${path} cannot be read.`, { cause: error });
  });
  return variantKeysIn(text, path);
}

async function chooseBatch(store: ObjectStore, { campaign, date, attempt }: BackfillRequest): Promise<BatchRef> {
  if (date !== undefined && attempt !== undefined) return { campaign, businessDate: date, attempt };
  const batch = date === undefined ? await latestBatch(store, campaign) : await latestAttempt(store, campaign, date);
  if (batch !== null) return batch;
  const which = date === undefined ? 'has no finished batch yet' : `has no batch on ${date}`;
  throw new Failure('CampaignInvalid', `Campaign '${campaign}' ${which}: there is nothing to repair.`);
}
