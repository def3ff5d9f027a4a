/** docs/operations.md does what it says: every command in it is run, on real servers, in the situation that it is for. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { NightProbe } from '../support/night-probe.ts';
import { FIXTURE_PROJECT, TestHome, until } from '../support/nightreel.ts';
import { createReferrers } from '../support/referrers.ts';
import { Runbook, type Section } from '../support/runbook.ts';

const MINUTE = 60_000;
const ROOT = resolve(import.meta.dirname, '../..');

let project: string;
let home: TestHome;
let probe: NightProbe;
let page: Runbook;
const serving: ChildProcess[] = [];
let renderer: ChildProcess;

beforeAll(async () => {
  page = await Runbook.read(join(ROOT, 'docs/operations.md'));
  project = await mkdtemp(join(tmpdir(), 'nightreel-runbook-'));
  await cp(FIXTURE_PROJECT, project, { recursive: true });
  home = await TestHome.create(project);
  await prepareProject();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  await createReferrers(join(home.folder, 'warehouse.duckdb'), PEOPLE);
  await createReferrers(join(home.folder, 'two.duckdb'), TWO_PEOPLE);
  await writeFile(ffmpeg(), `#!/bin/sh\nexec '${findTools().ffmpeg}' "$@"\n`);
  await chmod(ffmpeg(), 0o755);
  serve('--roles', 'orchestrator,warehouse,assemble,storage');
  for (const campaign of ['referral', 'card']) await home.run(['schedule', 'apply', campaign]);
}, MINUTE);

afterAll(async () => {
  for (const worker of serving) worker.kill('SIGTERM');
  await Promise.all(serving.map((worker) => worker.exitCode ?? worker.signalCode ?? once(worker, 'close')));
  await probe?.close();
  await home?.end();
  await rm(project, { recursive: true });
}, 2 * MINUTE);

function serve(...options: string[]): ChildProcess {
  const worker = home.start(['serve', ...options], { NIGHTREEL_FFMPEG: ffmpeg() });
  worker.stdout?.resume();
  worker.stderr?.resume();
  serving.push(worker);
  return worker;
}

/** The render workers' ffmpeg: without its permission to be run, every render fails at once, as ToolMissing. */
const ffmpeg = (): string => join(home.folder, 'ffmpeg');
const breakFfmpeg = () => chmod(ffmpeg(), 0o644);
const mendFfmpeg = () => chmod(ffmpeg(), 0o755);

const FONTLESS = `if (params.name.startsWith('Fontless')) {
          const face = new FontFace('Brand', 'url(data:font/woff2;base64,AAAA)');
          document.fonts.add(face);
          face.load().catch(() => undefined);
        }`;

/** People of the campaign `referral`: ID, name, time of the last change. */
const PEOPLE = [
  ['font-1', 'Ada', '2026-03-02 12:00:00+00'],
  ['font-2', 'Fontless', '2026-03-02 12:00:00+00'],
  ['missed-1', 'Bo', '2026-03-03 12:00:00+00'],
  ['missed-2', 'Cy', '2026-03-04 12:00:00+00'],
  ['customer', 'Di', '2026-03-05 12:00:00+00'],
  ['lost', 'Ed', '2026-03-06 12:00:00+00'],
] as const;
const TWO_PEOPLE = [
  ['old', 'Flo', '2025-01-01 12:00:00+00'],
  ['new', 'Gus', '2026-03-02 12:00:00+00'],
] as const;

