/** Whole nights on real parts: Temporal, SeaweedFS, DuckDB, Chromium and ffmpeg, through the command line. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome } from '../support/nightreel.ts';

const MINUTE = 60_000;
const SUMMARY_KEYS = [
  'batchId',
  'campaign',
  'businessDate',
  'recipients',
  'rejected',
  'variants',
  'cached',
  'rendered',
  'failed',
  'pointers',
  'wallSeconds',
  'renderMsP50',
  'renderMsP95',
  'failureRate',
  'report',
];

let home: TestHome;
let probe: NightProbe;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
}, MINUTE);

afterAll(async () => {
  await probe?.close();
  await home?.end();
}, MINUTE);

describe('a night of the generated business', () => {
  let first: Record<string, unknown>;

  beforeAll(async () => {
    const run = await home.run(['demo', '--campaign', 'card', '--recipients', '40', '--workers', '2', '--json']);
    expect(run).toMatchObject({ code: 0 });
    first = lastJson(run.stdout);
  }, 4 * MINUTE);

  test('ends with the summary in the promised order, and its numbers agree with each other', () => {
    expect(Object.keys(first)).toEqual(SUMMARY_KEYS);
    const { recipients, variants, cached, rendered, failed, pointers } = first as Record<string, number>;
    expect(recipients).toBe(40);
    expect(variants).toBeLessThan(40);
    expect({ cached, rendered, failed }).toEqual({ cached: 0, rendered: variants, failed: 0 });
    expect(pointers).toBe(recipients);
  });

  test('every variant is stored once as a playable video with a poster, and every recipient has a pointer to one', async () => {
    const videos = await probe.keys('videos/');
    expect(videos.filter((key) => key.endsWith('.mp4'))).toHaveLength(Number(first['variants']));
    expect(videos.filter((key) => key.endsWith('.jpg'))).toHaveLength(Number(first['variants']));
    const pointers = await probe.pointers();
    expect(pointers).toHaveLength(40);
    for (const pointer of pointers) {
      expect(videos).toContain(`videos/${pointer.variantKey.slice(0, 2)}/${pointer.variantKey}.mp4`);
    }
    const [some] = pointers;
    const answer = await fetch(some?.url ?? '');
    expect(answer.headers.get('content-type')).toBe('video/mp4');
    expect(answer.headers.get('cache-control')).toContain('immutable');
    const file = join(home.folder, 'some.mp4');
    await writeFile(file, Buffer.from(await answer.arrayBuffer()));
    const { stderr, stdout } = await promisify(execFile)('ffprobe', [
      ...[
        '-v',
        'error',
        '-count_frames',
        '-show_entries',
        'stream=codec_name,pix_fmt,nb_read_frames',
        '-of',
        'csv=p=0',
        file,
      ],
    ]);
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: 'h264,yuv420p,30', stderr: '' });
  });

  test('the outcome of every variant says what making it took', async () => {
    const outcomes = await probe.outcomesOf(String(first['batchId']));
    expect(outcomes).toHaveLength(Number(first['variants']));
    const videos = await probe.keys('videos/');
    for (const outcome of outcomes) {
      if (outcome.outcome === 'failed') throw new Error(outcome.message);
      const { stages = {}, cpuMs = 0, frames, bytes, endedAt = 0 } = outcome.measures ?? {};
      expect(Object.keys(stages)).toEqual(['acquire', 'params', 'capture', 'encode', 'verify', 'upload']);
      const took = Object.values(stages).reduce((sum, ms) => sum + ms, 0);
      expect(took).toBeGreaterThan(0);
      expect(took).toBeLessThanOrEqual(outcome.renderMs + Object.keys(stages).length);
      expect(cpuMs).toBeGreaterThan(0);
      // Not more than all cores of this machine had to give.
      expect(cpuMs).toBeLessThan(outcome.renderMs * availableParallelism() + 300);
      expect(frames).toBe(30);
      const key = videos.find((name) => name.endsWith(`${outcome.key}.mp4`)) ?? '';
      expect(bytes).toBe((await probe.bytes(key)).byteLength);
      expect(Date.now() - endedAt).toBeLessThan(10 * MINUTE);
    }
  });

  test('the report opens from the bucket and says what the summary says', async () => {
    const html = await fetch(String(first['report']));
    expect(html.status).toBe(200);
    expect(html.headers.get('content-type')).toContain('text/html');
    const report = await probe.json(`batches/${first['batchId']}/report.json`);
    expect(report).toMatchObject({ summary: { variants: first['variants'], rendered: first['rendered'], failed: 0 } });
    const { rendered } = first;
    expect(report).toMatchObject({
      ...{ stages: { measured: rendered }, throughput: { measured: rendered } },
      cost: { measured: rendered, night: expect.any(Number), compute: { money: expect.any(Number) } },
    });
    const { stdout } = await home.run(['report']);
    expect(stdout).toContain(`${first['batchId']} · `);
    expect(stdout).toContain(String(first['report']));
  });

  test(
    'an estimate that is kept stands in the report of its night',
    async () => {
      const { batchId, businessDate } = first as Record<string, string>;
      const asked = ['card', '--recipients', '40', '--date', String(businessDate)];
      const run = await home.run(['estimate', ...asked, '--cpu-price', '0.5', '--save', '--json']);
      expect(run).toMatchObject({ code: 0 });
      expect(lastJson(run.stdout)).toMatchObject({ currency: 'USD', whole: { money: 0 } });
      const { stdout } = await home.run(['report', String(batchId), '--rebuild', '--json']);
      expect(lastJson(stdout)).toMatchObject({
        summary: { wallSeconds: first['wallSeconds'] },
        cost: { rendered: first['rendered'], estimate: { variants: 0, cpuSeconds: 0, moneyPerVariant: null } },
      });
    },
    2 * MINUTE,
  );

  test(
    'people who have left since lose their pointer, and the others keep theirs',
    async () => {
      const before = await probe.pointers();
      const hasLeft = ({ recipientId }: { recipientId: string }) => /[37]$/.test(recipientId);
      const staying = before.filter((pointer) => !hasLeft(pointer));
      expect(before.length - staying.length).toBeGreaterThan(2);
      // With this limit reading ends behind the rows of all forty.
      const run = await home.run([
        'demo',
        '--campaign',
        'leavers',
        '--recipients',
        String(staying.length),
        '--workers',
        '1',
        '--json',
      ]);
      expect(run).toMatchObject({ code: 0 });
      expect(lastJson(run.stdout)).toMatchObject({ recipients: staying.length, rendered: 0, failed: 0 });
      const after = await probe.pointers();
      const ids = (pointers: readonly { recipientId: string }[]) =>
        pointers.map(({ recipientId }) => recipientId).sort();
      expect(ids(after)).toEqual(ids(staying));
      expect((await probe.keys('withdrawn/leavers/')).length).toBeGreaterThanOrEqual(before.length - staying.length);
      // Nothing in Temporal says who.
      for (const history of await probe.histories()) expect(history.text).not.toMatch(/ref_0\d{4}/);
    },
    3 * MINUTE,
  );

  test(
    'the same night again renders nothing and says so',
    async () => {
      const before = await probe.versions('videos/');
      const run = await home.run(['demo', '--campaign', 'card', '--recipients', '40', '--workers', '1', '--json']);
      expect(run.code).toBe(0);
      const { variants, cached, rendered, pointers, recipients } = lastJson(run.stdout) as Record<string, number>;
      expect({ variants, cached, rendered }).toEqual({
        variants: first['variants'],
        cached: first['variants'],
        rendered: 0,
      });
      expect(pointers).toBe(recipients);
      expect(await probe.versions('videos/')).toEqual(before);
      const words = await home.run(['demo', '--campaign', 'card', '--recipients', '40', '--workers', '1']);
      expect(words.stdout).toContain('Nothing to render');
    },
    3 * MINUTE,
  );

  test(
    'an estimate of the night says what is left to make, and writes nothing',
    async () => {
      const before = await probe.versions('');
      const run = await home.run(['estimate', 'card', '--recipients', '40', '--workers', '3', '--json']);
      expect(run).toMatchObject({ code: 0 });
      const { variants, recipients } = first as Record<string, number>;
      expect(lastJson(run.stdout)).toMatchObject({
        ...{ campaign: 'card', recipients, variants, cached: variants, workers: 3 },
        ...{ scenes: null, whole: { cpuHours: 0, wallHours: 0 } },
        costs: { whole: expect.any(Number), scenes: {} },
      });
      expect(await probe.versions('')).toEqual(before);
      const words = await home.run(['estimate', 'card', '--recipients', '40', '--deadline', '06:00']);
      expect(words.stdout).toMatch(/already stored, 0 to make\n {2}whole/);
    },
    3 * MINUTE,
  );

  test(
    "a template's scenes are checked with tonight's people, and what these share is counted",
    async () => {
      const scenes = ['check', 'story', '--only', 'scenes'];
      const run = await home.run([...scenes, '--campaign', 'story', '--samples', '2', '--json']);
      expect(run).toMatchObject({ code: 0 });
      const { tonight, samples, findings } = lastJson(run.stdout) as {
        tonight: Record<string, number>;
        samples: number;
        findings: unknown[];
      };
      expect([samples, findings]).toEqual([2, []]);
      const { variants = 0, sceneSlots, distinctScenes = 0 } = tonight;
      expect(variants).toBeGreaterThan(40);
      expect(sceneSlots).toBe(4 * variants);
      expect(distinctScenes).toBeLessThan(2 * variants);
      const other = await home.run([...scenes, '--campaign', 'card']);
      expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("has template 'card', not 'story'") });
    },
    3 * MINUTE,
  );

  test('the Temporal side shows readable IDs, search attributes and details', async () => {
    const { businessDate, batchId } = first as Record<string, string>;
    const ids = await probe.workflowIds(`CampaignId = 'card' AND BatchDate = '${businessDate}'`);
    expect(ids).toContain(`batch/card/${businessDate}`);
    expect(ids).toContain(`lane/${batchId}/0`);
    expect(ids.filter((id) => id.startsWith(`variant/card/${businessDate}/`))).toHaveLength(Number(first['variants']));
    const variant = ids.find((id) => id.startsWith('variant/')) ?? '';
    const key = variant.split('/')[3];
    expect(await probe.workflowIds(`VariantKey = '${key}'`)).toEqual([variant]);
  });

  test('no name and no amount of a recipient is in any history', async () => {
    const histories = await probe.histories();
    expect(histories.length).toBeGreaterThan(Number(first['variants']));
    // What workflows are given can be read here; else nothing could be found in it.
    expect(histories.filter(({ text }) => text.includes('\\"businessDate\\"')).length).toBe(histories.length);
    const manifest = await probe.manifestOf(String(first['batchId']));
    const names = manifest.map(({ params }) => String(params['name'])).filter((name) => name.length > 3);
    expect(names.length).toBeGreaterThan(10);
    const recipients = manifest.flatMap((variant) => variant.recipients);
    for (const history of histories) {
      for (const value of [...names, ...recipients]) {
        expect({ history: history.id, holds: history.text.includes(value) ? value : null }).toEqual({
          history: history.id,
          holds: null,
        });
      }
      expect(history.text).not.toMatch(/\\?"(params|recipients|earnings|referralCount)\\?":\s*\\?["{[]/);
    }
  });
});

describe('a night with variants that cannot be rendered', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightreel-csv-'));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  const worker = async () => {
    const child = home.start(['serve', '--workers', '1']);
    child.stdout?.resume();
    child.stderr?.resume();
    return {
      end: async () => {
        child.kill('SIGTERM');
        await new Promise((gone) => child.once('close', gone));
      },
    };
  };

  test(
    'they fail alone and by their class, the batch completes, and nothing of theirs is stored or told',
    async () => {
      const csv = join(folder, 'users.csv');
      await writeFile(
        csv,
        [
          'recipient_id,name,referralCount,earnings',
          'u/1 é,Ada,1,10',
          'u2,Thrower,77,98765',
          'u3,Silent,78,98766',
          'u4,,3,4',
          'u5,Bo,-3,4',
          'u6,Old numbers,1,1',
          'u6,"<b>""New"" & numbers</b>",2,2',
          'u7,Ada,1,10',
        ].join('\n'),
      );
      const serving = await worker();
      try {
        const run = await home.run(['run', 'card', '--csv', csv, '--date', '2026-03-04', '--json']);
        expect(run.code).toBe(4);
        expect(lastJson(run.stdout)).toMatchObject({
          recipients: 5,
          rejected: 2,
          variants: 4,
          rendered: 2,
          failed: 2,
          pointers: 3,
          failureRate: 0.5,
        });
        const batchId = String(lastJson(run.stdout)['batchId']);
        expect(await probe.json(`batches/${batchId}/report.json`)).toMatchObject({ summary: { failed: 2 } });
        const failed = await probe.failedVariants('2026-03-04');
        expect(failed.map(({ failureClass }) => failureClass).sort()).toEqual(['TemplateCrashed', 'TemplateNotReady']);
        for (const { key } of failed) expect(await probe.keys(`videos/${key.slice(0, 2)}/${key}`)).toEqual([]);
        for (const history of await probe.histories()) {
          expect(history.text).not.toContain('Thrower');
          // By itself: times and keys have such digits among others.
          expect(history.text).not.toMatch(/(?<![0-9a-f])98765(?![0-9a-f])/);
        }
        const state = await probe.json('state/card.json');
        expect(JSON.stringify(state)).toContain('u2');
      } finally {
        await serving.end();
      }
    },
    3 * MINUTE,
  );
});
