/** What people are told before a night has closed, or when it does not begin: real webhooks, real schedules, once each. */

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NightProbe } from '../support/night-probe.ts';
import { FIXTURE_PROJECT, lastJson, TestHome, until } from '../support/nightreel.ts';
import { createReferrers } from '../support/referrers.ts';
import { TestWebhook } from '../support/webhook.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;

let project: string;
let home: TestHome;
let probe: NightProbe;
let webhook: TestWebhook;
let worker: Worker;
/** The night that begins first, and is late when the others have ended. */
let due: string;
const dueNight = new Date(Date.now() - 3_600_000).toISOString().slice(0, 10);

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'nightreel-alarms-'));
  await cp(FIXTURE_PROJECT, project, { recursive: true });
  // It has a night every day, which begins in three hours.
  const schedule = `schedule: { ${EVERY_DAY}, at: "${clockIn(180)}", timeZone: UTC }`;
  await writeCampaign('daily', '{ count: 1, window: 1 }', schedule);
  home = await TestHome.create(project);
  const now = new Date().toISOString().replace('T', ' ').replace(/\..*/, '+00');
  const people = Array.from({ length: 24 }, (_, n) => [`daily-${n}`, `Guest ${n}`, now] as const);
  await createReferrers(join(home.folder, 'warehouse.duckdb'), people);
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  webhook = await TestWebhook.start();
  worker = startWorker();
}, MINUTE);

afterAll(async () => {
  await worker?.stop();
  await probe?.close();
  await home?.end();
  await webhook?.[Symbol.asyncDispose]();
  await rm(project, { recursive: true });
}, 2 * MINUTE);

const startWorker = (): Worker =>
  Worker.start(home, [], {
    NIGHTREEL_SLACK_WEBHOOK: webhook.url('/slack'),
    NIGHTREEL_WEBHOOK: webhook.url('/own'),
    NIGHTREEL_WEBHOOK_SECRET: 'a secret of a test',
  });

const EVERY_DAY = 'days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun]';

/** The clock in UTC so many minutes from now. */
const clockIn = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);

async function writeCampaign(name: string, lanes: string, schedule: string): Promise<void> {
  const card = await readFile(join(project, 'campaigns/card.yaml'), 'utf8');
  const changed = card.replace(/^lanes:.*$/m, `lanes: ${lanes}`).replace(/^schedule:.*$/m, schedule);
  await writeFile(join(project, `campaigns/${name}.yaml`), changed);
}

interface Told {
  readonly kind: string;
  readonly text: string;
  readonly campaign?: string;
  readonly batchId?: string;
  readonly summary?: { readonly campaign: string };
}

/** What one's own webhook was sent of a campaign, in order. */
const told = (campaign: string): Told[] =>
  (webhook.received('/own') as unknown as Told[]).filter(
    ({ campaign: of, summary }) => (of ?? summary?.campaign) === campaign,
  );

const kinds = (campaign: string): string[] => told(campaign).map(({ kind }) => kind);

const toldOf = (campaign: string, kind: string, count = 1): Promise<Told> =>
  until(
    async () => told(campaign).filter((one) => one.kind === kind)[count - 1] ?? null,
    `${kind} of ${campaign}`,
    4 * MINUTE,
  );

/** That both webhooks have it: a worker that dies before leaves a message that is posted again. */
async function isWrittenDown(prefix: string): Promise<true | null> {
  const entries = await Promise.all((await probe.keys(prefix)).map((key) => probe.json(key)));
  return entries.length === 2 && entries.every(({ state }) => state === 'posted') ? true : null;
}

async function isPaused(workflowId: string): Promise<true | null> {
  const progress = (await probe.query(workflowId, 'progress').catch(() => null)) as {
    steering?: { paused: unknown };
  } | null;
  return progress?.steering?.paused ? true : null;
}

