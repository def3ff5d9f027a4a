/** A running batch is steered: by people, by the breaker, by its end; and nobody is lost whatever they do. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestCollector } from '../support/collector.ts';
import { NightProbe } from '../support/night-probe.ts';
import { FIXTURE_PROJECT, lastJson, TestHome, until } from '../support/nightreel.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;

let project: string;
let home: TestHome;
let probe: NightProbe;
let worker: Worker;
let collector: TestCollector;
/** A night whose morning comes while the other tests run: the last test looks at it. */
let due: { readonly night: string; readonly workflowId: string };

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'nightreel-steer-'));
  await cp(FIXTURE_PROJECT, project, { recursive: true });
  home = await TestHome.create(project);
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  collector = await TestCollector.start();
  worker = Worker.start(home, [], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
  due = await startDueNight();
}, 2 * MINUTE);

afterAll(async () => {
  await worker?.stop();
  await collector?.[Symbol.asyncDispose]();
  await probe?.close();
  await home?.end();
  await rm(project, { recursive: true });
}, 2 * MINUTE);

/** A batch that is paused from its first moment, of a campaign whose morning comes in two to three minutes, in UTC. */
async function startDueNight(): Promise<typeof due> {
  const at = new Date(Date.now() + 170_000).toISOString().slice(11, 16);
  const begun = new Date(Date.now() - 3_600_000).toISOString();
  const card = await readFile(join(project, 'campaigns/card.yaml'), 'utf8');
  const schedule = `schedule: { days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], at: "${begun.slice(11, 16)}", timeZone: UTC }`;
  const text = card.replace(/^schedule:.*$/m, `deadline: { at: "${at}", whenLate: stop }\n${schedule}`);
  await writeFile(join(project, 'campaigns/due.yaml'), text);
  const night = begun.slice(0, 10);
  const { workflowId } = await startNight('due', night, people(9, 'Late'));
  await probe.update(workflowId, 'pauseBatch', { reason: 'until it is too late' });
  return { night, workflowId };
}

/** Starts a batch over a CSV of these names; returns what starts it again. */
const startNight = (campaign: string, businessDate: string, names: readonly string[]) =>
  probe.startCsvNight(
    { campaign, businessDate },
    names.map((name, n) => ({ id: `${businessDate}-${n}`, name })),
  );

const people = (count: number, name = 'Guest'): string[] => Array.from({ length: count }, (_, n) => `${name} ${n}`);

interface Progress {
  readonly phase: string;
  readonly steering: { readonly paused: { readonly by: string; readonly reason: string } | null };
  readonly failures: Record<string, number>;
}

const progress = (workflowId: string): Promise<Progress | null> =>
  probe.query(workflowId, 'progress').then(
    (answer) => answer as Progress,
    () => null,
  );

const variantsOf = async (businessDate: string, status: string): Promise<number> =>
  (
    await probe.workflowIds(
      `WorkflowType = 'renderVariant' AND BatchDate = '${businessDate}' AND ExecutionStatus = '${status}'`,
    )
  ).length;

