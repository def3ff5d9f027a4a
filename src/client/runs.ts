/** What Temporal knows of one variant or scene: its workflows, and how often its activities were tried. */

import type { Client, WorkflowHandle } from '@temporalio/client';
import type { LoadedDataConverter, ProtoFailure } from '@temporalio/common';
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { type BatchRef, type SceneKey, type VariantKey, workflowIds } from '../contracts/ids.ts';
import { asTemporalCall } from './connect.ts';

export type RunSubject = { readonly batch: BatchRef } & (
  | { readonly kind: 'variant'; readonly key: VariantKey }
  | { readonly kind: 'scene'; readonly key: SceneKey }
);

/** An activity of a run that did not end well at its first attempt. */
export interface TriedActivity {
  readonly activity: string;
  /** Which attempt it is at. */
  readonly attempt: number;
  /** Null: it has not failed. */
  readonly lastFailure: string | null;
  /** `running`, `waiting` for its next attempt, or `over`. */
  readonly state: 'running' | 'waiting' | 'over';
  /** How many attempts have failed or timed out. */
  readonly failedAttempts: number;
  /** How Temporal says that the last attempt failed; null: it did not, or has not ended. */
  readonly failure: string | null;
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
  const pending = raw.pendingActivities ?? [];
  const { loadedDataConverter } = client.options;
  for (const event of events ?? []) {
    await readFailure(loadedDataConverter, event.activityTaskFailedEventAttributes?.failure);
    await readFailure(loadedDataConverter, event.activityTaskStartedEventAttributes?.lastFailure);
  }
  for (const { lastFailure } of pending) await readFailure(loadedDataConverter, lastFailure);
  return triedIn(events ?? [], pending);
}

/** Puts a failure's message, which may be encrypted, where it belongs. */
async function readFailure(converter: LoadedDataConverter, failure: ProtoFailure | null | undefined): Promise<void> {
  const error = await decodeOptionalFailureToOptionalError(converter, failure);
  if (failure && error) failure.message = error.message;
}

type Described = Awaited<ReturnType<WorkflowHandle['describe']>>;
type Events = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>;

/** What a run's history, and what Temporal says of the activities in it that are not over, tell. Pure. */
export function triedIn(events: Events, pending: NonNullable<Described['raw']['pendingActivities']>): TriedActivity[] {
  const types = new Map<string, string>();
  const failures = new Map<string, string>();
  for (const event of events) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) types.set(String(event.eventId), scheduled.activityType?.name ?? '');
    const ended = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (ended) failures.set(String(ended.scheduledEventId), ended.failure?.message ?? '');
  }
  const tried = events.flatMap(({ activityTaskStartedEventAttributes: started }): TriedActivity[] => {
    if (!started) return [];
    const id = String(started.scheduledEventId);
    const failure = failures.get(id) ?? null;
    const attempt = started.attempt ?? 1;
    const failedAttempts = failure === null ? attempt - 1 : attempt;
    if (failedAttempts === 0) return [];
    const lastFailure = started.lastFailure?.message ?? null;
    return [{ activity: types.get(id) ?? '', attempt, lastFailure, state: 'over', failedAttempts, failure }];
  });
  for (const { activityType, attempt, state, lastFailure } of pending) {
    tried.push({
      activity: activityType?.name ?? '',
      attempt: attempt ?? 1,
      lastFailure: lastFailure?.message ?? null,
      state: state === STARTED ? 'running' : 'waiting',
      failedAttempts: (attempt ?? 1) - 1,
      failure: null,
    });
  }
  return tried;
}
