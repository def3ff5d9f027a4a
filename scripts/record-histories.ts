/**
 * Plays nights of every kind on real servers and keeps their histories in test/histories/<label>: `npm run record:histories`, or with a
 * label of its own (`npm run record:histories -- 0.2.0`; otherwise this version of Nightreel). Takes three to six minutes.
 */

import { spawn } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTools } from '../src/config/tools.ts';
import { packageVersion } from '../src/config/version.ts';
import { RECIPIENTS_PER_PAGE } from '../src/planning/manifest.ts';
import { type RecordedHistory, scrubbed, shapeOf, writeRecordings } from '../test/support/histories.ts';
import { historyToJson } from '../test/support/history-json.ts';
import { NightProbe } from '../test/support/night-probe.ts';
import { FIXTURE_PROJECT, TestHome, until } from '../test/support/nightreel.ts';
import { createReferrers } from '../test/support/referrers.ts';
import { TestTemporal } from '../test/support/temporal.ts';
import { Worker } from '../test/support/worker.ts';

/** Of a machine that does much else. */
const LIMIT_MS = 600_000;
const label = process.argv[2] ?? packageVersion();
const say = (line: string): void => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);

const project = await mkdtemp(join(tmpdir(), 'nightreel-recording-'));
await cp(FIXTURE_PROJECT, project, { recursive: true });
const home = await TestHome.create(project);
const broken = join(home.folder, 'broken');
const nights = new Map<string, RecordedHistory[]>();
let probe: NightProbe | undefined;
let worker: Worker | undefined;

async function record(): Promise<void> {
  await writeDueCampaign();
  await prepareWarehouse();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  const look = probe;
  const ffmpeg = await breakableFfmpeg();

  say('a night while nobody reads the warehouse');
  worker = Worker.start(home, ['--roles', 'orchestrator,render,storage']);
  await stoppedInPlanning(look);
  await worker.stop();

  say('nights while nobody joins scenes');
  worker = Worker.start(home, ['--roles', 'orchestrator,warehouse,render,storage'], { NIGHTREEL_FFMPEG: ffmpeg });
  await Promise.all([atDeadline(look), inTurn(look, ffmpeg)]);
  await longCrowd();
  await writeRecordings(label, withoutCopies(nights));
  say(`${[...nights.values()].flat().length} histories under test/histories/${label}`);
}

async function inTurn(look: NightProbe, ffmpeg: string): Promise<void> {
  const first = [success, continueAsNew, failures, steered, breaker, stopped, aborted, cancelled, oneCancelled];
  const plays = [...first, crowd, damaged, scheduled, withdrawals, refused, joinedByRenderers];
  await Promise.all(plays.map((play) => play(look)));
  say('a worker that is killed, and the next');
  await killed(look, async () => {
    await worker?.kill();
    worker = Worker.start(home, [], { NIGHTREEL_FFMPEG: ffmpeg });
  });
  say('scenes, a long backfill, resets');
  await Promise.all([scenes(look), longBackfill(look)]);
  await reset(look);
}

/** Of variants and scenes, which are many, the first of every shape; of batches and lanes all. */
function withoutCopies(all: ReadonlyMap<string, readonly RecordedHistory[]>): Map<string, RecordedHistory[]> {
  const seen = new Set<string>();
  const isNew = (recorded: RecordedHistory): boolean => {
    const shape = shapeOf(recorded);
    const isKnown = ['renderVariant', 'renderScene'].includes(recorded.type) && seen.has(shape);
    seen.add(shape);
    return !isKnown;
  };
  return new Map([...all].map(([night, histories]) => [night, histories.filter(isNew)]));
}

/** Keeps the workflows that a query finds; all of them have ended. */
async function keep(look: NightProbe, night: string, query: string): Promise<void> {
  const runs = await look.runsWithHistory(query);
  const recorded = runs.map(({ history, ...run }) => ({ ...run, history: scrubbed(historyToJson(history)) }));
  nights.set(night, [...(nights.get(night) ?? []), ...recorded]);
  say(night);
}