test(
  'a batch is paused before it starts anything, slowed down, and resumed: everyone has a video',
  async () => {
    const night = '2026-03-02';
    const { workflowId } = await startNight('card', night, people(14));
    // In its first moment, before there is a plan.
    await probe.update(workflowId, 'pauseBatch', { reason: 'too early' });
    const paused = await home.run(['pause', 'card', '--date', night, '--reason', 'the logo is wrong']);
    expect(paused).toMatchObject({
      code: 0,
      stdout: `${workflowId}: paused by the person: the logo is wrong\n`,
    });
    await until(async () => ((await progress(workflowId))?.phase === 'rendering' ? true : null), 'rendering');
    expect(await progress(workflowId)).toMatchObject({
      steering: { paused: { by: 'person', reason: 'the logo is wrong' } },
    });
    const started = await probe.workflowIds(`WorkflowType = 'renderVariant' AND BatchDate = '${night}'`);
    expect(started).toEqual([]);
    expect(lastJson((await home.run(['status', '--json'])).stdout)['batches']).toContainEqual(
      expect.objectContaining({
        ...{ workflowId, phase: 'rendering', settled: 0, variants: 14 },
        notice: 'paused by the person: the logo is wrong',
      }),
    );

    const slow = await home.run(['window', 'card', '1', '--json']);
    expect(lastJson(slow.stdout)).toMatchObject({ workflowId, steering: { window: 1, paused: { by: 'person' } } });
    for (const [args, sentence] of [
      [['window', 'card', '10000'], /window must be a whole number from 1 to 500/],
      [['window', 'card', '0'], /whole number from 1 up/],
      [['pause', 'card', '--reason', 'x'.repeat(501)], /at most 500 characters/],
      [['pause', 'card', '--date', '2025-01-01'], /No batch of campaign 'card' of 2025-01-01 is running/],
    ] as const) {
      expect(await home.run(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(sentence) });
    }
    // By hand, as the Web UI and `temporal workflow update` send it.
    await expect(probe.update(workflowId, 'setWindow', { window: '8' })).rejects.toMatchObject({
      cause: { type: 'CampaignInvalid' },
    });
    await probe.update(workflowId, 'resumeBatch');
    expect(await home.run(['resume', 'card'])).toMatchObject({ stderr: expect.stringContaining('not paused') });
    await until(async () => ((await variantsOf(night, 'Running')) > 0 ? true : null), 'a variant');
    // One per lane, and two lanes.
    expect(await variantsOf(night, 'Running')).toBeLessThanOrEqual(2);
    expect(await probe.resultOf(workflowId)).toMatchObject({ variants: 14, rendered: 14, failed: 0, pointers: 14 });
  },
  3 * MINUTE,
);

test(
  'the breaker pauses a batch whose videos fail alike, tells why, and counts anew when a person resumes',
  async () => {
    const night = '2026-03-03';
    const { workflowId } = await startNight(
      'fragile',
      night,
      Array.from({ length: 60 }, () => 'Thrower'),
    );
    const isPaused = async () => ((await progress(workflowId))?.steering.paused ? true : null);
    await until(isPaused, 'the breaker');
    expect((await progress(workflowId))?.steering.paused).toEqual({
      by: 'breaker',
      reason: expect.stringMatching(/^\d+ of \d+ variants failed with TemplateCrashed, more than 20 %\.$/),
    });
    await until(async () => ((await variantsOf(night, 'Running')) === 0 ? true : null), 'those in flight to end');
    const first = await variantsOf(night, 'Failed');
    // What was in flight ends: two lanes of four.
    expect(first).toBeGreaterThanOrEqual(10);
    expect(first).toBeLessThan(40);

    await home.run(['resume', 'fragile']);
    await until(isPaused, 'the breaker again');
    await until(async () => ((await variantsOf(night, 'Failed')) >= first + 10 ? true : null), 'ten more');

    expect(await home.run(['stop', 'fragile'])).toMatchObject({ code: 0, stdout: expect.stringContaining('stopped') });
    const summary = (await probe.resultOf(workflowId)) as { batchId: string; failed: number };
    expect(summary).toMatchObject({ variants: 60, rendered: 0, failed: 60 });
    const report = (await probe.json(`batches/${summary.batchId}/report.json`)) as { notStarted: number };
    expect(report.notStarted).toBe(60 - (await variantsOf(night, 'Failed')));
    expect(await probe.text(`batches/${summary.batchId}/report.html`)).toContain('The night was stopped');
  },
  3 * MINUTE,
);

