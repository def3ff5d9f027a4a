/** A video shared by more people than one history takes: its workflow goes on in a new run, and renders once. */

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { TestTemporal } from '../support/temporal.ts';

const PARTS = 40;
/** Events after which this server wants a new run; of its own accord it waits for 4,096. */
const EVENTS = 60;

test('goes on part by part in as many runs as it takes, and counts every pointer once', async () => {
  const server = await TestTemporal.start(`limit.historyCount.suggestContinueAsNew=${EVENTS}`);
  const { address, client } = server;
  const broken = join(tmpdir(), `nightreel-broken-${process.pid}`);
  await writeFile(broken, '');
  const worker = spawn(
    process.execPath,
    [...STRIP, resolve(import.meta.dirname, '../support/parts-worker.ts'), address, String(PARTS), broken],
    { stdio: 'inherit' },
  );
  try {
    const key = 'a'.repeat(64);
    const workflowId = `variant/card/2026-03-02/${key}`;
    const batch = { campaign: 'card', businessDate: '2026-03-02', attempt: 1 };
    const handle = await client.workflow.start('renderVariant', {
      ...{ workflowId, taskQueue: 'orchestrator', args: [{ batch, page: 1, index: 0, key }] },
    });
    expect(await handle.result()).toEqual({ outcome: 'rendered', renderMs: 1, pointers: PARTS * 10 });

    const runs: { status: string; events: number; activities: string[] }[] = [];
    for await (const { runId, status } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const activities = (events ?? []).flatMap(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
      );
      runs.push({ status: status.name, events: events?.length ?? 0, activities });
    }
    expect(runs.filter(({ status }) => status === 'CONTINUED_AS_NEW').length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...runs.map(({ events }) => events))).toBeLessThan(EVENTS * 2);
    const activities = runs.flatMap((run) => run.activities);
    expect(activities.filter((name) => name === 'renderVariant')).toHaveLength(1);
    expect(activities.filter((name) => name === 'publishPointers')).toHaveLength(PARTS);
    // None of these runs was reset: there is nothing to be written down.
    expect(activities).not.toContain('recordOutcomes');

    // What is wrong with some of them does not keep the others from theirs, and is told in the end.
    const other = await client.workflow.start('renderVariant', {
      ...{ workflowId: 'other', taskQueue: 'orchestrator' },
      args: [{ batch, page: 1, index: 1, key: 'b'.repeat(64) }],
    });
    await expect(other.result()).rejects.toMatchObject({ cause: { type: 'StorageDenied', message: 'of part 2' } });
    const published: unknown[] = [];
    for await (const { runId } of client.workflow.list({ query: "WorkflowId = 'other'" })) {
      const { events } = await client.workflow.getHandle('other', runId).fetchHistory();
      for (const event of events ?? []) published.push(event.activityTaskScheduledEventAttributes?.activityType?.name);
    }
    expect(published.filter((name) => name === 'publishPointers')).toHaveLength(PARTS);

    // The last of these runs failed. Somebody resets it once its part can be written: it says so to the next report.
    const last = await client.workflow.start('renderVariant', {
      ...{ workflowId: 'last', taskQueue: 'orchestrator' },
      args: [{ batch, page: 1, index: 2, key: 'c'.repeat(64) }],
    });
    await expect(last.result()).rejects.toMatchObject({ cause: { message: `of part ${PARTS - 1}` } });
    const { runId } = await client.workflow.getHandle('last').describe();
    const before = await client.workflow.getHandle('last', runId).fetchHistory();
    const firstTask = before.events?.find((event) => event.workflowTaskCompletedEventAttributes);
    if (firstTask?.eventId == null) throw new Error('it has not done a task');
    expect(runId).not.toBe(last.firstExecutionRunId);
    await rm(broken);
    const reset = await client.workflowService.resetWorkflowExecution({
      ...{ namespace: 'default', workflowExecution: { workflowId: 'last', runId } },
      ...{ reason: 'mended', requestId: randomUUID(), workflowTaskFinishEventId: firstTask.eventId },
    });
    expect(await client.workflow.getHandle('last', reset.runId ?? '').result()).toMatchObject({ pointers: PARTS * 10 });
    const { events } = await client.workflow.getHandle('last', reset.runId ?? '').fetchHistory();
    const scheduled = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
    const written = scheduled.find(({ activityType }) => activityType?.name === 'recordOutcomes');
    expect(JSON.parse(Buffer.from(written?.input?.payloads?.[0]?.data ?? []).toString())).toMatchObject({
      ...{ writer: `reset-${reset.runId}`, page: 1 },
      outcomes: [{ outcome: 'rendered', pointers: PARTS * 10, page: 1, index: 2 }],
    });
  } finally {
    worker.kill('SIGTERM');
    await server[Symbol.asyncDispose]();
    await rm(broken, { force: true });
  }
}, 120_000);

const STRIP = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