const ofDate = (campaign: string, date: string): string => `CampaignId = '${campaign}' AND BatchDate = '${date}'`;

const people = (name: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ id: `${name}-${n}`.replaceAll(' ', ''), name: `${name} ${n}` }));

const throwers = (id: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ id: `${id}-${n}`, name: 'Thrower' }));

const ended = (look: NightProbe, workflowId: string): Promise<unknown> => look.resultOf(workflowId).catch(() => null);

const isRendering = (look: NightProbe, workflowId: string): Promise<true> =>
  until(
    async () =>
      ((await look.query(workflowId, 'progress').catch(() => null)) as { phase?: string } | null)?.phase === 'rendering'
        ? true
        : null,
    `${workflowId} to render`,
    LIMIT_MS,
  );

const someVideos = (look: NightProbe, date: string, count = 1): Promise<true> =>
  until(
    async () =>
      (
        await look.workflowIds(
          `WorkflowType = 'renderVariant' AND BatchDate = '${date}' AND ExecutionStatus = 'Completed'`,
        )
      ).length >= count
        ? true
        : null,
    `videos of ${date}`,
    LIMIT_MS,
  );

async function success(look: NightProbe): Promise<void> {
  const night = await look.startCsvNight({ businessDate: '2026-03-02' }, people('Guest', 3));
  await look.resultOf(night.workflowId);
  // Once more: all of it is stored.
  await night.again();
  await look.resultOf(night.workflowId);
  await keep(look, 'success', ofDate('card', '2026-03-02'));
}

async function continueAsNew(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-03', childrenPerRun: 1 }, people('Long', 4));
  await look.resultOf(workflowId);
  await keep(look, 'continue-as-new', ofDate('card', '2026-03-03'));
}

async function failures(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-04' }, [
    ...people('Well', 2),
    ...throwers('ill', 2),
  ]);
  await look.resultOf(workflowId);
  await backfill(look, '2026-03-04', { failureClass: 'TemplateCrashed', window: 1 });
  await keep(look, 'failures', ofDate('card', '2026-03-04'));
}

async function backfill(look: NightProbe, businessDate: string, more: object = {}): Promise<void> {
  const workflowId = `backfill/card/${businessDate}/1`;
  await look.startWorkflow('backfillVariants', workflowId, {
    batch: { campaign: 'card', businessDate, attempt: 1 },
    ...more,
  });
  await ended(look, workflowId);
}

async function steered(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-05' }, people('Steered', 4));
  await look.update(workflowId, 'pauseBatch', { reason: 'before anything' });
  await isRendering(look, workflowId);
  await look.update(workflowId, 'setWindow', { window: 0 }).catch(() => undefined);
  await look.update(workflowId, 'setWindow', { window: 1 });
  await look.update(workflowId, 'resumeBatch');
  await someVideos(look, '2026-03-05');
  await look.update(workflowId, 'pauseBatch').catch(() => undefined);
  await look.update(workflowId, 'setWindow', { window: 3 }).catch(() => undefined);
  await look.update(workflowId, 'resumeBatch').catch(() => undefined);
  await look.resultOf(workflowId);
  await keep(look, 'pause-window-resume', ofDate('card', '2026-03-05'));
}

/** More people of one video than one page of recipients takes. */
async function crowd(look: NightProbe): Promise<void> {
  const [businessDate, csvKey, workflowId] = ['2026-03-13', 'inputs/crowd.csv', 'batch/card/2026-03-13'];
  const lines = Array.from({ length: RECIPIENTS_PER_PAGE + 10 }, (_, n) => `crowd-${n},Everyone,0,0\n`);
  await look.put(csvKey, `recipient_id,name,referralCount,earnings\n${lines.join('')}`);
  await look.startWorkflow('nightlyBatch', workflowId, { campaign: 'card', businessDate, csvKey });
  await look.resultOf(workflowId);
  await keep(look, 'crowd', ofDate('card', businessDate));
}

