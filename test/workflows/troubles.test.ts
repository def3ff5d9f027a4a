/** What lanes and batches do when parts of the night do not answer: real workflows on a real server, activities that fail by script. */

import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { BatchProgress } from '../../src/contracts/batch.ts';
import { until } from '../support/nightreel.ts';
import { keyOf, SLOTS } from '../support/scripted.ts';
import { TestTemporal } from '../support/temporal.ts';

let server: TestTemporal;
let worker: ChildProcess;

beforeAll(async () => {
  server = await TestTemporal.start();
  const program = resolve(import.meta.dirname, '../support/scripted-worker.ts');
  worker = spawn(process.execPath, [...STRIP, program, server.address], { stdio: 'inherit' });
});
afterAll(async () => {
  worker.kill('SIGTERM');
  await server[Symbol.asyncDispose]();
});

type Progress = Required<Pick<BatchProgress, 'tally' | 'steering' | 'failures'>>;

const start = async (campaign: string): Promise<WorkflowHandle> =>
  await server.client.workflow.start('nightlyBatch', {
    ...{ workflowId: `night/${campaign}`, taskQueue: 'orchestrator', args: [{ campaign }] },
  });

/** All runs of a workflow, as lists of its events. */
async function historiesOf(workflowId: string) {
  const histories = [];
  for await (const { runId } of server.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const { events } = await server.client.workflow.getHandle(workflowId, runId).fetchHistory();
    histories.push(events ?? []);
  }
  return histories;
}
const laneOf = (campaign: string): string => `lane/${campaign}/2026-03-02/1/0`;

const argumentsOf = async (workflowId: string, activity: string): Promise<unknown[]> =>
  (await historiesOf(workflowId))
    .flat()
    .flatMap((event) => event.activityTaskScheduledEventAttributes ?? [])
    .filter(({ activityType }) => activityType?.name === activity)
    .map(({ input }) => JSON.parse(Buffer.from(input?.payloads?.[0]?.data ?? []).toString()));

describe('a lane', () => {
  test('whose pages cannot be read goes on from its cursor in a new run, and does every variant once', async () => {
    await (await start('reads-fail-twice')).result();
    const histories = await historiesOf(laneOf('reads-fail-twice'));
    expect(histories).toHaveLength(3);
    const keys = histories
      .flat()
      .flatMap((event) => event.startChildWorkflowExecutionInitiatedEventAttributes ?? [])
      .map(({ workflowId }) => workflowId?.split('/').at(-1));
    expect(keys.toSorted()).toEqual(Array.from({ length: SLOTS }, (_, index) => keyOf(index)).toSorted());
  });

  test('that can start variants and write nothing down gives up after five runs without headway', async () => {
    await expect((await start('writes-fail')).result()).rejects.toMatchObject({
      cause: { cause: { cause: { type: 'StorageUnavailable' } } },
    });
    expect((await historiesOf(laneOf('writes-fail'))).length).toBeLessThanOrEqual(7);
  });

  test('in which everything fails tells the breaker before all has failed', async () => {
    const batch = await start('all-fail');
    const { by, failed } = await until(async () => {
      const { steering, failures } = await batch.query<Progress>('progress');
      return steering.paused && { by: steering.paused.by, failed: failures.TemplateCrashed };
    }, 'the breaker');
    expect(by).toBe('breaker');
    expect(failed).toBeLessThanOrEqual(16 + 8);
    await batch.executeUpdate('cancelRemaining');
    await batch.result();
  });
});

describe('what a worker is given of a variant', () => {
  test.each([
    ['plain', 3],
    ['urgent', 2],
  ] as const)('of the %s campaign has its campaign as fairness key and priority %i', async (campaign, priority) => {
    const batch = await start(campaign);
    await batch.result();
    // Without the fairness key it would have failed. Its one lane says the same as the batch.
    for (const asked of [batch, server.client.workflow.getHandle(laneOf(campaign))]) {
      expect(await asked.query('progress')).toMatchObject({ tally: { cached: SLOTS, failed: 0 } });
    }
    const [history = []] = await historiesOf(`variant/${campaign}/2026-03-02/${keyOf(0)}`);
    const given = history.flatMap((event) => event.workflowExecutionCompletedEventAttributes ?? []);
    const results = given.map(({ result }) => JSON.parse(Buffer.from(result?.payloads?.[0]?.data ?? []).toString()));
    expect(results).toMatchObject([{ renderMs: priority }]);
  });
});