/** A template of four frames with a font that some names break, and the page's campaigns on it. */
async function prepareProject(): Promise<void> {
  const edit = async (file: string, change: (text: string) => string) =>
    await writeFile(join(project, file), change(await readFile(join(project, file), 'utf8')));
  await edit('templates/card/template.json', (text) =>
    text.replace('"durationMs": 2000', '"durationMs": 400').replace('"fps": 15', '"fps": 10'),
  );
  await edit('templates/card/index.html', (text) =>
    text
      .replaceAll(/uration: \(\) => 2,/g, 'uration: () => 0.4,')
      .replace('data-duration="2"', 'data-duration="0.4"')
      .replace("if (params.name === 'Silent') return;", FONTLESS),
  );
  const card = await readFile(join(project, 'campaigns/card.yaml'), 'utf8');
  const write = (id: string, text: string) => writeFile(join(project, `campaigns/${id}.yaml`), text);
  await write('referral', card);
  await write('two', card.replace('type: duckdb', `type: duckdb\n  path: ${join(home.folder, 'two.duckdb')}`));
  await write(
    'fragile',
    card.replace(/^lanes:.*$/m, 'lanes: { count: 1, window: 2 }\nbreaker: { share: 0.05, atLeast: 10 }'),
  );
  await mkdir(join(project, 'bin'));
  const programs = ['bin/nightreel', '.tools/bin/temporal', '.tools/tctl/tctl'];
  for (const path of programs) await symlink(join(ROOT, path), join(project, 'bin', path.split('/').at(-1) ?? ''));
}

/** A terminal in which the page's first block was run, with this campaign and night. */
async function terminal(heading: string, campaign: string, night: string): Promise<Section> {
  const PATH = `${join(project, 'bin')}:${process.env['PATH']}`;
  const plain = { ...home.environment, NIGHTREEL_FFMPEG: ffmpeg(), PATH };
  const first = page.under('The commands here', project, plain);
  await first.run('export', { TEMPORAL_ADDRESS: probe.temporalAddress, CAMPAIGN: campaign, NIGHT: night });
  return page.under(heading, project, first.variables);
}

/** A batch over a CSV of so many people whom nobody has seen before, and the page's commands for it. */
async function begin(heading: string, campaign: string, night: string, count = 2, options = { held: false }) {
  const people = Array.from({ length: count }, (_, n) => ({
    id: `${campaign}-${night}-${n}`,
    name: `${campaign} ${night} ${n}`,
  }));
  const { workflowId } = await probe.startCsvNight({ campaign, businessDate: night }, people, options);
  return { workflowId, batchId: `${campaign}/${night}/1`, at: await terminal(heading, campaign, night) };
}

/** The same, paused before it starts anything. */
const hold = (heading: string, campaign: string, night: string) => begin(heading, campaign, night, 2, { held: true });

interface Steering {
  readonly paused: { readonly by: string; readonly reason: string } | null;
  readonly window: number | null;
  readonly stopped: { readonly by: string; readonly running: string } | null;
}

const steeringOf = async (workflowId: string): Promise<Steering> =>
  ((await probe.query(workflowId, 'progress')) as { steering: Steering }).steering;
const statusOf = async (workflowId: string) => (await probe.statuses(`WorkflowId = '${workflowId}'`))[0];
const becomes = (workflowId: string, status: string) =>
  until(async () => ((await statusOf(workflowId)) === status ? true : null), `${workflowId} to be ${status}`);
const exists = (key: string) => until(async () => ((await probe.keys(key)).length > 0 ? true : null), key);
const pointerOf = async (id: string) => (await probe.pointers()).find(({ recipientId }) => recipientId === id);
const hasPointer = (id: string) => until(async () => (await pointerOf(id)) ?? null, `the pointer of ${id}`);
const variantOf = async (batchId: string, id: string): Promise<string> =>
  (await probe.manifestOf(batchId)).find(({ recipients }) => recipients.includes(id))?.key ?? 'none';
/** What a summary counts, of the batch's newest run. */
const summaryOf = async (workflowId: string) => (await probe.resultOf(workflowId)) as Record<string, unknown>;
/** Of the two that there are. */
async function pausedSchedules(): Promise<string[]> {
  const campaigns = ['card', 'referral'];
  const paused = await Promise.all(campaigns.map((campaign) => probe.isSchedulePaused(`nightly/${campaign}`)));
  return campaigns.filter((_, n) => paused[n]);
}

