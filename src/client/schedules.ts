/** A campaign's schedules on Temporal: when its night begins, and what happens when one is late or long; when somebody looks whether it is done. */

import {
  type Client,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import { WEEKDAYS, type Weekday } from '../config/business-date.ts';
import type { WatchNightInput } from '../contracts/alarms.ts';
import { Failure } from '../contracts/failures.ts';
import { type CampaignId, isCampaignId, workflowIds } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import { WATCH_GRACE_MINUTES } from './watched-night.ts';

export interface ScheduleSettings {
  readonly campaign: CampaignId;
  readonly days: readonly Weekday[];
  readonly hour: number;
  readonly minute: number;
  /** IANA name: the server applies it, daylight saving included. */
  readonly timeZone: string;
  /** `HH:MM`: when the night's videos are to be there, the first after it began; null: nobody said. */
  readonly deadline: string | null;
  /** A night missed by more than this (a server that was down) is not made up for. */
  readonly catchupHours: number;
}

const DAY_NAMES = {
  Mon: 'MONDAY',
  Tue: 'TUESDAY',
  Wed: 'WEDNESDAY',
  Thu: 'THURSDAY',
  Fri: 'FRIDAY',
  Sat: 'SATURDAY',
  Sun: 'SUNDAY',
} as const;

/** The schedule as Temporal takes it. A night that still runs when the next is due is not doubled: that one is skipped. */
export function scheduleOptions(settings: ScheduleSettings): ScheduleOptions {
  return {
    scheduleId: workflowIds.schedule(settings.campaign),
    spec: {
      calendars: [
        {
          dayOfWeek: settings.days.map((day) => DAY_NAMES[day]),
          hour: settings.hour,
          minute: settings.minute,
        },
      ],
      timezone: settings.timeZone,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: settings.catchupHours * 3_600_000 },
    action: {
      type: 'startWorkflow',
      workflowType: 'nightlyBatch',
      workflowId: `batch/${settings.campaign}`,
      taskQueue: TASK_QUEUES.orchestrator,
      args: [{ campaign: settings.campaign }],
      typedSearchAttributes: [{ key: SEARCH_ATTRIBUTES.campaignId, value: settings.campaign }],
    },
    typedSearchAttributes: [{ key: SEARCH_ATTRIBUTES.campaignId, value: settings.campaign }],
  };
}

/** Hours after a night began in which it is looked for, where the campaign says no deadline. */
const WATCH_AFTER_HOURS = 8;
const DAY_MINUTES = 24 * 60;

/**
 * The schedule that looks for the night in the morning. It is never paused itself: it asks the nightly one, so that whoever pauses or deletes
 * that one, with whichever tool, stops both, and whoever resumes it cannot forget the other.
 */
export function watchOptions(settings: ScheduleSettings): ScheduleOptions {
  const { campaign, days, timeZone } = settings;
  const { at, dayShift } = watchTime(settings);
  const shifted = days.map((day) => WEEKDAYS[(WEEKDAYS.indexOf(day) + dayShift) % WEEKDAYS.length] ?? day);
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  const input: WatchNightInput = { campaign, days, at: timeOfDay(minutesOf(settings)), timeZone };
  return {
    scheduleId: workflowIds.watch(campaign),
    spec: { calendars: [{ dayOfWeek: shifted.map((day) => DAY_NAMES[day]), hour, minute }], timezone: timeZone },
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow: DAY_MINUTES * 60_000 },
    action: {
      type: 'startWorkflow',
      workflowType: 'watchNight',
      workflowId: workflowIds.watch(campaign),
      taskQueue: TASK_QUEUES.orchestrator,
      args: [input],
      typedSearchAttributes: [{ key: SEARCH_ATTRIBUTES.campaignId, value: campaign }],
    },
    typedSearchAttributes: [{ key: SEARCH_ATTRIBUTES.campaignId, value: campaign }],
  };
}