async function breaker(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight(
    { campaign: 'fragile', businessDate: '2026-03-06' },
    throwers('t', 60),
  );
  const isPaused = async () =>
    ((await look.query(workflowId, 'progress').catch(() => null)) as { steering?: { paused: unknown } } | null)
      ?.steering?.paused
      ? true
      : null;
  await until(isPaused, 'the breaker', LIMIT_MS);
  await look.update(workflowId, 'resumeBatch');
  await until(isPaused, 'the breaker again', LIMIT_MS);
  await look.update(workflowId, 'cancelRemaining');
  await look.resultOf(workflowId);
  await keep(look, 'breaker', ofDate('fragile', '2026-03-06'));
}

async function stopped(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-09' }, people('Stopped', 9));
  await someVideos(look, '2026-03-09');
  await look.update(workflowId, 'cancelRemaining');
  await look.resultOf(workflowId);
  await backfill(look, '2026-03-09');
  await keep(look, 'stop-and-backfill', ofDate('card', '2026-03-09'));
}

async function aborted(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-10' }, people('Aborted', 9));
  await someVideos(look, '2026-03-10');
  await look.update(workflowId, 'cancelRemaining', { running: 'abort' });
  await look.resultOf(workflowId);
  await keep(look, 'stop-abort', ofDate('card', '2026-03-10'));
}

async function cancelled(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-11' }, people('Cancelled', 9));
  await someVideos(look, '2026-03-11');
  await look.cancel(workflowId);
  await ended(look, workflowId);
  await keep(look, 'batch-cancelled', ofDate('card', '2026-03-11'));
}

async function oneCancelled(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-12' }, people('One', 2));
  const running = `WorkflowType = 'renderVariant' AND BatchDate = '2026-03-12' AND ExecutionStatus = 'Running'`;
  await look.cancel(
    await until(async () => (await look.workflowIds(running))[0] ?? null, 'a variant to cancel', LIMIT_MS),
  );
  await look.resultOf(workflowId);
  await keep(look, 'variant-cancelled', ofDate('card', '2026-03-12'));
}

async function damaged(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-19' }, people('Page', 2));
  await look.update(workflowId, 'pauseBatch');
  await isRendering(look, workflowId);
  await look.put('batches/card/2026-03-19/1/manifest/000002.json', '{"page":2,"variants":[');
  await look.update(workflowId, 'resumeBatch');
  await ended(look, workflowId);
  await keep(look, 'manifest-damaged', ofDate('card', '2026-03-19'));
}

async function stoppedInPlanning(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-26' }, people('Unread', 2));
  const isPlanning = async () =>
    ((await look.query(workflowId, 'progress').catch(() => null)) as { phase?: string } | null)?.phase === 'planning' ||
    null;
  await until(isPlanning, 'the plan', LIMIT_MS);
  await look.update(workflowId, 'cancelRemaining');
  await ended(look, workflowId);
  await keep(look, 'stopped-in-planning', `WorkflowId = '${workflowId}'`);
}

/** A video whose people take more events than one run has, on a server that wants a new run early. */
async function longCrowd(): Promise<void> {
  await using server = await TestTemporal.start('limit.historyCount.suggestContinueAsNew=60');
  const program = join(import.meta.dirname, '../test/support/parts-worker.ts');
  const parts = spawn(process.execPath, [...process.execArgv, program, server.address, '40'], { stdio: 'inherit' });
  const key = 'a'.repeat(64);
  const batch = { campaign: 'card', businessDate: '2026-03-27', attempt: 1 };
  const handle = await server.client.workflow.start('renderVariant', {
    ...{ workflowId: `variant/card/2026-03-27/${key}`, taskQueue: 'orchestrator' },
    args: [{ batch, page: 1, index: 0, key }],
  });
  await handle.result();
  const runs: RecordedHistory[] = [];
  for await (const { workflowId, runId, type, status } of server.client.workflow.list()) {
    const history = scrubbed(historyToJson(await server.client.workflow.getHandle(workflowId, runId).fetchHistory()));
    runs.push({ workflowId, runId, type, status: status.name, history });
  }
  nights.set('crowd-continue-as-new', runs);
  parts.kill('SIGTERM');
}