test(
  'a batch is watched, paused, resumed and widened, alone or with all others',
  async () => {
    const night = '2026-03-02';
    // No render worker yet: the batches wait.
    const card = await begin('What a running batch shows', 'card', night);
    const other = await begin('Stop everything now', 'fragile', night);
    const following = card.at.start('nightreel run');
    await card.at.run('temporal');
    await card.at.run('tctl');
    const first = await terminal('The commands here', 'card', night);
    await first.run('nightreel status');
    await first.run('temporal');
    await first.run('tctl');

    const steer = await terminal('Steering it', 'card', night);
    const paused = { by: 'person', reason: 'wrong logo' };
    await steer.run('nightreel pause');
    expect(await steeringOf(card.workflowId)).toMatchObject({ paused });
    await steer.run('nightreel resume');
    expect(await steeringOf(card.workflowId)).toMatchObject({ paused: null });
    await steer.run(/^temporal .*pauseBatch/);
    expect(await steeringOf(card.workflowId)).toMatchObject({ paused });
    await steer.run(/^temporal .*resumeBatch/);
    expect(await steeringOf(card.workflowId)).toMatchObject({ paused: null, window: null });
    await steer.run('nightreel window');
    expect(await steeringOf(card.workflowId)).toMatchObject({ window: 16 });
    await steer.run(/^temporal .*setWindow/);

    await other.at.run('nightreel schedule pause --all');
    expect(await pausedSchedules()).toEqual(['card', 'referral']);
    await other.at.run('nightreel pause --all');
    for (const { workflowId } of [card, other]) expect(await steeringOf(workflowId)).toMatchObject({ paused });
    await other.at.run('nightreel resume --all');
    for (const { workflowId } of [card, other]) expect(await steeringOf(workflowId)).toMatchObject({ paused: null });
    const { code, stdout } = await home.run(['resume', '--all']);
    expect({ code, refused: stdout.match(/The batch is not paused\./g)?.length }).toEqual({ code: 0, refused: 2 });
    await other.at.run('nightreel schedule resume --all');
    expect(await pausedSchedules()).toEqual([]);

    renderer = serve('--roles', 'render', '--workers', '2');
    await following.done;
    for (const { workflowId } of [card, other]) {
      expect(await summaryOf(workflowId)).toMatchObject({ variants: 2, rendered: 2, pointers: 2 });
    }
  },
  4 * MINUTE,
);

test(
  'a batch is stopped or cancelled, and says what it never started',
  async () => {
    const ways: readonly [string, string, string | RegExp, string][] = [
      ['card', '2026-03-03', 'nightreel stop $CAMPAIGN', 'COMPLETED'],
      ['fragile', '2026-03-03', 'nightreel stop $CAMPAIGN --running abort', 'COMPLETED'],
      ['two', '2026-03-03', /^temporal .*cancelRemaining$/, 'COMPLETED'],
      ['two', '2026-03-04', /^temporal .*cancelRemaining --input/, 'COMPLETED'],
      ['two', '2026-03-05', 'temporal workflow cancel', 'CANCELLED'],
      ['two', '2026-03-06', 'tctl workflow cancel', 'CANCELLED'],
    ];
    const endings = ways.map(async ([campaign, night, command, status]) => {
      const { workflowId, batchId, at } = await hold('Steering it', campaign, night);
      await exists(`batches/${batchId}/plan.json`);
      await at.run(command);
      await becomes(workflowId, status);
      expect(await probe.json(`batches/${batchId}/report.json`)).toMatchObject({ notStarted: 2 });
    });
    await Promise.all(endings);
    expect(await home.run(['pause', '--all', '--json'])).toMatchObject({ code: 0, stdout: '[]\n' });
  },
  4 * MINUTE,
);

test.each([
  ['nightreel', '2026-03-09', 'COMPLETED'],
  ['temporal', '2026-03-10', 'CANCELLED'],
  ['tctl', '2026-03-11', 'CANCELLED'],
])(
  'everything is stopped now, by %s',
  async (tool, night, status) => {
    const heading = 'Stop everything now';
    const [card, fragile] = [await hold(heading, 'card', night), await hold(heading, 'fragile', night)];
    for (const { batchId } of [card, fragile]) await exists(`batches/${batchId}/plan.json`);
    // A search sees what has just been started a moment later.
    await until(async () => {
      const listed = await card.at.run('tctl workflow list');
      return listed.includes(card.workflowId) && listed.includes(fragile.workflowId) ? true : null;
    }, 'both in the list');
    if (tool === 'nightreel') await card.at.run('nightreel stop --all');
    else if (tool === 'temporal') await card.at.run('temporal workflow cancel');
    else for (const { at } of [card, fragile]) await at.run('tctl workflow cancel');
    for (const { workflowId, batchId } of [card, fragile]) {
      await becomes(workflowId, status);
      expect(await probe.json(`batches/${batchId}/report.json`)).toMatchObject({ notStarted: 2 });
    }
  },
  4 * MINUTE,
);

