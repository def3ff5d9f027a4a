/** What Temporal counts of a variant's attempts, from a real server: workers here take work and die without a word. */

import { expect, test } from '@jest/globals';
import { runsOf } from '../../src/client/runs.ts';
import { type BusinessDate, type CampaignId, type VariantKey, workflowIds } from '../../src/contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { silentAttempts } from '../../src/reporting/why/why.ts';
import { until } from '../support/nightreel.ts';
import { TestTemporal } from '../support/temporal.ts';

const SCHEDULE_ACTIVITY = 1;
const ATTEMPTS = 3;
const batch = { campaign: 'card' as CampaignId, businessDate: '2026-11-23' as BusinessDate, attempt: 1 };
const key = 'ab'.repeat(32) as VariantKey;

test('attempts at the end that died without a word are counted, the last one with what Temporal says of it', async () => {
  await using temporal = await TestTemporal.start();
  const { client } = temporal;
  const { campaignId, batchDate, variantKey } = SEARCH_ATTRIBUTES;
  const handle = await client.workflow.start('renderVariant', {
    ...{ workflowId: workflowIds.variant(batch, key), taskQueue: 'orchestrator' },
    typedSearchAttributes: [
      { key: campaignId, value: batch.campaign },
      { key: batchDate, value: batch.businessDate },
      { key: variantKey, value: key },
    ],
  });
  const { workflowService: service, connection } = client;
  const limited = <T>(call: () => Promise<T>) => connection.withDeadline(Date.now() + 30_000, call);
  const who = { namespace: 'default', identity: 'test' };
  const { taskToken } = await limited(() =>
    service.pollWorkflowTaskQueue({ ...who, taskQueue: { name: 'orchestrator' } }),
  );
  const attributes = {
    ...{ activityId: '1', activityType: { name: 'renderVariant' }, taskQueue: { name: 'render' } },
    startToCloseTimeout: { nanos: 500_000_000 },
    retryPolicy: { maximumAttempts: ATTEMPTS, initialInterval: { nanos: 50_000_000 }, backoffCoefficient: 1 },
  };
  await service.respondWorkflowTaskCompleted({
    ...{ ...who, taskToken },
    commands: [{ commandType: SCHEDULE_ACTIVITY, scheduleActivityTaskCommandAttributes: attributes }],
  });
  for (let taken = 0; taken < ATTEMPTS; taken += 1) {
    await limited(() => service.pollActivityTaskQueue({ ...who, taskQueue: { name: 'render' } }));
  }
  const activitiesOf = async () => (await runsOf(client, { kind: 'variant', batch, key }))[0]?.activities ?? [];

  const running = await until(async () => (await activitiesOf())[0] ?? null, 'the run in the list');
  expect(running).toMatchObject({ state: 'running', attempt: ATTEMPTS, failedAttempts: ATTEMPTS - 1 });
  const over = await until(async () => (await activitiesOf()).find(({ state }) => state === 'over') ?? null, 'its end');
  expect(over).toMatchObject({
    ...{ activity: 'renderVariant', attempt: ATTEMPTS, failedAttempts: ATTEMPTS },
    failure: expect.stringContaining('timeout'),
  });
  const run = { runId: handle.firstExecutionRunId, activity: over.activity } as const;
  const line = { ...run, activity: 'renderVariant', attempt: 1 } as const;
  expect(silentAttempts([line], [{ ...run, failedAttempts: over.failedAttempts }])).toEqual([
    { activity: 'renderVariant', attempt: 2 },
    { activity: 'renderVariant', attempt: 3 },
  ]);
  await handle.terminate();
}, 60_000);
