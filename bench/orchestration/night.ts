/** What a night left in Temporal and in the bucket: counted there, and not by those who made it. */

import type { Client } from '@temporalio/client';
import type { BatchRef, VariantKey } from '../../src/contracts/ids.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
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
  /** Children that completed for a variant of which one had. */
  readonly duplicates: number;
  readonly scheduleToStartMsP50: number;
  readonly scheduleToStartMsP95: number;
}

export async function factsOf(client: Client, store: ObjectStore, batch: BatchRef): Promise<NightFacts> {
  let [first, last, events, maxLaneEvents, maxLaneBytes] = [Number.POSITIVE_INFINITY, 0, 0, 0, 0];
  for await (const lane of client.workflow.list({ query: "WorkflowType = 'variantLane'" })) {
    first = Math.min(first, lane.startTime.getTime());
    last = Math.max(last, lane.closeTime?.getTime() ?? Date.now());
    events += lane.historyLength;
    maxLaneEvents = Math.max(maxLaneEvents, lane.historyLength);
    maxLaneBytes = Math.max(maxLaneBytes, lane.historySize ?? 0);
  }
  const completed = new Map<string, number>();
  const waits: number[] = [];
  let seen = 0;
  for await (const child of client.workflow.list({ query: "WorkflowType = 'renderVariant'" })) {
    events += child.historyLength;
    seen += 1;
    if (child.status.name !== 'COMPLETED') continue;
    const key = String(child.searchAttributes['VariantKey']?.[0]);
    completed.set(key, (completed.get(key) ?? 0) + 1);
    if (completed.size % Math.ceil(seen / SAMPLE) === 0 && waits.length < SAMPLE) {
      waits.push(...(await waitsOf(client, child.workflowId, child.runId)));
    }
  }
  const { variants, lost } = await missing(store, batch, completed);
  return {
    seconds: rounded((last - first) / 1000),
    eventsPerVariant: rounded(events / variants),
    maxLaneEvents,
    maxLaneBytes,
    lost,
    duplicates: [...completed.values()].reduce((sum, times) => sum + times - 1, 0),
    scheduleToStartMsP50: rounded(quantile(waits, 0.5)),
    scheduleToStartMsP95: rounded(quantile(waits, 0.95)),
  };
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

async function missing(store: ObjectStore, batch: BatchRef, completed: ReadonlyMap<string, number>) {
  const pointers = new Set<string>();
  for await (const { key } of store.list('users/')) pointers.add(key);
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

const isDone = (completed: ReadonlyMap<string, number>, key: VariantKey): boolean => (completed.get(key) ?? 0) > 0;