/** When a night is looked for, `HH:MM`, and how many days after the one on which it began. */
export function watchTime(settings: Pick<ScheduleSettings, 'hour' | 'minute' | 'deadline'>): {
  readonly at: string;
  readonly dayShift: number;
} {
  const begins = minutesOf(settings);
  const [hour = 0, minute = 0] = (settings.deadline ?? '').split(':').map(Number);
  const untilDue =
    settings.deadline === null
      ? WATCH_AFTER_HOURS * 60
      : (hour * 60 + minute - begins + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  const total = begins + untilDue + WATCH_GRACE_MINUTES;
  return { at: timeOfDay(total % DAY_MINUTES), dayShift: Math.floor(total / DAY_MINUTES) };
}

const minutesOf = ({ hour, minute }: Pick<ScheduleSettings, 'hour' | 'minute'>): number => hour * 60 + minute;

const timeOfDay = (minutes: number): string =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');

/** Creates the campaign's schedules or brings the existing ones in line; their pause and history stay. */
export async function applySchedule(client: Client, settings: ScheduleSettings): Promise<'created' | 'updated'> {
  const done = await apply(client, scheduleOptions(settings));
  await apply(client, watchOptions(settings));
  return done;
}

async function apply(client: Client, options: ScheduleOptions): Promise<'created' | 'updated'> {
  const handle = client.schedule.getHandle(options.scheduleId);
  try {
    await handle.update((previous) => ({
      spec: options.spec,
      policies: options.policies,
      action: options.action,
      state: previous.state,
      typedSearchAttributes: previous.typedSearchAttributes,
    }));
    return 'updated';
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    await client.schedule.create(options);
    return 'created';
  }
}

/**
 * Has the schedule itself run nights that were due at these instants (ISO 8601 UTC), one after the other: each run is stamped with its
 * own time, which gives it its business date. Returns their workflow IDs. A night that runs already is not started again.
 */
export async function backfillNights(
  client: Client,
  campaign: CampaignId,
  dueAt: readonly string[],
): Promise<readonly string[]> {
  const around = (instant: string, ms: number): Date => new Date(Date.parse(instant) + ms);
  if (dueAt.length === 0) return [];
  await withSchedule(client, campaign, (handle) =>
    handle.backfill(
      dueAt.map((instant) => ({
        start: around(instant, -1_000),
        end: around(instant, 1_000),
        overlap: ScheduleOverlapPolicy.BUFFER_ALL,
      })),
    ),
  );
  return dueAt.map((instant) => workflowIds.scheduled(campaign, instant));
}

/** What one line of `schedule list` says. Times are ISO 8601 UTC. */
export interface ScheduleLine {
  readonly campaign: string;
  readonly paused: boolean;
  readonly note: string | null;
  readonly nextRuns: readonly string[];
  readonly lastRuns: readonly { readonly dueAt: string; readonly workflowId: string }[];
  /** When it is looked for a night that has not closed; null: nobody does. */
  readonly nextWatch: string | null;
}

export async function listSchedules(client: Client): Promise<ScheduleLine[]> {
  const lines: ScheduleLine[] = [];
  for (const campaign of await scheduledCampaigns(client)) {
    const nightly = await client.schedule.getHandle(workflowIds.schedule(campaign)).describe();
    lines.push({ ...lineOf(campaign, nightly), nextWatch: await nextWatch(client, campaign) });
  }
  return lines;
}

/** Campaigns that have a schedule on this server, in alphabetical order. */
export async function scheduledCampaigns(client: Client): Promise<CampaignId[]> {
  const campaigns: CampaignId[] = [];
  for await (const { scheduleId } of client.schedule.list()) {
    const campaign = scheduleId.startsWith(PREFIX) ? scheduleId.slice(PREFIX.length) : '';
    if (isCampaignId(campaign)) campaigns.push(campaign);
  }
  return campaigns.sort((a, b) => a.localeCompare(b));
}

const PREFIX = workflowIds.schedule('');

async function nextWatch(client: Client, campaign: CampaignId): Promise<string | null> {
  try {
    const { state, info } = await client.schedule.getHandle(workflowIds.watch(campaign)).describe();
    return state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null);
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

const lineOf = (campaign: string, { state, info }: ScheduleDescription): Omit<ScheduleLine, 'nextWatch'> => ({
  campaign,
  paused: state.paused,
  note: state.note ?? null,
  nextRuns: info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
  lastRuns: info.recentActions.slice(-3).map(({ scheduledAt, action }) => ({
    dueAt: scheduledAt.toISOString(),
    workflowId: action.workflow.workflowId,
  })),
});

/** Deletes the campaign's schedules, also one that is left alone; one sentence when there is none. */
export async function deleteSchedule(client: Client, campaign: CampaignId): Promise<void> {
  const nightly = await deleteOne(client, workflowIds.schedule(campaign));
  const watch = await deleteOne(client, workflowIds.watch(campaign));
  if (nightly === null || watch === null) return;
  throw noSchedule(campaign, nightly);
}

/** Null: it is deleted; else why it was not there. */
async function deleteOne(client: Client, scheduleId: string): Promise<ScheduleNotFoundError | null> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
    return null;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return error;
    throw error;
  }
}

/** Runs `act` on the campaign's schedule; one sentence when there is none. */
export async function withSchedule<T>(
  client: Client,
  campaign: CampaignId,
  act: (handle: ReturnType<Client['schedule']['getHandle']>) => Promise<T>,
): Promise<T> {
  try {
    return await act(client.schedule.getHandle(workflowIds.schedule(campaign)));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw noSchedule(campaign, error);
  }
}

const noSchedule = (campaign: CampaignId, cause: ScheduleNotFoundError): Failure =>
  new Failure(
    'CampaignInvalid',
    `Campaign '${campaign}' has no schedule. Create it with \`nightreel schedule apply ${campaign}\`.`,
    { cause },
  );
