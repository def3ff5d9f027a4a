/** What lanes do beyond the plain way: continue as new, outlive a cancelled child, replay. */

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome, until } from '../support/nightreel.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;

let home: TestHome;
let probe: NightProbe;
let worker: Worker;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  worker = Worker.start(home);
}, MINUTE);

afterAll(async () => {
  await worker?.stop();
  await probe?.close();
  await home?.end();
}, 2 * MINUTE);

/** A batch over a CSV, started as people start one from the Temporal side. */
async function startNight(businessDate: string, names: readonly string[], childrenPerRun?: number): Promise<string> {
  const night = { businessDate, ...(childrenPerRun !== undefined && { childrenPerRun }) };
  const { workflowId } = await probe.startCsvNight(
    night,
    names.map((name, n) => ({ id: `r${n}`, name })),
  );
  return workflowId;
}

const people = (count: number): string[] => Array.from({ length: count }, (_, n) => `Guest ${n}`);

test(
  'a lane that continues as new every few children renders every variant once and forgets none',
  async () => {
    const workflowId = await startNight('2026-03-02', people(23), 5);
    expect(await probe.resultOf(workflowId)).toMatchObject({ variants: 23, rendered: 23, failed: 0, pointers: 23 });
    const runs = await probe.statuses(`WorkflowId = 'lane/card/2026-03-02/1/0'`);
    expect(runs.filter((status) => status === 'CONTINUED_AS_NEW').length).toBeGreaterThanOrEqual(2);
    expect(await probe.workflowIds(`WorkflowType = 'renderVariant' AND BatchDate = '2026-03-02'`)).toHaveLength(23);
  },
  2 * MINUTE,
);

test(
  'a variant that somebody cancels fails alone; the batch completes and a backfill renders it',
  async () => {
    const workflowId = await startNight(
      '2026-03-03',
      people(16).map((name) => `Other ${name}`),
    );
    const query = `WorkflowType = 'renderVariant' AND BatchDate = '2026-03-03' AND ExecutionStatus = 'Running'`;
    const victim = await until(async () => (await probe.workflowIds(query))[0] ?? null, 'a variant to cancel');
    await probe.cancel(victim);
    const summary = (await probe.resultOf(workflowId)) as { failed: number; rendered: number };
    expect(summary.failed + summary.rendered).toBe(16);
    // The one that was about to be cancelled may have been faster.
    expect(summary.failed).toBe((await probe.statuses(`WorkflowId = '${victim}'`)).includes('CANCELLED') ? 1 : 0);
    const repair = await home.run(['backfill', 'card', '--date', '2026-03-03', '--json']);
    expect(lastJson(repair.stdout)).toMatchObject({ variants: 16, rendered: 16, failed: 0, pointers: 16 });
  },
  2 * MINUTE,
);

test(
  'of two batches of one campaign and date at once each is whole, and nobody is left without a pointer',
  async () => {
    const guests = people(12).map((name, n) => ({ id: `twice-${n}`, name: `${name} at once` }));
    const businessDate = '2026-03-09';
    const ids = await Promise.all(
      ['by-hand', 'by-schedule'].map(async (workflowId) => {
        await probe.startCsvNight({ businessDate, workflowId }, guests);
        return workflowId;
      }),
    );
    const summaries = (await Promise.all(ids.map((id) => probe.resultOf(id)))) as Record<string, unknown>[];
    const byAttempt = summaries.sort((a, b) => (String(a['batchId']) < String(b['batchId']) ? -1 : 1));
    // The first counts no pointer that the second had written before it.
    expect(byAttempt).toMatchObject([
      { batchId: 'card/2026-03-09/1', variants: 12, failed: 0 },
      { batchId: 'card/2026-03-09/2', variants: 12, failed: 0, pointers: 12 },
    ]);
    const pointers = (await probe.pointers()).filter(({ recipientId }) => recipientId.startsWith('twice-'));
    expect(pointers).toHaveLength(12);
    for (const { variantKey } of pointers) {
      expect(await probe.keys(`videos/${variantKey.slice(0, 2)}/${variantKey}.mp4`)).toHaveLength(1);
    }
    expect(await probe.json('state/card.json')).toMatchObject({ carryOver: [] });
  },
  2 * MINUTE,
);

test(
  "today's workflow code replays the histories that these nights left",
  async () => {
    const script = join(import.meta.dirname, '../support/replay.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [script, probe.temporalAddress]);
    const { replayed, failed } = JSON.parse(stdout) as { replayed: number; failed: string[] };
    expect(failed).toEqual([]);
    expect(replayed).toBeGreaterThan(40);
  },
  2 * MINUTE,
);

test(
  'a batch started by hand with a slip in its input is refused at once, by its class',
  async () => {
    await probe.startWorkflow('nightlyBatch', 'slip', { campaign: 'card', businessDate: '2026-02-30' });
    await expect(probe.resultOf('slip')).rejects.toMatchObject({ cause: { type: 'CampaignInvalid' } });
    await probe.startWorkflow('nightlyBatch', 'future', { campaign: 'card', businessDate: '2099-01-01' });
    await expect(probe.resultOf('future')).rejects.toMatchObject({ cause: { cause: { type: 'CampaignInvalid' } } });
    expect(await probe.keys('batches/card/2099-01-01/')).toEqual([]);
  },
  MINUTE,
);

test(
  'an empty delta is a batch that says so',
  async () => {
    const csv = join(home.folder, 'empty.csv');
    await writeFile(csv, 'recipient_id,name,referralCount,earnings\n');
    const run = await home.run(['run', 'card', '--csv', csv, '--date', '2026-03-04']);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('nobody changed') });
  },
  MINUTE,
);

test(
  'the terminal says why variants failed, and whose a bad CSV is',
  async () => {
    const csv = join(home.folder, 'bad.csv');
    await writeFile(csv, 'recipient_id,name,referralCount,earnings\nx1,Thrower,1,10\n');
    const failed = await home.run(['run', 'card', '--csv', csv, '--date', '2026-03-06']);
    expect(failed).toMatchObject({ code: 4, stdout: expect.stringContaining('1 × TemplateCrashed: ') });

    await writeFile(csv, 'Ana Lopez,12,3400\n');
    const refused = await home.run(['run', 'card', '--csv', csv, '--date', '2026-03-06']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(csv) });
    expect(refused.stderr).not.toContain('Ana');
  },
  MINUTE,
);