test(
  'a schedule is paused for a holiday and resumed',
  async () => {
    const at = await terminal('No night on a holiday', 'referral', '2026-03-02');
    const everything = await terminal('Stop everything now', 'referral', '2026-03-02');
    await at.run('nightreel schedule pause');
    await at.run('nightreel schedule list');
    expect(await pausedSchedules()).toEqual(['referral']);
    await at.run('nightreel schedule resume');
    expect(await pausedSchedules()).toEqual([]);
    await at.run(/^temporal .*--pause/);
    expect(await pausedSchedules()).toEqual(['referral']);
    await at.run(/^temporal .*--unpause/);
    expect(await pausedSchedules()).toEqual([]);
    await everything.run('temporal schedule');
    expect(await pausedSchedules()).toEqual(['referral']);
    await everything.run('nightreel schedule resume --all');
    expect(await pausedSchedules()).toEqual([]);
  },
  4 * MINUTE,
);

test(
  'a font that is missing is mended in the template, and the night run again',
  async () => {
    const night = '2026-03-02';
    const workflowId = `batch/referral/${night}`;
    expect((await home.run(['run', 'referral', '--date', night])).code).toBe(4);
    const at = await terminal('40 variants failed with FontMissing', 'referral', night);
    const failed = `variant/referral/${night}/${await variantOf(`referral/${night}/1`, 'font-2')}`;
    expect(await at.run('temporal workflow list')).toContain(failed);
    expect(await at.run('tctl workflow list')).toContain(failed);

    const html = join(project, 'templates/card/index.html');
    await writeFile(html, (await readFile(html, 'utf8')).replace(FONTLESS, ''));
    await at.run('nightreel run');
    for (const id of ['font-1', 'font-2'])
      expect(await pointerOf(id)).toMatchObject({ businessDate: night, attempt: 2 });
    expect(await probe.json('state/referral.json')).toMatchObject({ carryOver: [] });
    for (const tool of ['temporal workflow start', 'tctl workflow start']) {
      await at.run(tool);
      expect(await summaryOf(workflowId)).toMatchObject({ cached: 2, rendered: 0, failed: 0, pointers: 2 });
    }
  },
  4 * MINUTE,
);

test(
  'nights that did not run are run by their schedule, or one by one',
  async () => {
    const at = await terminal('The night did not run', 'referral', '2026-03-04');
    await at.run('nightreel schedule list');
    await at.run('temporal schedule describe');
    await at.run('export FROM', { FROM: '2026-03-03', TO: '2026-03-04' });
    await at.run('nightreel backfill');
    for (const [id, businessDate] of [
      ['missed-1', '2026-03-03'],
      ['missed-2', '2026-03-04'],
    ] as const) {
      expect(await hasPointer(id)).toMatchObject({ businessDate, attempt: 1 });
    }
    await exists('batches/referral/2026-03-04/1/report.json');
    await at.run('nightreel run');
    await at.run('temporal schedule backfill');
    await exists('batches/referral/2026-03-03/2/report.json');
    await exists('batches/referral/2026-03-04/3/report.json');
    await at.run('tctl workflow start');
    expect(await summaryOf('batch/referral/2026-03-04')).toMatchObject({ batchId: 'referral/2026-03-04/4', failed: 0 });
  },
  4 * MINUTE,
);