describe('a batch', () => {
  test('whose scenes cannot be read makes its videos all the same', async () => {
    const closed = await (await start('scenes-damaged')).result();
    expect(closed).toMatchObject({ batch: { campaign: 'scenes-damaged' } });
    expect(closed).not.toHaveProperty('scenes');
  });

  test('closes with what its scenes took, and answers how far it is', async () => {
    const batch = await start('measured');
    expect(await batch.result()).toMatchObject({ scenes: { rendered: 2, failed: 0, measured: 2, cpuMs: 80 } });
    expect(await batch.query('progress')).toMatchObject({ phase: 'done', tally: { cached: SLOTS, failed: 0 } });
  });

  test('that is paused hears of all that still ends in one word, and that is cancelled closes as stopped by that', async () => {
    const batch = await start('slow');
    await until(async () => {
      const [lane = []] = await historiesOf(laneOf('slow'));
      return lane.filter((event) => event.childWorkflowExecutionStartedEventAttributes).length === 8 || null;
    }, 'a full window');
    await batch.executeUpdate('pauseBatch');
    await until(async () => (await batch.query<Progress>('progress')).tally.cached === 8 || null, 'an empty window');
    const [history = []] = await historiesOf('night/slow');
    // What there was when it was paused, and what there is now.
    expect(history.filter((event) => event.workflowExecutionSignaledEventAttributes)).toHaveLength(2);
    await batch.cancel();
    await expect(batch.result()).rejects.toThrow();
    expect(await argumentsOf('night/slow', 'closeBatch')).toMatchObject([
      { interruptions: { pauses: [{ by: 'person' }], stopped: { by: 'cancellation' } } },
    ]);
  });

  test('whose lane stops at a damaged page writes its report, and fails with what is damaged', async () => {
    await expect((await start('page-lost')).result()).rejects.toMatchObject({
      cause: {
        type: 'ManifestDamaged',
        message: `It cannot be told for whom ${SLOTS} of the ${SLOTS} variants of closed are: page 1 is gone. The others are done, see the report, and the watermark has not moved. Run the night again.`,
      },
    });
    // Somebody had put it back when the batch closed: all are known, and its lane stopped all the same.
    await expect((await start('page-restored')).result()).rejects.toMatchObject({
      cause: { cause: { cause: { type: 'ManifestDamaged', message: 'page 1 is gone' } } },
    });
    for (const campaign of ['page-lost', 'page-restored']) {
      expect(await argumentsOf(`night/${campaign}`, 'closeBatch')).toHaveLength(1);
    }
  });

  test('that is stopped while it waits for an engine ends, and plans nothing', async () => {
    const batch = await start('no-engine');
    await batch.executeUpdate('cancelRemaining');
    await expect(batch.result()).rejects.toMatchObject({ cause: { type: 'Cancelled' } });
    expect(await argumentsOf('night/no-engine', 'planBatch')).toEqual([]);
  });

  test.each([
    ['stopped', (batch: WorkflowHandle) => batch.executeUpdate('cancelRemaining'), 'FAILED'],
    ['cancelled', (batch: WorkflowHandle) => batch.cancel(), 'CANCELLED'],
  ] as const)(
    'that is %s while it is planned ends its plan, renders nothing and closes nothing',
    async (how, end, as) => {
      const batch = await start(`plans-on-${how}`);
      await until(async () => (await batch.describe()).raw.pendingActivities?.[0]?.lastHeartbeatTime || null, 'a plan');
      await end(batch);
      await expect(batch.result()).rejects.toThrow();
      const { status, workflowId } = await batch.describe();
      expect(status.name).toBe(as);
      const [history = []] = await historiesOf(workflowId);
      // Waited for: nobody plans any more when the batch has ended.
      expect(history.filter((event) => event.activityTaskCanceledEventAttributes)).toHaveLength(1);
      expect(await argumentsOf(workflowId, 'closeBatch')).toEqual([]);
    },
  );
});

const STRIP = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
