/** Schedules through the command line, on a real server. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NightProbe } from '../support/night-probe.ts';
import { TestHome, until } from '../support/nightreel.ts';
import { createReferrers } from '../support/referrers.ts';

const MINUTE = 60_000;

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

const schedule = async (...args: string[]) => await home.run(['schedule', ...args]);
const listed = async () =>
  JSON.parse((await schedule('list', '--json')).stdout) as { paused: boolean; nextRuns: string[] }[];

test(
  'a schedule is created, updated, paused, resumed and deleted, and the list tells',
  async () => {
    expect((await schedule('list')).stdout).toContain('No schedules');
    expect((await schedule('apply', 'card')).stdout).toContain('created');
    expect((await schedule('apply', 'card')).stdout).toContain('updated');

    const [line] = await listed();
    expect(line).toMatchObject({ campaign: 'card', paused: false });
    const inNewYork = new Intl.DateTimeFormat('en-US', {
      timeZone: 'America/New_York',
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    for (const next of line?.nextRuns ?? ['none'])
      expect(inNewYork.format(new Date(next))).toMatch(/^(Mon|Tue|Wed|Thu|Fri),? 23:00$/);

    expect((await schedule('pause', 'card', '--note', 'bank holiday')).code).toBe(0);
    expect(await listed()).toMatchObject([{ paused: true, note: 'bank holiday' }]);
    // An update from the file is no reason to start nights that somebody stopped.
    await schedule('apply', 'card');
    expect(await listed()).toMatchObject([{ paused: true, note: 'bank holiday' }]);
    expect((await schedule('resume', 'card')).code).toBe(0);
    expect(await listed()).toMatchObject([{ paused: false }]);

    expect((await schedule('delete', 'card')).code).toBe(0);
    expect(await schedule('pause', 'card')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no schedule'),
    });
    expect(await schedule('apply', 'nope')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no campaign 'nope'"),
    });
  },
  MINUTE,
);

test(
  'a night that the schedule makes up for reads its own date, not the day on which it runs',
  async () => {
    // Tuesday 2026-03-10, 23:00 in New York (daylight saving since the 8th) is 03:00 UTC; it reads since Monday's 23:00.
    await createReferrers(join(home.folder, 'warehouse.duckdb'), [
      ['before', 'Ada', '2026-03-10 03:00:00+00'],
      ['within', 'Bo', '2026-03-10 03:00:00.000001+00'],
      ['at-the-end', 'Cy', '2026-03-11 03:00:00+00'],
      ['after', 'Di', '2026-03-11 03:00:00.000001+00'],
    ]);
    await schedule('apply', 'card');
    await probe.backfillSchedule('nightly/card', new Date('2026-03-11T02:59:00Z'), new Date('2026-03-11T03:01:00Z'));
    const serving = home.start(['serve', '--workers', '1']);
    serving.stdout?.resume();
    serving.stderr?.resume();
    try {
      const workflowId = 'batch/card-2026-03-11T03:00:00Z';
      const started = async () => (await probe.workflowIds(`WorkflowId = '${workflowId}'`))[0] ?? null;
      await until(started, 'the night to start');
      expect(await probe.resultOf(workflowId)).toMatchObject({
        batchId: 'card/2026-03-10/1',
        recipients: 2,
        failed: 0,
      });
      const pointers = await probe.pointers();
      expect(pointers.map(({ recipientId }) => recipientId).sort()).toEqual(['at-the-end', 'within']);
      expect(pointers.map(({ businessDate }) => businessDate)).toEqual(['2026-03-10', '2026-03-10']);
    } finally {
      serving.kill('SIGTERM');
      await new Promise((gone) => serving.once('close', gone));
    }
  },
  2 * MINUTE,
);