test(
  'a customer without a video gets it, and one with the wrong one another',
  async () => {
    const [night, id] = ['2026-03-05', 'customer'];
    await breakFfmpeg();
    expect((await home.run(['run', 'referral', '--date', night])).code).toBe(4);
    await mendFfmpeg();
    const at = await terminal('A customer has no video', 'referral', night);
    const variant = await variantOf(`referral/${night}/1`, id);
    await at.run('export RECIPIENT', { RECIPIENT: id });
    const told = await at.run('nightreel recipient');
    for (const said of [variant, 'ToolMissing', 'no video', `owed      a video, since ${night}`])
      expect(told).toContain(said);
    expect(await pointerOf(id)).toBeUndefined();

    await at.run('export VARIANT', { VARIANT: variant, RUN: 'none' });
    expect(await at.run('nightreel why')).toContain('ToolMissing');
    await at.run('echo $VARIANT');
    await at.run('nightreel backfill');
    expect(await pointerOf(id)).toMatchObject({ businessDate: night, variantKey: variant });
    const workflowId = `variant/referral/${night}/${variant}`;
    await at.run('temporal workflow reset');
    await becomes(workflowId, 'COMPLETED');
    await at.run('export VARIANT', { VARIANT: variant, RUN: await probe.runIdOf(workflowId) });
    await at.run('tctl workflow reset');
    await becomes(workflowId, 'COMPLETED');

    await at.run("echo 'recipient_id");
    await at.run('echo "$RECIPIENT');
    await at.run('nightreel run');
    expect((await pointerOf(id))?.variantKey).not.toBe(variant);
    await at.run('nightreel delta');
    const { stdout } = await home.run(['recipient', 'referral', id, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ batch: { outcome: 'rendered' }, owed: null });
    expect((await home.run(['recipient', 'referral', 'nobody'])).stdout).toMatch(/no video.*not in it/s);
  },
  4 * MINUTE,
);

test(
  'a batch that was terminated is run again or closed',
  async () => {
    const night = '2026-03-06';
    const workflowId = `batch/referral/${night}`;
    await probe.startHeld('nightlyBatch', workflowId, { campaign: 'referral', businessDate: night });
    await exists(`batches/referral/${night}/1/plan.json`);
    await probe.terminate(workflowId);
    const at = await terminal('A batch was terminated', 'referral', night);
    await at.run('nightreel run');
    expect(await pointerOf('lost')).toMatchObject({ businessDate: night, attempt: 2 });
    for (const tool of [/^temporal .*nightlyBatch/, /^tctl .*nightlyBatch/]) {
      await at.run(tool);
      expect(await summaryOf(workflowId)).toMatchObject({ cached: 1, failed: 0 });
    }
    expect(await probe.keys(`batches/referral/${night}/1/report.json`)).toEqual([]);
    await at.run('nightreel backfill');
    await exists(`batches/referral/${night}/1/report.json`);
    for (const tool of [/^temporal .*unclosed/, /^tctl .*unclosed/]) {
      await at.run(tool);
      expect(await summaryOf(`backfill/referral/${night}/1`)).toMatchObject({ failed: 0 });
    }
    await at.run('nightreel up');
    await at.run('nightreel schedule apply');
  },
  4 * MINUTE,
);

test(
  'what failed because of a machine is repaired by any of the tools',
  async () => {
    await breakFfmpeg();
    const night = '2026-03-12';
    const { workflowId, batchId, at } = await begin('Repairing what failed', 'card', night, 4);
    expect(await summaryOf(workflowId)).toMatchObject({ failed: 4, rendered: 0 });
    await mendFfmpeg();
    const ids = [0, 1, 2, 3].map((n) => `card-${night}-${n}`);
    const [a = '', b = '', c = '', d = ''] = await Promise.all(ids.map((id) => variantOf(batchId, id)));
    const [idA = '', idB = '', idC = '', idD = ''] = ids;
    const runOf = async (variant: string) => await probe.runIdOf(`variant/card/${night}/${variant}`);
    await at.run('export VARIANT', { VARIANT: a, RUN: await runOf(a) });
    await at.run('temporal workflow reset --workflow-id');
    await hasPointer(idA);
    await at.run('export VARIANT', { VARIANT: b, RUN: await runOf(b) });
    await at.run('tctl workflow reset --workflow_id');
    await hasPointer(idB);
    await writeFile(join(project, 'keys.txt'), `${c}\n`);
    // Of the four one is left after that, and it says so.
    await expect(at.run(/--variants/)).rejects.toThrow('ended with 4');
    await hasPointer(idC);
    expect(await pointerOf(idD)).toBeUndefined();
    await at.run(/--class/);
    expect((await hasPointer(idD)).variantKey).toBe(d);
    await at.run(/--variants/);
    await at.run('nightreel backfill --batch $BATCH');
    const starts = [
      /^temporal workflow start .*BATCH_REF'}'$/,
      /^temporal workflow start .*failureClass/,
      /^tctl workflow start/,
    ];
    for (const start of starts) {
      await at.run(start);
      expect(await summaryOf(`backfill/${batchId}`)).toMatchObject({ rendered: 4, failed: 0, pointers: 4 });
    }
  },
  4 * MINUTE,
);