describe('what was never started is not lost', () => {
  test.each([
    ['2026-03-04', 'stopped, what runs is finished', ['stop', 'card']],
    ['2026-03-05', 'stopped, what runs is cancelled', ['stop', 'card', '--running', 'abort']],
    ['2026-03-06', 'cancelled in Temporal', null],
  ] as const)(
    '%s: %s',
    async (night, _, stop) => {
      const { workflowId } = await startNight('card', night, people(24, `G${night}`));
      await until(async () => ((await variantsOf(night, 'Completed')) >= 2 ? true : null), 'some videos');
      if (stop === null) await probe.cancel(workflowId);
      else expect((await home.run([...stop, '--date', night])).code).toBe(0);
      const ended = await probe.resultOf(workflowId).catch(() => null);
      expect(ended === null).toBe(stop === null);
      expect(await probe.statuses(`WorkflowId = '${workflowId}'`)).toEqual([stop === null ? 'CANCELLED' : 'COMPLETED']);
      const { notStarted, summary } = (await probe.json(`batches/card/${night}/1/report.json`)) as {
        notStarted: number;
        summary: { rendered: number; failed: number };
      };
      expect(summary.rendered).toBeGreaterThanOrEqual(2);
      expect(notStarted).toBeGreaterThan(0);
      expect(summary.rendered + summary.failed).toBe(24);
      expect(await variantsOf(night, 'Running')).toBe(0);

      const repair = await home.run(['backfill', 'card', '--date', night, '--json']);
      expect(lastJson(repair.stdout)).toMatchObject({ variants: 24, rendered: 24, failed: 0, pointers: 24 });
      expect(await probe.json(`batches/card/${night}/1/report.json`)).toMatchObject({ notStarted: 0 });
    },
    3 * MINUTE,
  );
});

test(
  'a damaged page of the manifest stops its lane and nothing else; the night run again has everyone',
  async () => {
    const night = '2026-03-09';
    const { workflowId, again } = await startNight('card', night, people(12, 'Page'));
    await probe.update(workflowId, 'pauseBatch');
    await until(
      async () => ((await probe.keys(`batches/card/${night}/1/plan.json`)).length > 0 ? true : null),
      'a plan',
    );
    expect(await home.run(['backfill', 'card', '--date', night])).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('still runs; repair the batch when it has ended') },
    });
    await probe.put(`batches/card/${night}/1/manifest/000002.json`, '{"page":2,"variants":[');
    await home.run(['resume', 'card', '--date', night]);
    await expect(probe.resultOf(workflowId)).rejects.toMatchObject({
      cause: { type: 'ManifestDamaged', message: expect.stringContaining('manifest/000002.json is not JSON') },
    });
    expect(await probe.statuses(`WorkflowId = '${workflowId}'`)).toEqual(['FAILED']);
    expect(await variantsOf(night, 'Completed')).toBe(6);
    const damaged = { pages: 1, variants: 6, why: [expect.stringContaining('manifest/000002.json')] };
    expect(await probe.json(`batches/card/${night}/1/report.json`)).toMatchObject({
      ...{ partial: true, notStarted: 6, damaged, summary: { variants: 12, rendered: 6, failed: 6 } },
    });
    // Of what can be read there is nothing to repair.
    expect(await home.run(['backfill', 'card', '--date', night])).toMatchObject({
      ...{ code: 4, stdout: expect.stringContaining('its manifest is damaged; nightreel run plans them anew') },
    });

    await again();
    expect(await probe.resultOf(workflowId)).toMatchObject({ variants: 12, failed: 0, pointers: 12 });
  },
  3 * MINUTE,
);

test(
  'at its deadline a batch stops when its campaign wants that, and says before that it is at risk',
  async () => {
    const { night, workflowId } = due;
    expect(await probe.resultOf(workflowId)).toMatchObject({ variants: 9, rendered: 0, failed: 9 });
    expect(await probe.json(`batches/due/${night}/1/report.json`)).toMatchObject({ notStarted: 9 });
    expect(await probe.query(workflowId, 'progress')).toMatchObject({
      phase: 'done',
      steering: { stopped: { by: 'deadline', running: 'finish' } },
      outlook: { atRisk: true, deadline: expect.stringMatching(/Z$/) },
    });
    // Metrics are sent every few seconds.
    await until(async () => collector.text('metrics').includes('nightreel.batches.at_risk') || null, 'the metric');
    // Whoever has none is owed one: the next run makes them.
    expect((await probe.json('state/due.json'))['carryOver']).toHaveLength(9);
  },
  5 * MINUTE,
);