test(
  'that a batch is at risk is told; a webhook that is down gets what comes then later',
  async () => {
    const schedule = `schedule: { ${EVERY_DAY}, at: "${clockIn(-60)}", timeZone: UTC }`;
    await writeCampaign('due', '{ count: 1, window: 1 }', `deadline: { at: "${clockIn(3.5)}" }\n${schedule}`);
    const many = Array.from({ length: 600 }, (_, n) => ({ id: `late-${n}`, name: `Late ${n}` }));
    ({ workflowId: due } = await probe.startCsvNight({ campaign: 'due', businessDate: dueNight }, many));
    await toldOf('due', 'atRisk');
    webhook.answers = [503];
    const posts = webhook.posts.length;
    await home.run(['pause', 'due', '--reason', 'somebody looks']);
    await until(async () => (webhook.posts.length >= posts + 4 ? true : null), 'four posts in vain');
    webhook.answers = [200];
    await until(() => isWrittenDown(`batches/due/${dueNight}/1/digest/paused-`), 'what was posted');
    expect(told('due').find(({ kind }) => kind === 'atRisk')).toMatchObject({
      text: expect.stringMatching(
        new RegExp(`^due/${dueNight}/1 is at risk: at its pace it ends .* UTC, and is due .* UTC\\.$`),
      ),
    });
  },
  5 * MINUTE,
);

test(
  'that the breaker paused a batch is told once, whatever dies meanwhile; a second pause is a second message',
  async () => {
    const night = '2026-03-03';
    const throwers = Array.from({ length: 60 }, (_, n) => ({ id: `t-${n}`, name: 'Thrower' }));
    const { workflowId } = await probe.startCsvNight({ campaign: 'fragile', businessDate: night }, throwers);
    await until(() => isWrittenDown(`batches/fragile/${night}/1/digest/paused-1`), 'the pause to be told');
    // Who goes on with it has only its history.
    await worker.kill();
    worker = startWorker();
    await until(() => isPaused(workflowId), 'the batch to answer');
    await home.run(['resume', 'fragile']);
    await toldOf('fragile', 'resumed');
    await toldOf('fragile', 'paused', 2);
    await home.run(['stop', 'fragile']);
    await probe.resultOf(workflowId);

    expect(kinds('fragile')).toEqual(['paused', 'resumed', 'paused', 'stopped']);
    const [paused, , , stopped] = told('fragile');
    expect(paused).toMatchObject({
      version: 1,
      text: expect.stringMatching(
        /^fragile\/2026-03-03\/1 paused: \d+ of \d+ variants failed with TemplateCrashed, more than 20 %\.$/,
      ),
      details: [
        'Nothing more is started. It waits for resumeBatch.',
        expect.stringMatching(/ of 60 variants are settled, \d+ failed\.$/),
      ],
      failures: [{ failureClass: 'TemplateCrashed', actor: 'author' }],
      commands: [
        'nightreel resume fragile --date 2026-03-03',
        'nightreel stop fragile --date 2026-03-03',
        `temporal workflow update execute --workflow-id ${workflowId} --name resumeBatch`,
      ],
      links: { ui: expect.stringContaining(encodeURIComponent(workflowId)) },
    });
    // Why the night was stopped is in the digest of its closing, and in its report.
    expect(stopped).toMatchObject({
      notes: [
        expect.stringMatching(/^The breaker paused it: \d+ of \d+ variants failed with TemplateCrashed/),
        expect.stringMatching(/^The breaker paused it: /),
        'Somebody stopped it.',
      ],
    });
    const report = await probe.json(`batches/fragile/${night}/1/report.json`);
    expect(report['interruptions']).toMatchObject({
      pauses: [{ by: 'breaker' }, { by: 'breaker' }],
      stopped: { by: 'person' },
    });
    expect(await probe.text(`batches/fragile/${night}/1/report.html`)).toContain('The breaker paused it: ');
    expect(webhook.received('/slack').filter(({ text }) => /^fragile\/.* paused/.test(String(text)))).toHaveLength(2);
    expect(JSON.stringify(webhook.posts)).not.toMatch(/Thrower|t-1\b/);
  },
  4 * MINUTE,
);

