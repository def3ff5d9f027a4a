/** `nightreel data generate` and `nightreel delta`: one business, four engines, the same night. */

import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lastJson, TestHome } from '../support/nightreel.ts';
import { TestPostgres } from '../support/postgres.ts';
import { TEST_CREDENTIALS, TestS3 } from '../support/s3.ts';
import { TestSnowflake } from '../support/snowflake.ts';

const ENGINES = ['duckdb', 'postgres', 'snowflake', 'csv'] as const;
const DATE = '2026-11-20';

let home: TestHome;
let parts: AsyncDisposableStack;
let variables: Record<string, string>;

beforeAll(async () => {
  parts = new AsyncDisposableStack();
  const [s3, postgres, snowflake] = await Promise.all([TestS3.start(), TestPostgres.start(), TestSnowflake.start()]);
  for (const server of [s3, postgres, snowflake]) parts.use(server);
  home = await TestHome.create(resolve(import.meta.dirname, '../..'));
  const { accessKeyId, secretAccessKey } = TEST_CREDENTIALS;
  variables = {
    ...snowflake.environment('key'),
    NIGHTREEL_POSTGRES_URL: postgres.url,
    AWS_ENDPOINT_URL: s3.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    NIGHTREEL_BUCKET: s3.bucket,
    // Named and not there: a delta needs none.
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  };
}, 120_000);

afterAll(async () => {
  await home?.end();
  await parts?.disposeAsync();
}, 60_000);

const nightreel = (...args: string[]) => home.run(args, variables);

test('the same night from four engines: the same people, params and videos', async () => {
  const nights = [];
  for (const engine of ENGINES) {
    const made = await nightreel(
      'data',
      'generate',
      '--to',
      engine,
      '--recipients',
      '400',
      '--days',
      '2',
      '--date',
      DATE,
      '--json',
    );
    expect(made).toMatchObject({ code: 0 });
    expect(lastJson(made.stdout)).toMatchObject({ to: engine, recipients: 400 });
    const read = await nightreel('delta', 'referral', '--source', engine, '--date', DATE, '--json', '--people');
    expect(read).toMatchObject({ code: 0 });
    nights.push(lastJson(read.stdout) as Record<string, unknown>);
  }
  const [duckdb, ...others] = nights;
  expect(duckdb).toMatchObject({ source: 'duckdb', counts: { rejected: expect.any(Number) } });
  const counts = duckdb?.['counts'] as Record<string, number> | undefined;
  const { rows = 0, recipients = 0, rejected = 0, duplicates = 0 } = counts ?? {};
  expect(recipients).toBeGreaterThan(100);
  expect(rejected).toBeGreaterThan(1);
  expect(recipients + rejected + duplicates).toBe(rows);
  expect(nights.map(({ source }) => source)).toEqual(ENGINES);
  for (const other of others) {
    expect(other['digests']).toEqual(duckdb?.['digests']);
    expect(other['people']).toEqual(duckdb?.['people']);
    expect(other['counts']).toEqual(duckdb?.['counts']);
  }
}, 180_000);

test('what is shown to people names nobody', async () => {
  const { code, stdout } = await nightreel('delta', 'referral', '--source', 'csv', '--date', DATE, '--samples', '20');
  expect(code).toBe(0);
  expect(stdout).toMatch(/recipients +\d+/);
  expect(stdout).toMatch(/r•+ {2}\{"name":"\S•/);
  const csv = await readFile(join(home.folder, 'referrers.csv'), 'utf8');
  const names = new Set(
    csv
      .split('\n')
      .map((line) => line.split(',')[1] ?? '')
      .filter((name) => name.length > 3),
  );
  for (const name of names) if (name !== 'first_name' && name !== 'null') expect(stdout).not.toContain(name);
  expect(stdout).not.toContain('ref_0');
}, 60_000);

test('a source that cannot be read is told with what to do, and ends with its code', async () => {
  const refused = await home.run(['delta', 'referral', '--source', 'postgres'], {
    ...variables,
    NIGHTREEL_POSTGRES_URL: 'postgres://a:secret-guess@127.0.0.1:1/x',
  });
  expect(refused).toMatchObject({ code: 3, stdout: '' });
  expect(refused.stderr).toMatch(/does not answer/);
  expect(refused.stderr).not.toContain('secret-guess');
  const other = await nightreel('data', 'generate', '--to', 'duckdb', '--recipients', '7');
  expect(other).toMatchObject({ code: 3 });
  expect(other.stderr).toMatch(/holds 400 people already, not 7/);
}, 60_000);
