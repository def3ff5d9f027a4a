/** Nights that were missed are run by the schedule itself: each reads its own date, daylight saving or not. */

import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome, until } from '../support/nightreel.ts';
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

const backfill = (...args: string[]) => home.run(['backfill', '--campaign', 'card', ...args]);

test(
  'three weeknights across the change to daylight saving read exactly those business dates',
  async () => {
    // 23:00 in New York is 04:00 UTC until Saturday 2026-03-07 and 03:00 UTC from Sunday the 8th on.
    await createReferrers(join(home.folder, 'warehouse.duckdb'), [
      ['thursday', 'Ada', '2026-03-06 04:00:00+00'],
      ['friday', 'Bo', '2026-03-07 04:00:00+00'],
      ['weekend', 'Cy', '2026-03-07 04:00:00.000001+00'],
      ['monday', 'Di', '2026-03-10 03:00:00+00'],
      ['monday-night', 'Ed', '2026-03-10 03:00:00.000001+00'],
      ['tuesday', 'Flo', '2026-03-11 03:00:00+00'],
      ['later', 'Gus', '2026-03-11 03:00:00.000001+00'],
    ]);
    expect(await backfill('--from', '2026-03-06', '--to', '2026-03-10')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nightreel schedule apply card'),
    });
    await home.run(['schedule', 'apply', 'card']);
    for (const [args, sentence] of [
      [['--from', '2026-03-07', '--to', '2026-03-08'], /no night from 2026-03-07 to 2026-03-08; it runs Mon, /],
      [['--from', '2026-03-10', '--to', '2026-03-06'], /no night from/],
      [['--from', '2026-03-06', '--to', '2099-03-06'], /has not come yet/],
      [['--from', '2026-03-06'], /--from and --to go together/],
      [['--from', '2026-03-06', '--to', '2026-03-10', '--class', 'BrowserHung'], /whole nights/],
    ] as const) {
      expect(await backfill(...args)).toMatchObject({ code: 2, stderr: expect.stringMatching(sentence) });
    }

    const asked = await backfill('--from', '2026-03-06', '--to', '2026-03-10', '--json');
    const { nights } = lastJson(asked.stdout) as {
      nights: { businessDate: string; dueAt: string; workflowId: string }[];
    };
    expect(nights.map(({ businessDate, dueAt }) => [businessDate, Date.parse(dueAt)])).toEqual([
      ['2026-03-06', Date.parse('2026-03-07T04:00:00Z')],
      ['2026-03-09', Date.parse('2026-03-10T03:00:00Z')],
      ['2026-03-10', Date.parse('2026-03-11T03:00:00Z')],
    ]);
    const serving = home.start(['serve', '--workers', '1']);
    serving.stdout?.resume();
    serving.stderr?.resume();
    try {
      for (const { businessDate, workflowId } of nights) {
        const started = async () => (await probe.workflowIds(`WorkflowId = '${workflowId}'`))[0] ?? null;
        await until(started, `the night of ${businessDate}`);
        expect(await probe.resultOf(workflowId)).toMatchObject({ batchId: `card/${businessDate}/1`, failed: 0 });
      }
      const shown = (await probe.pointers()).map(({ recipientId, businessDate }) => [recipientId, businessDate]);
      const expected = [
        ['friday', '2026-03-06'],
        ['monday', '2026-03-09'],
        ['monday-night', '2026-03-10'],
        ['tuesday', '2026-03-10'],
        ['weekend', '2026-03-09'],
      ];
      expect(shown.sort()).toEqual(expected);

      // The same again runs nothing: those have closed.
      const again = await backfill('--from', '2026-03-06', '--to', '2026-03-10', '--json');
      expect(lastJson(again.stdout)).toEqual({
        ...{ campaign: 'card', nights: [] },
        closed: ['2026-03-06', '2026-03-09', '2026-03-10'],
      });
      const audits = await Promise.all((await probe.keys('audit/card/')).map((key) => probe.json(key)));
      expect(audits).toMatchObject([
        {
          by: expect.stringMatching(/.@./),
          from: '2026-03-06',
          to: '2026-03-10',
          workflowIds: nights.map((night) => night.workflowId),
        },
      ]);

      // One before those, as docs/operations.md has it for `temporal`.
      await promisify(execFile)(resolve(import.meta.dirname, '../../.tools/bin/temporal'), [
        ...['schedule', 'backfill', '--address', probe.temporalAddress, '--schedule-id', 'nightly/card'],
        ...['--start-time', '2026-03-06T03:59:00Z', '--end-time', '2026-03-06T04:01:00Z'],
        ...['--overlap-policy', 'BufferAll'],
      ]);
      const thursday = 'batch/card-2026-03-06T04:00:00Z';
      await until(async () => (await probe.workflowIds(`WorkflowId = '${thursday}'`))[0] ?? null, 'Thursday');
      expect(await probe.resultOf(thursday)).toMatchObject({ batchId: 'card/2026-03-05/1', recipients: 1, failed: 0 });
      const now = (await probe.pointers()).map(({ recipientId, businessDate }) => [recipientId, businessDate]);
      expect(now.sort()).toEqual([...expected, ['thursday', '2026-03-05']].sort());
    } finally {
      serving.kill('SIGTERM');
      await new Promise((gone) => serving.once('close', gone));
    }
  },
  4 * MINUTE,
);