test(
  'in the morning a night that did not run is told once, one that is not done as well, one that has closed not',
  async () => {
    expect((await home.run(['schedule', 'apply', 'daily'])).stdout).toMatch(
      /A night that has not closed is told at \d\d:\d\d/,
    );
    const [line] = JSON.parse((await home.run(['schedule', 'list', '--json'])).stdout) as [
      { nextRuns: [string, string, string]; nextWatch: string },
    ];
    const [first, second, third] = line.nextRuns.map((instant) => new Date(instant));
    const hours = (instant: Date | undefined, more: number): Date =>
      new Date((instant?.getTime() ?? 0) + more * 3_600_000);
    expect(new Date(line.nextWatch)).toEqual(hours(first, 8.25));

    /** What the schedule of that morning finds. */
    const watch = async (night: Date | undefined): Promise<unknown> => {
      const morning = hours(night, 8.25);
      const around = (ms: number): Date => new Date(morning.getTime() + ms);
      const workflowId = `watch/daily-${morning.toISOString().replace('.000Z', 'Z')}`;
      const before = (await probe.statuses(`WorkflowId = '${workflowId}'`)).length;
      await probe.backfillSchedule('watch/daily', around(-1_000), around(1_000));
      await until(
        async () => ((await probe.statuses(`WorkflowId = '${workflowId}'`)).length > before ? true : null),
        workflowId,
      );
      return await probe.resultOf(workflowId);
    };

    const date = second?.toISOString().slice(0, 10);
    expect(await watch(second)).toEqual({ businessDate: date, state: 'missing' });
    expect(await watch(second)).toEqual({ businessDate: date, state: 'missing' });
    expect(told('daily')).toMatchObject([
      {
        kind: 'missing',
        text: expect.stringMatching(/^daily: the night of .* did not run\.$/),
        commands: [`nightreel run daily --date ${date}`, 'temporal schedule describe --schedule-id nightly/daily'],
      },
    ]);
    await home.run(['schedule', 'pause', 'daily', '--note', 'bank holiday']);
    expect(await watch(second)).toMatchObject({ state: 'notExpected' });
    await home.run(['schedule', 'resume', 'daily']);

    const workflowId = `batch/daily-${first?.toISOString().replace('.000Z', 'Z')}`;
    await probe.backfillSchedule('nightly/daily', hours(first, -0.01), hours(first, 0.01));
    await until(async () => (await probe.workflowIds(`WorkflowId = '${workflowId}'`))[0] ?? null, 'the night');
    await probe.update(workflowId, 'pauseBatch', { reason: 'the logo is wrong' });
    await toldOf('daily', 'paused');
    expect(await watch(first)).toMatchObject({ state: 'unfinished' });
    expect(await toldOf('daily', 'unfinished')).toMatchObject({
      batchId: `daily/${first?.toISOString().slice(0, 10)}/1`,
      text: expect.stringContaining('is not done: paused by the person: the logo is wrong.'),
      progress: { variants: 24 },
    });
    await probe.update(workflowId, 'resumeBatch');
    expect(await probe.resultOf(workflowId)).toMatchObject({ variants: 24, failed: 0 });
    expect(await watch(first)).toMatchObject({ state: 'closed' });
    expect(kinds('daily')).toEqual(['missing', 'paused', 'unfinished', 'resumed', 'finished']);

    const ended = `batch/daily-${third?.toISOString().replace('.000Z', 'Z')}`;
    await worker.stop();
    await probe.backfillSchedule('nightly/daily', hours(third, -0.01), hours(third, 0.01));
    await until(async () => (await probe.workflowIds(`WorkflowId = '${ended}'`))[0] ?? null, 'the night to end');
    await probe.terminate(ended);
    worker = startWorker();
    expect(await watch(third)).toMatchObject({ state: 'failed' });
    expect(await toldOf('daily', 'failed')).toMatchObject({ details: [`${ended}: TERMINATED.`] });

    await home.run(['schedule', 'delete', 'daily']);
    expect(lastJson((await home.run(['schedule', 'list', '--json'])).stdout)).toEqual([]);
    await expect(probe.isSchedulePaused('watch/daily')).rejects.toThrow();
  },
  4 * MINUTE,
);

test(
  'that a batch was at risk is told once, and once that it is late',
  async () => {
    await toldOf('due', 'late');
    await home.run(['stop', 'due']);
    await probe.resultOf(due);
    expect(told('due').find(({ kind }) => kind === 'late')).toMatchObject({
      details: ['It is paused: somebody looks.', expect.stringContaining(' of 600 variants are settled')],
    });
    expect([...new Set(kinds('due'))]).toEqual(['atRisk', 'paused', 'late', 'stopped']);
    expect(kinds('due').filter((kind) => kind !== 'paused')).toEqual(['atRisk', 'late', 'stopped']);
  },
  6 * MINUTE,
);

test('going through all of these histories again posts nothing', async () => {
  const posts = webhook.posts.length;
  const replayed = await promisify(execFile)(process.execPath, [
    ...[resolve(import.meta.dirname, '../support/replay.ts'), probe.temporalAddress],
  ]);
  expect(lastJson(replayed.stdout)).toMatchObject({ failed: [] });
  expect(webhook.posts).toHaveLength(posts);
});
