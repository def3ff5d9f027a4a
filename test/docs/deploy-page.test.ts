/** docs/deploy.md does what it says, on servers of its own; and its tables are what the measured figures come to. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MACHINE_BYTES, sizing } from '../../bench/scaling/sizing.ts';
import { slotsFor } from '../../src/rendering/browser/sizing.ts';
import { until } from '../support/nightreel.ts';
import { TestPostgres } from '../support/postgres.ts';
import { Runbook } from '../support/runbook.ts';
import { TEST_CREDENTIALS, TestS3 } from '../support/s3.ts';
import { TestTemporal } from '../support/temporal.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs/deploy.md');

let folder: string;
let page: Runbook;
let text: string;
let [temporal, store, postgres] = [] as unknown as [TestTemporal, TestS3, TestPostgres];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightreel-deploy-'));
  [page, text] = [await Runbook.read(PAGE), await readFile(PAGE, 'utf8')];
  [temporal, store, postgres] = await Promise.all([TestTemporal.start(), TestS3.start(), TestPostgres.start()]);
  await postgres.run(
    'CREATE TABLE referrers (referrer_id text, updated_at timestamptz, first_name text, referral_count integer, earnings_usd numeric, next_milestone integer, milestone_reward_usd numeric)',
    `INSERT INTO referrers VALUES ('ref_1', now() - interval '5 minutes', 'Zoë', 3, 125, 5, 50)`,
  );
}, 120_000);
afterAll(async () => {
  for (const server of [temporal, store, postgres]) await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
}, 60_000);

test('from nothing to a schedule: the commands of the page, one after the other', async () => {
  const servers = page.under('Servers', folder, {
    PATH: `${ROOT}/bin:${ROOT}/.tools/bin:${process.env['PATH'] ?? ''}`,
    ...{ HOME: folder, NIGHTREEL_HOME: join(folder, 'home') },
    ...{ AWS_ENDPOINT_URL_S3: store.endpoint, AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId },
    AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
  });
  await servers.run(/./, {
    ...{ TEMPORAL_ADDRESS: temporal.address, NIGHTREEL_BUCKET: store.bucket, NIGHTREEL_POSTGRES_URL: postgres.url },
  });
  await page.under('Temporal', folder, servers.variables).run(/./);
  // Servers learn of a new namespace within some seconds.
  const { operatorService } = temporal.client.connection;
  await until(() => operatorService.listSearchAttributes({ namespace: 'films' }).catch(() => null), 'the namespace');

  const campaign = page.under('A campaign', folder, servers.variables);
  await campaign.run(/./);
  const [, yaml = ''] = /^```yaml\n(.*?)^```$/ms.exec(text) ?? [];
  await writeFile(join(folder, 'films/campaigns/welcome.yaml'), yaml);

  const { variables } = campaign;
  const run = (heading: string, which: string | RegExp = /./) =>
    page.under(heading, join(folder, 'films'), variables).run(which);
  expect(await run('Is everything there?')).toContain('PostgreSQL: it answers, and has the columns');
  expect(await run('The first night', 'nightreel delta')).toMatch(/recipients +1\n/);
  await run('The first night', /^nightreel schedule/);
  expect(page.untested.map((command) => command.replace(/^\d+: /, ''))).toEqual([
    'nightreel serve --roles orchestrator,warehouse,assemble,storage',
    'nightreel serve --roles render',
    expect.stringMatching(/^nightreel run welcome --recipients 10 /),
    expect.stringMatching(/^nightreel report /),
  ]);
}, 240_000);

describe('its tables', () => {
  /** Rows of the table below a heading, without its head, a cell each. */
  const rowsBelow = (heading: string): string[][] => {
    const [, section = ''] = text.split(`### ${heading}\n`);
    const [, ...lines] = (section.split('\n#')[0] ?? '')
      .split('\n')
      .filter((line) => /^\| +([\d,]+|videos) /.test(line));
    return lines.map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  };
  const number = (value: number): string => value.toLocaleString('en-US');
  const SIZES = [1_000, 10_000, 100_000, 1_000_000];

  test('say the processors that so many videos take in so many hours', () => {
    expect(rowsBelow('Processors that render')).toEqual(
      SIZES.map((videos) => [
        number(videos),
        ...[2, 4, 6, 8].map((hours) => {
          const { whole, scenes } = sizing(videos, hours).renderCores;
          return `${number(whole)} (${number(scenes)})`;
        }),
      ]),
    );
  });

  test('say everything that a night of six hours takes', () => {
    expect(rowsBelow('All of it, for a night of six hours')).toEqual(
      SIZES.map((videos) => {
        const { machines, lanes, orchestratorCores, temporalCores, historyGb } = sizing(videos, 6);
        const figures = [orchestratorCores, temporalCores, historyGb].map(String);
        return [number(videos), number(machines), `${lanes.count} × ${lanes.window}`, ...figures];
      }),
    );
  });

  test('and the memory of a machine, in which its four slots have room, and no fifth', () => {
    expect(text).toContain(`needs ${number(MACHINE_BYTES / 1024 ** 2)} MiB: 700 for the worker and 430 for each slot`);
    expect([8, 4].map((cores) => slotsFor({ cores, memoryBytes: MACHINE_BYTES }))).toEqual([4, 4]);
    const { historyGb } = sizing(100_000, 6);
    expect(text).toContain(`a week of five nights of 100,000 videos is ${5 * historyGb} GB`);
  });
});
