/** A campaign's two schedules, and what is found in the morning: a real Temporal server, a real store, no worker. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ScheduleNotFoundError } from '@temporalio/client';
import { applySchedule, deleteSchedule } from '../../src/client/schedules.ts';
import { lookForNight } from '../../src/client/watched-night.ts';
import { WEEKDAYS } from '../../src/config/business-date.ts';
import { type BusinessDate, type CampaignId, objectKeys, workflowIds } from '../../src/contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { TASK_QUEUES } from '../../src/contracts/task-queues.ts';
import { planOf } from '../reporting/night.ts';
import { TestS3 } from '../support/s3.ts';
import { TestTemporal } from '../support/temporal.ts';

const HOUR = 3_600_000;
const never = new AbortController().signal;

let temporal: TestTemporal;
let server: TestS3;

beforeAll(async () => {
  [temporal, server] = await Promise.all([TestTemporal.start(), TestS3.start()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([temporal?.[Symbol.asyncDispose](), server?.[Symbol.asyncDispose]()]);
});

/** A campaign with a night every day, the next one in two hours; it is looked for in ten. */
async function scheduled(name: string) {
  const campaign = name as CampaignId;
  const dueMs = Math.floor(Date.now() / 60_000) * 60_000 + 2 * HOUR;
  const due = new Date(dueMs).toISOString();
  const [hour, minute] = [Number(due.slice(11, 13)), Number(due.slice(14, 16))];
  const night = { campaign, days: WEEKDAYS, timeZone: 'UTC' };
  await applySchedule(temporal.client, { ...night, hour, minute, deadline: null, catchupHours: 6 });
  const asOfMs = dueMs + 8.25 * HOUR;
  const input = { ...night, at: due.slice(11, 16), asOf: new Date(asOfMs).toISOString() };
  return { campaign, dueMs, due, asOfMs, input, businessDate: due.slice(0, 10) as BusinessDate };
}

const exists = (scheduleId: string): Promise<boolean> =>
  temporal.client.schedule
    .getHandle(scheduleId)
    .describe()
    .then(
      () => true,
      (error: unknown) => {
        if (error instanceof ScheduleNotFoundError) return false;
        throw error;
      },
    );

test('the watch of a campaign whose nightly schedule somebody has deleted goes as well; with neither it says so', async () => {
  const { campaign } = await scheduled('orphaned');
  await temporal.client.schedule.getHandle(workflowIds.schedule(campaign)).delete();
  await deleteSchedule(temporal.client, campaign);
  expect(await exists(workflowIds.watch(campaign))).toBe(false);
  await expect(deleteSchedule(temporal.client, campaign)).rejects.toMatchObject({
    failureClass: 'CampaignInvalid',
    message: expect.stringContaining("Campaign 'orphaned' has no schedule."),
  });
});

test.each([
  ['run by hand before', -1, -1, 'missing'],
  ['started when it was due', 0, 0, 'closed'],
  ['started the morning after', 0, 12, 'closed'],
  ['started when it was due, with a lag', -0.5, 0.01, 'closed'],
  ['started ahead of time by its schedule', 0, -2, 'closed'],
])('the night of an attempt %s (reads to %d h, planned at %d h) is %s', async (_, untilHours, createdHours, state) => {
  const { input, campaign, businessDate, dueMs } = await scheduled(
    `by-hand-${untilHours}-${createdHours}`.replaceAll('.', ''),
  );
  const at = (hours: number): string => new Date(dueMs + hours * HOUR).toISOString();
  using store = server.store();
  const batch = { campaign, businessDate, attempt: 1 };
  const plan = { ...planOf(), batch, window: { since: null, until: at(untilHours) }, createdAt: at(createdHours) };
  await store.put(objectKeys.plan(batch), JSON.stringify(plan), { contentType: 'application/json' });
  await store.put(objectKeys.reportJson(batch), '{}', { contentType: 'application/json' });
  const found = await lookForNight({ client: temporal.client, store, now: Date.now }, input, never);
  expect(found).toMatchObject({ businessDate, state });
});

test('after an outage across both times a night that begins a moment after it is looked for is not missing', async () => {
  const { input, campaign, due, asOfMs } = await scheduled('outage');
  using store = server.store();
  const deps = { client: temporal.client, store, now: () => asOfMs + HOUR };
  const looking = lookForNight(deps, input, never);
  await sleep(2_000);
  const workflowId = workflowIds.scheduled(campaign, due);
  const night = await temporal.client.workflow.start('nightlyBatch', {
    ...{ workflowId, taskQueue: TASK_QUEUES.orchestrator, args: [{ campaign }] },
    typedSearchAttributes: [{ key: SEARCH_ATTRIBUTES.campaignId, value: campaign }],
  });
  await night.terminate('nobody works here');
  expect(await looking).toMatchObject({ state: 'failed', open: { runs: [{ workflowId, status: 'TERMINATED' }] } });
}, 60_000);
