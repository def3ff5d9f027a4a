/** What a night left in Temporal and in the bucket: counted there, and not by those who made it. */

import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { z } from 'zod';
import { type BatchRef, objectKeys, type VariantKey } from '../../src/contracts/ids.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { readJsonLines } from '../../src/storage/documents.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { quantile, rounded } from '../statistics.ts';

/** Histories that are read for how long activities waited. */
const SAMPLE = 200;

export interface NightFacts {
  /** From the start of the first lane to the end of the last. */
  readonly seconds: number;
  readonly eventsPerVariant: number;
  /** Of the longest run of a lane, and the bytes of the largest. */
  readonly maxLaneEvents: number;
  readonly maxLaneBytes: number;
  /** Variants of the manifest whose child never completed, or for one of whose people there is no pointer. */
  readonly lost: number;
  /** Children that completed for a variant of which one had, and outcomes that were written down of one that had its own. */
  readonly duplicates: number;
  readonly scheduleToStartMsP50: number;
  readonly scheduleToStartMsP95: number;
  /** Of workflows: batch, lanes, variants. A lane has one for every time that it continues as new, and its first. */
  readonly runs: number;
  readonly laneRuns: number;
  /** All lanes' together. */
  readonly laneEvents: number;
  /** Of those, completed workflow tasks: one may take up several events. */
  readonly laneTasks: number;
  readonly batchEvents: number;
  /** What the server has written for it all. */
  readonly historyBytesPerVariant: number;
  readonly stateTransitionsPerVariant: number;
  /** In the bucket. */
  readonly objects: {
    readonly pointers: number;
    readonly manifestPages: number;
    readonly outcomePages: number;
    readonly all: number;
  };
}

export async function factsOf(client: Client, store: ObjectStore, batch: BatchRef): Promise<NightFacts> {
  let [first, last, maxLaneEvents, maxLaneBytes, laneRuns, laneEvents, laneTasks] = [
    Number.POSITIVE_INFINITY,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  const sum = { events: 0, bytes: 0, transitions: 0 };
  const add = (run: WorkflowExecutionInfo): void => {
    sum.bytes += run.historySize ?? 0;
    sum.transitions += Number(run.raw.stateTransitionCount ?? 0);
  };
  for await (const lane of client.workflow.list({ query: "WorkflowType = 'variantLane'" })) {
    first = Math.min(first, lane.startTime.getTime());
    last = Math.max(last, lane.closeTime?.getTime() ?? Date.now());
    laneRuns += 1;
    laneEvents += lane.historyLength;
    laneTasks += await tasksOf(client, lane);
    maxLaneEvents = Math.max(maxLaneEvents, lane.historyLength);
    maxLaneBytes = Math.max(maxLaneBytes, lane.historySize ?? 0);
    add(lane);
  }
  let [batchEvents, runs] = [0, laneRuns];
  for await (const night of client.workflow.list({ query: "WorkflowType = 'nightlyBatch'" })) {
    batchEvents += night.historyLength;
    runs += 1;
    add(night);
  }
  const completed = new Map<string, number>();
  const waits: number[] = [];
  let seen = 0;
  for await (const child of client.workflow.list({ query: "WorkflowType = 'renderVariant'" })) {
    sum.events += child.historyLength;
    seen += 1;
    add(child);
    if (child.status.name !== 'COMPLETED') continue;
    const key = String(child.searchAttributes['VariantKey']?.[0]);
    completed.set(key, (completed.get(key) ?? 0) + 1);
    if (completed.size % Math.ceil(seen / SAMPLE) === 0 && waits.length < SAMPLE) {
      waits.push(...(await waitsOf(client, child.workflowId, child.runId)));
    }
  }
  const pointers = await keysUnder(store, 'users/');
  const { variants, lost } = await missing(store, batch, { completed, pointers });
  return {
    seconds: rounded((last - first) / 1000),
    eventsPerVariant: rounded((laneEvents + sum.events) / variants),
    maxLaneEvents,
    maxLaneBytes,
    lost,
    duplicates: excess(completed.values()) + excess((await recordedTimes(store, batch)).values()),
    scheduleToStartMsP50: rounded(quantile(waits, 0.5)),
    scheduleToStartMsP95: rounded(quantile(waits, 0.95)),
    runs: runs + seen,
    laneRuns,
    laneEvents,
    laneTasks,
    batchEvents,
    historyBytesPerVariant: rounded(sum.bytes / variants, 0),
    stateTransitionsPerVariant: rounded(sum.transitions / variants),
    objects: {
      pointers: pointers.size,
      manifestPages: (await keysUnder(store, `${objectKeys.batch(batch)}manifest/`)).size,
      outcomePages: (await keysUnder(store, objectKeys.outcomes(batch))).size,
      all: (await keysUnder(store, '')).size,
    },
  };
}

/** Completed workflow tasks of one run. */
async function tasksOf(client: Client, { workflowId, runId }: WorkflowExecutionInfo): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes).length;
}

/** Milliseconds from the scheduling of each activity to its start. */
async function waitsOf(client: Client, workflowId: string, runId: string): Promise<number[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const scheduled = new Map<string, number>();
  const waits: number[] = [];
  for (const {
    eventId,
    eventTime,
    activityTaskScheduledEventAttributes,
    activityTaskStartedEventAttributes,
  } of events ?? []) {
    const at = Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;
    if (activityTaskScheduledEventAttributes) scheduled.set(String(eventId), at);
    const begun = scheduled.get(String(activityTaskStartedEventAttributes?.scheduledEventId));
    if (begun !== undefined) waits.push(at - begun);
  }
  return waits;
}

async function keysUnder(store: ObjectStore, prefix: string): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for await (const { key } of store.list(prefix)) keys.add(key);
  return keys;
}

interface Left {
  readonly completed: ReadonlyMap<string, number>;
  readonly pointers: ReadonlySet<string>;
}

async function missing(store: ObjectStore, batch: BatchRef, { completed, pointers }: Left) {
  const manifests = new ManifestReader(store);
  const { pages } = await manifests.plan(batch);
  let [variants, lost] = [0, 0];
  for (let page = 1; page <= pages; page += 1) {
    for (const variant of (await manifests.page(batch, page)).variants) {
      const { key } = variant;
      const recipients = await Array.fromAsync(manifests.recipientsOf(batch, variant));
      variants += 1;
      const isWhole = isDone(completed, key) && recipients.every((id) => pointers.has(`users/${id}.json`));
      if (!isWhole) lost += 1;
    }
  }
  return { variants, lost };
}

/** How often each variant's outcome stands in the outcome pages. */
async function recordedTimes(store: ObjectStore, batch: BatchRef): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for await (const { key: page } of store.list(objectKeys.outcomes(batch))) {
    for await (const { key } of readJsonLines(store, page, z.object({ key: z.string() }))) {
      times.set(key, (times.get(key) ?? 0) + 1);
    }
  }
  return times;
}

const excess = (times: Iterable<number>): number => [...times].reduce((sum, count) => sum + count - 1, 0);

const isDone = (completed: ReadonlyMap<string, number>, key: VariantKey): boolean => (completed.get(key) ?? 0) > 0;
