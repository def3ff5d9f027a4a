/** A deploy in the middle of a night: what began goes on as it began, what begins later is of the new version. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { describeDeployment, moveCommand, promoteCommand } from '../../src/client/deployment.ts';
import { NO_TALLY } from '../../src/contracts/batch.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { keepVersion } from '../../src/workers/version-keeper.ts';
import { workflowVersion } from '../../src/workers/workflow-version.ts';
import { NightProbe } from '../support/night-probe.ts';
import { TestHome, until } from '../support/nightreel.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;
const TOOLS = resolve(import.meta.dirname, '../../.tools');

let home: TestHome;
let probe: NightProbe;
let client: Client;
let own: string;
let serving: Worker;
const others: ChildProcess[] = [];

beforeAll(async () => {
  own = await workflowVersion();
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  client = new Client({ connection: await Connection.connect({ address: probe.temporalAddress }) });
  // A night begins, and the machine that ran it is gone for good.
  const gone = await other('gone');
  await shell(promoteCommand('gone'));
  await probe.startCsvNight({ businessDate: '2026-03-02' }, people('Left', 2));
  await until(async () => ((await versionsOf("WorkflowType = 'nightlyBatch'"))[0] === 'gone' ? true : null), 'a batch');
  gone.kill('SIGKILL');
  serving = Worker.start(home);
  await isCurrent(own);
}, 4 * MINUTE);

afterAll(async () => {
  for (const child of others) child.kill('SIGKILL');
  await serving?.stop();
  await client?.connection.close();
  await probe?.close();
  await home?.end();
}, 2 * MINUTE);

interface Person {
  readonly id: string;
  readonly name: string;
}

const people = (name: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ id: `${name}-${n}`, name: `${name} ${n}` }));

/** A worker of a version of its own, known to the server. */
async function other(buildId: string): Promise<ChildProcess> {
  const program = join(import.meta.dirname, '../support/other-version.ts');
  const args = [program, probe.temporalAddress, buildId, join(home.folder, 'cache')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  others.push(child);
  const isKnown = async () =>
    (await describeDeployment(client))?.versions.some((version) => version.buildId === buildId) ?? false;
  await until(async () => ((await isKnown()) ? true : null), `version ${buildId}`);
  return child;
}

const isCurrent = (buildId: string): Promise<true> =>
  until(
    async () => ((await describeDeployment(client))?.current === buildId ? true : null),
    `${buildId} to be current`,
  );

/** Runs a command as it stands in the documents and in what Nightreel says, with the project's `temporal`; nobody is there to confirm it. */
async function shell(command: string): Promise<void> {
  const env = {
    ...process.env,
    PATH: `${join(TOOLS, 'bin')}:${process.env['PATH']}`,
    TEMPORAL_ADDRESS: probe.temporalAddress,
  };
  const asks = /--query|set-current-version/.test(command);
  await promisify(execFile)('bash', ['-c', asks ? `${command} --yes` : command], { env });
}

/** Versions of the runs that a query finds, each once. */
async function versionsOf(query: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const { searchAttributes } of client.workflow.list({ query })) {
    found.add(String(searchAttributes['TemporalWorkerDeploymentVersion']?.[0]).replace('nightreel:', ''));
  }
  return [...found];
}

const nightOf = (date: string): string => `CampaignId = 'card' AND BatchDate = '${date}'`;

const isRendering = (workflowId: string): Promise<true> =>
  until(async () => {
    const progress = (await probe.query(workflowId, 'progress').catch(() => null)) as { phase?: string } | null;
    return progress?.phase === 'rendering' ? true : null;
  }, `${workflowId} to render`);

/** No task of the night's workflows failed, and every video was rendered in one attempt of one activity, and once. */
async function expectEachOnce(date: string, videos: number): Promise<void> {
  const [troubles, renders]: [string[], string[]] = [[], []];
  for (const { workflowId, history } of await probe.runsWithHistory(nightOf(date))) {
    const named = new Map<string, string>();
    for (const { eventId, ...event } of history.events ?? []) {
      const scheduled = event.activityTaskScheduledEventAttributes;
      if (scheduled) named.set(String(eventId), String(scheduled.activityType?.name));
      const started = event.activityTaskStartedEventAttributes;
      if (started && named.get(String(started.scheduledEventId)) === 'renderVariant') {
        renders.push(`${workflowId} attempt ${started.attempt}`);
      }
      const failed = event.workflowTaskFailedEventAttributes;
      if (failed) troubles.push(`${workflowId}: ${failed.failure?.message}`);
    }
  }
  expect(troubles).toEqual([]);
  const keys = (await probe.manifestOf(`card/${date}/1`)).map(({ key }) => key);
  expect(renders.sort()).toEqual(keys.map((key) => `variant/card/${date}/${key} attempt 1`).sort());
  expect(new Set(keys).size).toBe(videos);
}

/** A night that is paused once it could render. The server tries a workflow task again when its time is over. */
async function pausedNight(businessDate: string, names: readonly Person[], workflowTaskTimeout?: '2 seconds') {
  const night = { businessDate, childrenPerRun: 2 };
  const { workflowId } = await probe.startCsvNight(night, names, { workflowTaskTimeout });
  await probe.update(workflowId, 'pauseBatch');
  await isRendering(workflowId);
  return workflowId;
}