test.each([
  ['temporal workflow reset --query', '2026-02-24'],
  ['tctl workflow reset-batch', '2026-02-25'],
] as const)(
  'all that failed in a night is repaired at once by `%s`',
  async (tool, night) => {
    await breakFfmpeg();
    const { workflowId, at } = await begin('Repairing what failed', 'card', night, 2);
    expect(await summaryOf(workflowId)).toMatchObject({ failed: 2, rendered: 0 });
    await mendFfmpeg();
    await at.run('export FAILED');
    await at.run(tool);
    for (const n of [0, 1]) await hasPointer(`card-${night}-${n}`);
  },
  2 * MINUTE,
);

test(
  'the breaker pauses a batch; it goes on when the machine is mended, or is stopped',
  async () => {
    const heading = 'The breaker paused the batch';
    await breakFfmpeg();
    const { workflowId, batchId, at } = await begin(heading, 'fragile', '2026-03-12', 16);
    await until(async () => ((await steeringOf(workflowId)).paused?.by === 'breaker' ? true : null), 'the breaker');
    await at.run('temporal workflow metadata');
    await at.run('tctl workflow query');
    await mendFfmpeg();
    await at.run('nightreel resume');
    const { failed, rendered } = await summaryOf(workflowId);
    expect(Number(failed)).toBeGreaterThanOrEqual(10);
    expect(Number(rendered)).toBeGreaterThan(0);
    await at.run('nightreel backfill');
    expect(await probe.json(`batches/${batchId}/report.json`)).toMatchObject({ summary: { failed: 0, rendered: 16 } });

    const resumed = await hold(heading, 'card', '2026-03-13');
    await resumed.at.run(/^temporal .*resumeBatch/);
    expect(await summaryOf(resumed.workflowId)).toMatchObject({ rendered: 2 });
    for (const [campaign, command, status] of [
      ['card', 'nightreel stop', 'COMPLETED'],
      ['fragile', /^temporal .*cancelRemaining/, 'COMPLETED'],
      ['two', 'tctl workflow cancel', 'CANCELLED'],
    ] as const) {
      const stopped = await hold(heading, campaign, '2026-03-16');
      await stopped.at.run(command);
      await becomes(stopped.workflowId, status);
    }
  },
  4 * MINUTE,
);

test(
  'everyone gets the new template by a campaign that begins with everyone',
  async () => {
    const at = await terminal('Everyone is to have the new template', 'two', '2026-03-17');
    await at.run('export EVERYONE');
    await at.run('sed');
    await at.run('nightreel delta');
    await at.run('nightreel estimate');
    await at.run('nightreel run');
    for (const id of ['old', 'new']) expect(await pointerOf(id)).toMatchObject({ campaign: 'two-2026-03-17' });
    for (const tool of ['temporal workflow start', 'tctl workflow start']) {
      await at.run(tool);
      expect(await summaryOf('batch/two-2026-03-17')).toMatchObject({ cached: 2, failed: 0, pointers: 2 });
    }
  },
  4 * MINUTE,
);

/** The batch whose worker was killed: it goes on half a minute later. */
let stuck: string;