async function prepareWarehouse(): Promise<void> {
  // 23:00 in New York on 2026-03-11 and -12 is 03:00 UTC of the next day; IDs that end in 3 or 7 have left `leavers`.
  await createReferrers(join(home.folder, 'warehouse.duckdb'), [
    ['p1', 'Ada', '2026-03-12 01:00:00+00'],
    ['p2', 'Bo', '2026-03-12 02:00:00+00'],
    ['p3', 'Cy', '2026-03-12 02:00:00+00'],
  ]);
}

async function scheduled(look: NightProbe): Promise<void> {
  await home.run(['schedule', 'apply', 'story']);
  await look.backfillSchedule('nightly/story', new Date('2026-03-12T02:59:00Z'), new Date('2026-03-12T03:01:00Z'));
  const workflowId = 'batch/story-2026-03-12T03:00:00Z';
  await until(
    async () => (await look.workflowIds(`WorkflowId = '${workflowId}'`))[0] ?? null,
    'the scheduled night',
    LIMIT_MS,
  );
  await ended(look, workflowId);
  await keep(look, 'scheduled', `WorkflowId = '${workflowId}'`);
  // Eight hours and a quarter later it is looked whether it has closed.
  await look.backfillSchedule('watch/story', new Date('2026-03-12T11:14:00Z'), new Date('2026-03-12T11:16:00Z'));
  const watchId = 'watch/story-2026-03-12T11:15:00Z';
  await until(async () => (await look.workflowIds(`WorkflowId = '${watchId}'`))[0] ?? null, 'the watch', LIMIT_MS);
  await ended(look, watchId);
  await keep(look, 'watched', `WorkflowId = '${watchId}'`);
}

async function withdrawals(look: NightProbe): Promise<void> {
  await look.startWorkflow('nightlyBatch', 'batch/leavers/2026-03-11', {
    campaign: 'leavers',
    businessDate: '2026-03-11',
  });
  await look.resultOf('batch/leavers/2026-03-11');
  await keep(look, 'withdrawals', ofDate('leavers', '2026-03-11'));
}

async function refused(look: NightProbe): Promise<void> {
  const inputs = {
    slip: { campaign: 'card', businessDate: '2026-02-30' },
    nobody: { campaign: 'nobody', businessDate: '2026-03-02' },
  };
  for (const [id, input] of Object.entries(inputs)) await look.startWorkflow('nightlyBatch', id, input);
  await look.startWorkflow('backfillVariants', 'no-batch', {
    batch: { campaign: 'card', businessDate: '2026-03-02', attempt: 9 },
  });
  await look.startWorkflow('watchNight', 'no-schedule', { campaign: 'nobody' });
  const ids = [...Object.keys(inputs), 'no-batch', 'no-schedule'];
  for (const id of ids) await ended(look, id);
  await keep(look, 'refused', ids.map((id) => `WorkflowId = '${id}'`).join(' OR '));
}

/** A campaign whose morning comes in one to two minutes, in UTC. */
async function writeDueCampaign(): Promise<void> {
  const at = new Date(Date.now() + 110_000).toISOString().slice(11, 16);
  const night = new Date(Date.now() - 3_600_000).toISOString().slice(11, 16);
  const card = await readFile(join(project, 'campaigns/card.yaml'), 'utf8');
  const schedule = `schedule: { days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], at: "${night}", timeZone: UTC }`;
  const due = card.replace(/^schedule:.*$/m, `deadline: { at: "${at}", whenLate: stop }\n${schedule}`);
  await writeFile(join(project, 'campaigns/due.yaml'), due);
}

async function atDeadline(look: NightProbe): Promise<void> {
  const businessDate = new Date(Date.now() - 3_600_000).toISOString().slice(0, 10);
  const { workflowId } = await look.startCsvNight({ campaign: 'due', businessDate }, people('Late', 2));
  await look.update(workflowId, 'pauseBatch', { reason: 'until it is too late' });
  await look.resultOf(workflowId);
  await keep(look, 'deadline', ofDate('due', businessDate));
}

