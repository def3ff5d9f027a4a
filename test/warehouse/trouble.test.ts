/** Servers that refuse, die and come back. */

import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openWarehouse } from '../../src/warehouse/index.ts';
import type { SourceRow, WarehouseReader } from '../../src/warehouse/reader.ts';
import { sourceSchema } from '../../src/warehouse/source.ts';
import { TestPostgres } from '../support/postgres.ts';
import { TestSnowflake } from '../support/snowflake.ts';
import { collect, expectHostile, HOSTILE, never } from './support.ts';

const all = { since: null, until: '2026-12-01T00:00:00Z' };
const shape = { columns: { recipientId: 'id', updatedAt: 'at' }, params: { n: 'n' } };

/** The rows until the reading fails, and how it does. */
async function untilItFails(rows: AsyncIterable<SourceRow>, onRow: (row: SourceRow) => Promise<void> | void) {
  let count = 0;
  try {
    for await (const row of rows) {
      count += 1;
      await onRow(row);
    }
    return { count, failure: null };
  } catch (failure) {
    return { count, failure };
  }
}

describe('PostgreSQL', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await TestPostgres.start();
    await postgres.run(
      `CREATE TABLE people (id text, "at" timestamptz, n integer, note text)`,
      `INSERT INTO people SELECT i, timestamptz '2026-11-23 03:00Z' + i * interval '1 ms', i, repeat('x', 100) FROM generate_series(1, 50000) i`,
    );
  });
  afterAll(() => postgres?.[Symbol.asyncDispose]());

  const open = (url = postgres.url, more: object = {}): WarehouseReader =>
    openWarehouse(sourceSchema.parse({ type: 'postgres', table: 'people', ...shape, ...more }), {
      environment: { NIGHTREEL_POSTGRES_URL: url },
    });

  test('a server that dies in the middle of the rows is unavailable, and gives all of them when it is back', async () => {
    await using reader = open();
    const { count, failure } = await untilItFails(reader.readChanges(all, never), async ({ line }) => {
      if (line === 5_000) await postgres.kill();
    });
    expect(failure).toMatchObject({ failureClass: 'WarehouseUnavailable' });
    expect(count).toBeLessThan(50_000);
    await using refused = open();
    await expect(collect(refused.readChanges(all, never))).rejects.toMatchObject({
      failureClass: 'WarehouseUnavailable',
    });
    await postgres.restart();
    await using again = open();
    expect(await collect(again.readChanges(all, never))).toHaveLength(50_000);
  });

  test('wrong credentials and missing rights are refused without the password', async () => {
    await using reader = open(postgres.url.replace('nightreel%20test', 'secret-guess'));
    const wrong = await collect(reader.readChanges(all, never)).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ failureClass: 'WarehouseDenied' });
    expect(String(wrong)).not.toMatch(/secret-guess|nightreel test/);
    await postgres.run(`CREATE ROLE guest LOGIN PASSWORD 'guest'`);
    await using guest = open(postgres.url.replace('nightreel:nightreel%20test', 'guest:guest'));
    await expect(collect(guest.readChanges(all, never))).rejects.toMatchObject({
      failureClass: 'WarehouseDenied',
      message: expect.stringContaining('permission denied for table people'),
    });
    await using nowhere = open(postgres.url.replace(/postgres$/, 'no_such_database'));
    await expect(collect(nowhere.readChanges(all, never))).rejects.toMatchObject({ failureClass: 'WarehouseDenied' });
  });

  test.each([
    'host=db password=hush-hush',
    'me:hush-hush@db',
    'postgres://me:hush/hush@db/x',
    'postgres://me:hush-hush@db:99999/x',
    'mysql://me:hush-hush@db/x',
  ])('what is no connection string is refused unseen: %s', async (url) => {
    await using reader = open(url);
    const refused = await collect(reader.readChanges(all, never)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ failureClass: 'EnvironmentInvalid' });
    expect(inspect(refused, { depth: 9 })).not.toMatch(/hush/);
  });

  test('names and IDs that would be SQL are names and IDs', async () => {
    await postgres.run(
      `CREATE TABLE ${HOSTILE.table} (${HOSTILE.columns})`,
      `INSERT INTO ${HOSTILE.table} VALUES ($$${HOSTILE.id}$$, '2026-11-23', '1'), ('plain', '2026-11-23', '2')`,
    );
    await using reader = openWarehouse(sourceSchema.parse({ type: 'postgres', ...HOSTILE.source }), {
      environment: { NIGHTREEL_POSTGRES_URL: postgres.url },
    });
    await expectHostile(reader);
  });

  test('all reads of one reader see one moment', async () => {
    await using reader = open();
    const before = await collect(reader.readRecipients(['1'], all.until, never));
    await postgres.run('UPDATE people SET n = -1 WHERE id = $$1$$');
    expect(await collect(reader.readRecipients(['1'], all.until, never))).toEqual(before);
    await using later = open();
    expect((await collect(later.readRecipients(['1'], all.until, never)))[0]?.params).toEqual({ n: -1 });
  });

  test('an abort ends the statement on the server, too', async () => {
    const slow = { table: undefined, query: 'slow.sql' };
    await using reader = openWarehouse(sourceSchema.parse({ type: 'postgres', ...shape, ...slow }), {
      environment: { NIGHTREEL_POSTGRES_URL: postgres.url },
      queryText: 'SELECT id, "at", n FROM people, pg_sleep(30) WHERE :until IS NOT NULL',
    });
    const abort = new AbortController();
    const reading = collect(reader.readChanges(all, abort.signal));
    setTimeout(() => abort.abort(), 500);
    await expect(reading).rejects.toMatchObject({ failureClass: 'Cancelled' });
    await using client = await postgres.connect();
    const { rows } = await client.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`,
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  test('an error inside a row is told without the row', async () => {
    await postgres.run(`CREATE VIEW secret AS SELECT id, "at", CAST('Jane Secret' || id AS integer) AS n FROM people`);
    await using reader = open(postgres.url, { table: 'secret' });
    const failure = await collect(reader.readChanges(all, never)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ failureClass: 'SqlError' });
    expect(String((failure as Error).message)).not.toContain('Secret');
  });

  test('a row of five megabytes comes whole, among others', async () => {
    await postgres.run(
      `CREATE TABLE wide AS SELECT i::text AS id, now() AS "at", CASE WHEN i = 500 THEN repeat('w', 5000000) ELSE 'w' END AS n FROM generate_series(1, 1000) i`,
    );
    await using reader = open(postgres.url, { table: 'wide' });
    const rows = await collect(reader.readChanges({ since: null, until: '2126-01-01T00:00:00Z' }, never));
    expect(rows).toHaveLength(1_000);
    expect(Math.max(...rows.map(({ params }) => String(params['n']).length))).toBe(5_000_000);
  });

  test('strange values stay what they are: NaN, infinity, minus zero, the year 9999, before Christ', async () => {
    await postgres.run(
      `CREATE TABLE strange (id text, "at" timestamp, n double precision, d timestamp)`,
      `INSERT INTO strange VALUES ('nan', '2026-11-23', 'NaN', '9999-12-31 23:59:59.999999'), ('inf', '2026-11-23', 'Infinity', 'infinity'), ('zero', '2026-11-23', '-0', '0044-03-15 00:00:00 BC'), ('late', '9999-12-31 23:59:59', 1, NULL), ('never', 'infinity', 1, NULL), ('far', '12026-01-01', 1, NULL)`,
    );
    await using reader = open(postgres.url, { table: 'strange', params: { n: 'n', d: 'd' } });
    const rows = await collect(reader.readChanges({ since: null, until: '9999-12-31T23:59:59Z' }, never));
    expect(
      rows.map(({ recipientId, updatedAt, params }) => [recipientId, updatedAt, params['n'], params['d']]),
    ).toEqual([
      ['inf', '2026-11-23T00:00:00.000000Z', 'Infinity', 'infinity'],
      ['nan', '2026-11-23T00:00:00.000000Z', 'NaN', '9999-12-31T23:59:59.999999Z'],
      ['zero', '2026-11-23T00:00:00.000000Z', -0, '0044-03-15 00:00:00 BC'],
      ['late', '9999-12-31T23:59:59.000000Z', 1, null],
      ['never', null, 1, null],
    ]);
  });
});

describe('Snowflake', () => {
  let snowflake: TestSnowflake;
  beforeAll(async () => {
    snowflake = await TestSnowflake.start();
    await load();
  }, 120_000);
  afterAll(() => snowflake?.[Symbol.asyncDispose]());

  const load = () =>
    snowflake.run('CREATE TABLE people ("id" VARCHAR, "at" TIMESTAMP_NTZ, "n" INTEGER)', [
      `INSERT INTO people SELECT f.value::VARCHAR, TO_TIMESTAMP_NTZ('2026-11-23 03:00:00'), f.value::INTEGER FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) f`,
      JSON.stringify(Array.from({ length: 25_000 }, (_, i) => i)),
    ]);
  const open = (environment: Record<string, string> = snowflake.environment()): WarehouseReader =>
    openWarehouse(sourceSchema.parse({ type: 'snowflake', table: 'PEOPLE', ...shape }), { environment });

  test.each(['password', 'key', 'encrypted-key', 'oauth', 'pat'] as const)('logs in with %s', async (how) => {
    await using reader = open(snowflake.environment(how));
    expect(await collect(reader.readRecipients(['7'], all.until, never))).toMatchObject([{ params: { n: 7 } }]);
  });

  test.each([
    ['a wrong password', { SNOWFLAKE_PASSWORD: 'secret-guess' }],
    ['a token that is none', { SNOWFLAKE_PASSWORD: '', SNOWFLAKE_TOKEN: 'secret-guess' }],
  ])('%s is refused, once, and not shown', async (_, wrong) => {
    await using reader = open({ ...snowflake.environment(), ...wrong });
    const failure = await collect(reader.readChanges(all, never)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ failureClass: 'WarehouseDenied' });
    expect(String(failure)).not.toContain('secret-guess');
  });

  test('variables that are missing are named', async () => {
    const { SNOWFLAKE_ACCOUNT: _, ...without } = snowflake.environment();
    await using nobody = open(without);
    await expect(collect(nobody.readChanges(all, never))).rejects.toMatchObject({
      failureClass: 'EnvironmentInvalid',
      message: expect.stringContaining('SNOWFLAKE_ACCOUNT'),
    });
    await using mute = open({ ...snowflake.environment(), SNOWFLAKE_PASSWORD: '' });
    await expect(collect(mute.readChanges(all, never))).rejects.toMatchObject({
      failureClass: 'EnvironmentInvalid',
      message: expect.stringContaining('SNOWFLAKE_PRIVATE_KEY_PATH'),
    });
  });

  test.each([
    ['000606', 'No active warehouse selected in the current session.', 'WarehouseDenied'],
    ['000630', 'Statement reached its statement timeout of 60 second(s) and was canceled.', 'WarehouseUnavailable'],
    ['390112', 'Your session has expired. Please login again.', 'WarehouseUnavailable'],
    ['001003', 'SQL compilation error: syntax error line 1', 'SqlError'],
    ['003001', 'Insufficient privileges to operate on table', 'WarehouseDenied'],
    ['100038', "Numeric value 'Jane Secret' is not recognized", 'SqlError'],
  ])('the answer %s is a failure of its class', async (code, message, failureClass) => {
    await using reader = open();
    await collect(reader.readRecipients(['1'], all.until, never));
    await snowflake.control({ fail: { code, message }, times: 1 });
    const failure = await collect(reader.readChanges(all, never)).catch((error: unknown) => error);
    await snowflake.control({ times: 0 });
    expect(failure).toMatchObject({ failureClass });
    expect(String(failure)).not.toContain('Jane');
  });

  test('a server that dies in the middle of the rows is unavailable, and gives all of them when it is back', async () => {
    await using whole = open();
    expect(await collect(whole.readChanges(all, never))).toHaveLength(25_000);
    await using reader = open();
    const { count, failure } = await untilItFails(reader.readChanges(all, never), async ({ line }) => {
      if (line !== 1_000) return;
      await snowflake.kill();
      // Without it the driver tries for a minute before it gives up.
      await snowflake.restart();
    });
    expect(failure).toMatchObject({ failureClass: 'WarehouseUnavailable' });
    expect(count).toBeLessThan(25_000);
    await load();
    await using again = open();
    expect(await collect(again.readChanges(all, never))).toHaveLength(25_000);
  }, 180_000);
});
