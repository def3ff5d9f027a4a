/** One Temporal Schedule per campaign: when its night begins, and what happens when one is late or long. */

import {
  type Client,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import type { Weekday } from '../config/business-date.ts';
import { Failure } from '../contracts/failures.ts';
import { type CampaignId, isCampaignId, workflowIds } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';

export interface ScheduleSettings {
  readonly campaign: CampaignId;
  readonly days: readonly Weekday[];
  readonly hour: number;
  readonly minute: number;
  /** IANA name: the server applies it, daylight saving included. */
  readonly timeZone: string;
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

/** Creates the campaign's schedule or brings the existing one in line; its pause and history stay. */
export async function applySchedule(client: Client, settings: ScheduleSettings): Promise<'created' | 'updated'> {
  const options = scheduleOptions(settings);
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
  await withSchedule(client, campaign, (handle) =>
    handle.backfill(
      dueAt.map((instant) => ({
        start: around(instant, -1_000),
        end: around(instant, 1_000),
        overlap: ScheduleOverlapPolicy.BUFFER_ALL,
      })),
    ),
  );
  return dueAt.map((instant) => `batch/${campaign}-${new Date(instant).toISOString().replace('.000Z', 'Z')}`);
}

/** What one line of `schedule list` says. Times are ISO 8601 UTC. */
export interface ScheduleLine {
  readonly campaign: string;
  readonly paused: boolean;
  readonly note: string | null;
  readonly nextRuns: readonly string[];
  readonly lastRuns: readonly { readonly dueAt: string; readonly workflowId: string }[];
}

export async function listSchedules(client: Client): Promise<ScheduleLine[]> {
  const lines: ScheduleLine[] = [];
  for (const campaign of await scheduledCampaigns(client)) {
    lines.push(lineOf(campaign, await client.schedule.getHandle(workflowIds.schedule(campaign)).describe()));
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

const lineOf = (campaign: string, { state, info }: ScheduleDescription): ScheduleLine => ({
  campaign,
  paused: state.paused,
  note: state.note ?? null,
  nextRuns: info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
  lastRuns: info.recentActions.slice(-3).map(({ scheduledAt, action }) => ({
    dueAt: scheduledAt.toISOString(),
    workflowId: action.workflow.workflowId,
  })),
});

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
    throw new Failure(
      'CampaignInvalid',
      `Campaign '${campaign}' has no schedule. Create it with \`nightreel schedule apply ${campaign}\`.`,
      { cause: error },
    );
  }
}
