/** What Temporal knows of one variant or scene: its workflows, and how often its activities were tried. */

import type { Client } from '@temporalio/client';
import { type BatchRef, type SceneKey, type VariantKey, workflowIds } from '../contracts/ids.ts';
import { asTemporalCall } from './connect.ts';

export type RunSubject = { readonly batch: BatchRef } & (
  | { readonly kind: 'variant'; readonly key: VariantKey }
  | { readonly kind: 'scene'; readonly key: SceneKey }
);

/** An activity of a run that was tried more than once, or waits to be tried again. */
export interface TriedActivity {
  readonly activity: string;
  /** Which attempt it is at. */
  readonly attempt: number;
  /** Null: it has not failed. */
  readonly lastFailure: string | null;
  /** `running`, `waiting` for its next attempt, or `over`. */
  readonly state: 'running' | 'waiting' | 'over';
}

export interface VariantRun {
  readonly workflowId: string;
  readonly runId: string;
  /** `RUNNING`, `COMPLETED`, `FAILED`, … */
  readonly status: string;
  readonly startedAt: string;
  readonly closedAt: string | null;
  readonly activities: readonly TriedActivity[];
}

const RUNS = 5;

/** The last few runs, the newest first; none once the namespace has forgotten them. */
export async function runsOf(client: Client, subject: RunSubject): Promise<VariantRun[]> {
  const { campaign, businessDate } = subject.batch;
  const query =
    subject.kind === 'scene'
      ? `WorkflowId = '${workflowIds.scene(subject.batch, subject.key)}'`
      : `VariantKey = '${subject.key}' AND CampaignId = '${campaign}' AND BatchDate = '${businessDate}'`;
  return await asTemporalCall(async () => {
    const found = await Array.fromAsync(client.workflow.list({ query }));
    found.sort((a, b) => b.startTime.getTime() - a.startTime.getTime());
    return await Promise.all(
      found.slice(0, RUNS).map(async ({ workflowId, runId, status, startTime, closeTime }) => ({
        ...{ workflowId, runId, status: status.name, startedAt: startTime.toISOString() },
        closedAt: closeTime?.toISOString() ?? null,
        activities: await triedActivities(client, workflowId, runId),
      })),
    );
  });
}

const STARTED = 2;

async function triedActivities(client: Client, workflowId: string, runId: string): Promise<TriedActivity[]> {
  const handle = client.workflow.getHandle(workflowId, runId);
  const [{ raw }, { events }] = await Promise.all([handle.describe(), handle.fetchHistory()]);
  const types = new Map<string, string>();
  const tried: TriedActivity[] = [];
  for (const { eventId, activityTaskScheduledEventAttributes: scheduled, ...event } of events ?? []) {
    if (scheduled) types.set(String(eventId), scheduled.activityType?.name ?? '');
    const started = event.activityTaskStartedEventAttributes;
    if (!started || (started.attempt ?? 1) < 2) continue;
    const activity = types.get(String(started.scheduledEventId)) ?? '';
    const lastFailure = started.lastFailure?.message ?? null;
    tried.push({ activity, attempt: started.attempt ?? 1, lastFailure, state: 'over' });
  }
  for (const { activityType, attempt, state, lastFailure } of raw.pendingActivities ?? []) {
    tried.push({
      activity: activityType?.name ?? '',
      attempt: attempt ?? 1,
      lastFailure: lastFailure?.message ?? null,
      state: state === STARTED ? 'running' : 'waiting',
    });
  }
  return tried;
}