test(
  'batches that began before a deploy end on their version, lanes that continue as new included; later ones begin on the new',
  async () => {
    const begun = await pausedNight('2026-03-03', people('Begun', 6));
    const moved = await pausedNight('2026-03-04', people('Moved', 3), '2 seconds');
    await other('next');
    expect((await home.run(['status'])).stdout).toMatch(new RegExp(`version ${own}, current, served, \\d+ running`));
    await shell(promoteCommand('next'));

    await probe.update(begun, 'resumeBatch');
    expect(await probe.resultOf(begun)).toMatchObject({ variants: 6, rendered: 6, failed: 0 });
    expect(await versionsOf(nightOf('2026-03-03'))).toEqual([own]);
    await expectEachOnce('2026-03-03', 6);
    expect(await probe.statuses(`${nightOf('2026-03-03')} AND WorkflowType = 'variantLane'`)).toContain(
      'CONTINUED_AS_NEW',
    );

    const later = await probe.startCsvNight({ businessDate: '2026-03-05' }, [
      ...people('Later', 1),
      { id: 'failing', name: 'Thrower' },
    ]);
    expect(await probe.resultOf(later.workflowId)).toMatchObject({ rendered: 1, failed: 1 });
    expect(await versionsOf(nightOf('2026-03-05'))).toEqual(['next']);
    const status = JSON.parse((await home.run(['status', '--json'])).stdout) as { workers: unknown };
    expect(status.workers).toMatchObject({
      current: 'next',
      versions: expect.arrayContaining([
        expect.objectContaining({ buildId: own, isCurrent: false, isServed: true, running: 3 }),
        expect.objectContaining({ buildId: 'next', isCurrent: true, isServed: true, running: 0 }),
      ]),
    });
    // The next test's.
    expect(await versionsOf(`WorkflowId = '${moved}'`)).toEqual([own]);
  },
  4 * MINUTE,
);

test(
  'a history of an older version that the code cannot go on with is told as such, tried ever more seldom, and mended by moving it back',
  async () => {
    const workflowId = 'batch/card/2026-03-04';
    const handle = client.workflow.getHandle(workflowId);
    const moveTo = (buildId: string) =>
      shell(
        `temporal workflow update-options --workflow-id ${workflowId} --versioning-override-behavior one_time --versioning-override-deployment-name nightreel --versioning-override-build-id ${buildId}`,
      );
    await moveTo('next');
    await probe.signal(workflowId, 'laneReport', { lane: 9, tally: NO_TALLY, failures: {} });
    const failing = async () => {
      const { raw } = await handle.describe();
      return (raw.pendingWorkflowTask?.attempt ?? 0) >= 3 ? true : null;
    };
    await until(failing, 'a task that fails again and again');
    // One event, however often it is tried; the batch itself goes on running.
    const { events } = await handle.fetchHistory();
    const failed = (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes);
    expect(failed.map(({ workflowTaskFailedEventAttributes: task }) => task?.failure?.message)).toEqual([
      expect.stringContaining('TMPRL1100'),
    ]);
    const reported = `WorkflowId = '${workflowId}' AND TemporalReportedProblems IN ('category=WorkflowTaskFailed')`;
    await until(async () => ((await probe.workflowIds(reported)).length === 1 ? true : null), 'a reported problem');

    await moveTo(own);
    // Updates are refused until its task is done.
    const resumed = () =>
      probe.update(workflowId, 'resumeBatch').then(
        () => true as const,
        () => null,
      );
    await until(resumed, 'the batch to go on', 2 * MINUTE);
    expect(await probe.resultOf(workflowId)).toMatchObject({ variants: 3, rendered: 3, failed: 0 });
    expect(await versionsOf(nightOf('2026-03-04'))).toEqual([own]);
  },
  4 * MINUTE,
);

test(
  'after a way back, a reset variant of the version that is gone waits for the command that status names, and then runs',
  async () => {
    others.at(-1)?.kill('SIGKILL');
    await shell(promoteCommand(own));
    const [failed = ''] = await probe.workflowIds(`${nightOf('2026-03-05')} AND ExecutionStatus = 'Failed'`);
    await shell(`temporal workflow reset --workflow-id '${failed}' --type FirstWorkflowTask --reason "once more"`);
    const running = `WorkflowId = '${failed}' AND ExecutionStatus = 'Running'`;
    await until(async () => ((await versionsOf(running))[0] === 'next' ? true : null), 'the run that waits');

    await shell(moveCommand('next', own));
    await until(async () => ((await probe.workflowIds(running)).length === 0 ? true : null), 'its end');
    expect((await versionsOf(`WorkflowId = '${failed}'`)).sort()).toEqual([own, 'next'].sort());
  },
  2 * MINUTE,
);

test(
  'what ran on a version that nobody serves any more is taken over by the current one',
  async () => {
    const left = 'batch/card/2026-03-02';
    // What the worker itself does a minute later: by then the server has not heard of the one that is gone for long enough.
    const ended = new AbortController();
    const log = createLogger({ level: 'silent', name: 'test' });
    const now = () => Date.now() + 75_000;
    const keeping = keepVersion({ client, buildId: own, rollout: 'auto', log, now }, ended.signal);
    expect(await probe.resultOf(left)).toMatchObject({ variants: 2, rendered: 2, failed: 0 });
    ended.abort();
    await keeping;
    expect(await versionsOf(`WorkflowId = '${left}'`)).toEqual([own]);
  },
  3 * MINUTE,
);