const person = (name: string, referralCount: number) => ({ name, referralCount });

async function story(
  look: NightProbe,
  businessDate: string,
  guests: readonly ReturnType<typeof person>[],
  more: object = {},
) {
  const lines = guests.map(({ name, referralCount }, n) => `r${n},${name},${referralCount},${n}\n`);
  const csvKey = `inputs/${businessDate}.csv`;
  await look.put(csvKey, `recipient_id,name,referralCount,earnings\n${lines.join('')}`);
  const workflowId = `batch/story/${businessDate}`;
  await look.startWorkflow('nightlyBatch', workflowId, { campaign: 'story', businessDate, csvKey, ...more });
  await look.resultOf(workflowId);
}

/** All scenes of the second night are stored, and no worker joins them: after a minute those that render do. */
async function joinedByRenderers(look: NightProbe): Promise<void> {
  await story(look, '2026-03-16', [person('Fay', 1), person('Fay', 2), person('Gil', 1)]);
  await story(look, '2026-03-17', [person('Gil', 2)]);
  await keep(look, 'scenes', ofDate('story', '2026-03-16'));
  await keep(look, 'scenes-nobody-joins', ofDate('story', '2026-03-17'));
}

async function scenes(look: NightProbe): Promise<void> {
  await story(look, '2026-03-18', [person('Hal', 3), person('Hal', 4), person('Ida', 3), person('Ida', 4)], {
    childrenPerRun: 1,
  });
  await keep(look, 'scenes-continue-as-new', ofDate('story', '2026-03-18'));
  await story(look, '2026-03-20', [person('Thrower', 3), person('Thrower', 4), person('Hal', 1)]);
  await keep(look, 'scenes-failures', ofDate('story', '2026-03-20'));
}

/** More variants than one run of a backfill takes. None of them was ever started, and none can be rendered. */
async function longBackfill(look: NightProbe): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-23' }, throwers('many', 203));
  await look.update(workflowId, 'pauseBatch');
  await isRendering(look, workflowId);
  await look.update(workflowId, 'cancelRemaining');
  await look.resultOf(workflowId);
  await backfill(look, '2026-03-23', { window: 40 });
  await keep(look, 'backfill-continue-as-new', `${ofDate('card', '2026-03-23')} AND WorkflowType != 'renderVariant'`);
}

async function killed(look: NightProbe, kill: () => Promise<void>): Promise<void> {
  const { workflowId } = await look.startCsvNight({ businessDate: '2026-03-24' }, people('Killed', 4));
  await someVideos(look, '2026-03-24');
  await kill();
  await look.resultOf(workflowId);
  await keep(look, 'worker-killed', ofDate('card', '2026-03-24'));
}

/** An ffmpeg that cannot encode while a file says so: the real one otherwise. */
async function breakableFfmpeg(): Promise<string> {
  const path = join(home.folder, 'ffmpeg');
  const script = `#!/bin/sh
case "$*" in *libx264*) [ -e '${broken}' ] && exit 1 ;; esac
exec '${findTools().ffmpeg}' "$@"
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

/** One variant, then a lane and then the batch are run from their first task again. */
async function reset(look: NightProbe): Promise<void> {
  const date = '2026-03-25';
  await writeFile(broken, '');
  const { workflowId } = await look.startCsvNight({ businessDate: date }, people('Reset', 2));
  await look.resultOf(workflowId);
  await rm(broken);
  const [failed = ''] = await look.workflowIds(`${ofDate('card', date)} AND WorkflowType = 'renderVariant'`);
  for (const id of [failed, `lane/card/${date}/1/0`, workflowId]) {
    await look.reset(id);
    await sleep(500);
    await ended(look, id);
  }
  await keep(look, 'reset', ofDate('card', date));
}

try {
  await record();
} catch (error) {
  say(String(error instanceof Error ? error.stack : error));
  process.exitCode = 1;
} finally {
  await worker?.stop();
  await home.end();
  await rm(project, { recursive: true, force: true });
}
// Where one night failed, others still ask the server for theirs.
process.exit();