test(
  'a late batch gets more workers and wider lanes; one of them is stuck and killed',
  async () => {
    const night = '2026-03-18';
    const late = await hold('The batch is late', 'card', night);
    const other = await hold('The batch is late', 'fragile', night);
    const { child, done } = late.at.start('nightreel serve');
    const worker = `${child.pid}@`;
    await until(async () => ((await late.at.run('temporal task-queue')).includes(worker) ? true : null), 'the worker');
    expect(await late.at.run('tctl taskqueue')).toContain(worker);
    await late.at.run('export OTHER', { OTHER: 'fragile' });
    for (const tool of ['nightreel', 'temporal workflow']) {
      await late.at.run(new RegExp(`^${tool}.*(window|setWindow)`));
      await late.at.run(new RegExp(`^${tool}.*(pause |pauseBatch)`));
    }
    expect(await steeringOf(late.workflowId)).toMatchObject({ window: 16 });
    expect(await steeringOf(other.workflowId)).toMatchObject({ paused: { reason: 'referral first' } });
    await late.at.run('nightreel stop');
    await becomes(late.workflowId, 'COMPLETED');
    await late.at.run('nightreel backfill');
    await hasPointer(`card-${night}-0`);
    await probe.cancel(other.workflowId);

    // From now on nobody else renders: what it is given while it is stopped stays with it.
    renderer.kill('SIGTERM');
    await once(renderer, 'close');
    const { workflowId, batchId, at } = await begin('A worker is stuck', 'card', '2026-03-19', 6, { held: true });
    await exists(`batches/${batchId}/plan.json`);
    child.kill('SIGSTOP');
    await probe.update(workflowId, 'resumeBatch');
    await at.run('temporal workflow list');
    const lines = await probe.manifestOf(batchId);
    await until(async () => {
      for (const { key } of lines) {
        await at.run('export VARIANT', { VARIANT: key });
        const described = await at.run('temporal workflow describe').catch(() => '');
        if (described.includes(worker)) return true;
      }
      return null;
    }, 'a variant on that worker');
    expect(await at.run('tctl workflow describe')).toContain(worker);
    await at.run('export PID', { PID: String(child.pid) });
    await at.run('kill $PID');
    expect(child.exitCode ?? child.signalCode).toBeNull();
    await at.run('kill -9 $PID');
    await done;
    renderer = serve('--roles', 'render', '--workers', '2');
    stuck = workflowId;
  },
  4 * MINUTE,
);

test(
  'everything moves to another namespace and bucket, and nothing is rendered twice',
  async () => {
    const night = '2026-03-06';
    const heading = 'Moving to another region';
    const old = await terminal(heading, 'referral', night);
    await old.run('nightreel schedule pause');
    await old.run('nightreel stop');
    await old.run('temporal workflow list');
    await old.run('tctl workflow list');
    await probe.copyBucket('nightreel-eu');

    const at = await terminal(heading, 'referral', night);
    at.variables = { ...at.variables, ...probe.storeVariables };
    await at.run('export', { TEMPORAL_ADDRESS: probe.temporalAddress });
    await at.run('temporal operator namespace');
    await at.run('tctl namespace', { TEMPORAL_CLI_NAMESPACE: 'nightreel-us' });
    await until(async () => await at.run('nightreel up').catch(() => null), 'the namespace');
    await at.run('temporal operator search-attribute');
    await at.run('nightreel status');
    const { child, done } = at.start('nightreel serve');
    try {
      await at.run('nightreel schedule apply');
      await at.run('nightreel run');
    } finally {
      child.kill('SIGTERM');
    }
    await done;
    await old.run('nightreel schedule delete');
    await old.run('temporal schedule delete', { CAMPAIGN: 'card' });
    expect((await home.run(['schedule', 'list'])).stdout).toContain('No schedules');
  },
  4 * MINUTE,
);

test(
  'what the stuck worker held was made by another one',
  async () => {
    expect(await summaryOf(stuck)).toMatchObject({ variants: 6, rendered: 6, failed: 0 });
  },
  4 * MINUTE,
);

test('no command of the page was left out, and none is named that does not stand in a block', () => {
  expect(page.untested).toEqual([]);
  expect(page.unknown).toEqual([]);
});
