/** What became of a campaign's last night, as its schedule, Temporal and the bucket tell. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, ScheduleNotFoundError, WorkflowNotFoundError } from '@temporalio/client';
import { isWeekday, lastNightBefore, type NightSchedule } from '../config/business-date.ts';
import type { LookForNightInput, NightState } from '../contracts/alarms.ts';
import { type BusinessDate, batchIdOf, type CampaignId, objectKeys, workflowIds } from '../contracts/ids.ts';
import { plansOf } from '../planning/batches.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import type { LookedFor, OpenNight } from '../reporting/digest/alarm.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { readProgress } from './batches.ts';
import { asTemporalCall } from './connect.ts';

/** So long after a night is due to be done it is looked for: what is being finished just then needs nobody. */
export const WATCH_GRACE_MINUTES = 15;
const ANSWER_WITHIN_MS = 10_000;
/** After an outage both schedules make up for what was due: one that looks so late may be a moment before the night that it looks for. */
const LATE_MS = 10_000;
const CAUGHT_UP_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 5_000;

export interface WatchDeps {
  readonly client: Client;
  readonly store: ObjectStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Looks again for some seconds before it says of a night of before an outage that nobody started it. */
export async function lookForNight(deps: WatchDeps, input: LookForNightInput, signal: AbortSignal): Promise<LookedFor> {
  const isLate = deps.now() - Date.parse(input.asOf) > LATE_MS;
  const endsAt = performance.now() + (isLate ? CAUGHT_UP_WITHIN_MS : 0);
  while (true) {
    const found = await look(deps, input, signal);
    if (found.state !== 'missing' || performance.now() >= endsAt) return found;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

async function look(
  { client, store }: WatchDeps,
  { campaign, asOf, ...schedule }: LookForNightInput,
  signal: AbortSignal,
): Promise<LookedFor> {
  return await asTemporalCall(async () => {
    const before = new Date(Date.parse(asOf) - WATCH_GRACE_MINUTES * 60_000);
    const { businessDate, dueAt } = lastNightBefore(before.toISOString(), scheduleOf(schedule));
    const quiet = (state: NightState): LookedFor => ({ businessDate, state, open: null, batch: null });
    if (!(await isExpected(client, campaign, dueAt))) return quiet('notExpected');
    const attempts = await plansOf(store, campaign, businessDate, signal);
    const plans = attempts.filter((plan) => isOfSource(plan) && isOfNight(plan, dueAt));
    for (const { batch } of plans) {
      if ((await store.head(objectKeys.reportJson(batch), signal)) !== null) return quiet('closed');
    }
    const runs = await runsOf(client, campaign, businessDate, dueAt);
    const running = runs.find(({ status }) => status === 'RUNNING');
    if (running !== undefined) {
      const progress = await progressOf(client, running.workflowId);
      return {
        ...{ businessDate, state: 'unfinished', batch: progress?.batch ?? null },
        open: { campaign, businessDate, dueAt, state: 'unfinished', runs: [running], running: runningOf(progress) },
      };
    }
    const state = runs.length > 0 || plans.length > 0 ? 'failed' : 'missing';
    return { businessDate, state, open: { campaign, businessDate, dueAt, state, runs, running: null }, batch: null };
  });
}

function scheduleOf({ days, at, timeZone }: Omit<LookForNightInput, 'campaign' | 'asOf'>): NightSchedule {
  return { days: days.filter(isWeekday), at, timeZone };
}

/** A schedule that is paused or gone starts nothing, and one that was made since has started nothing yet. */
async function isExpected(client: Client, campaign: CampaignId, dueAt: string): Promise<boolean> {
  try {
    const { state, info } = await client.schedule.getHandle(workflowIds.schedule(campaign)).describe();
    return !state.paused && info.createdAt.getTime() <= Date.parse(dueAt);
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}

/** A list given by hand, or the first so many, is not the night. */
const isOfSource = ({ csvKey, recipientLimit }: PlanDocument): boolean => csvKey === null && recipientLimit === null;

/** What was planned by hand in the afternoon has nobody whose numbers changed since. A night that reads up to some time before it began was planned after that. */
const isOfNight = ({ window, createdAt }: PlanDocument, dueAt: string): boolean =>
  [window.until, createdAt].some((instant) => Date.parse(instant) >= Date.parse(dueAt));

/** Runs of the night that have not completed, the newest first. One that has planned nothing has no date. */
async function runsOf(client: Client, campaign: CampaignId, date: BusinessDate, dueAt: string) {
  const id = workflowIds.scheduled(campaign, dueAt);
  const byName = `WorkflowId = '${id}'`;
  const ofNight = `(BatchDate = '${date}' OR ${byName} OR (BatchDate IS NULL AND StartTime >= '${dueAt}'))`;
  const query = `WorkflowType = 'nightlyBatch' AND CampaignId = '${campaign}' AND ${ofNight}`;
  const listed = await Array.fromAsync(client.workflow.list({ query }));
  // The list may lag behind by some seconds; asked by name, the server knows at once.
  const named = await runNamed(client, id);
  return [...listed.filter(({ runId }) => runId !== named?.runId), ...(named === null ? [] : [named])]
    .filter(({ status, memo }) => status.name !== 'COMPLETED' && !memo?.['csvKey'] && !memo?.['recipientLimit'])
    .toSorted((a, b) => b.startTime.getTime() - a.startTime.getTime())
    .map(({ workflowId, status }) => ({ workflowId, status: status.name }));
}

async function runNamed(client: Client, workflowId: string) {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

type Progress = NonNullable<Awaited<ReturnType<typeof readProgress>>>;

/** Null: it does not answer. */
const progressOf = (client: Client, workflowId: string): Promise<Progress | null> =>
  client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => readProgress(client, client.workflow.getHandle(workflowId)));

function runningOf(progress: Progress | null): OpenNight['running'] {
  if (progress === null) return null;
  const { batch, phase, notice = null, variants, cached, rendered, failed } = progress;
  const isRendering = batch !== null && phase !== 'scenes';
  return {
    ...{ batchId: batch === null ? null : batchIdOf(batch), phase, notice },
    progress: isRendering ? { variants, settled: cached + rendered + failed, failed } : null,
  };
}
