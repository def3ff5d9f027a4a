/** The same behaviour asked of every engine that holds tables, each answering for real. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { workRoot } from '../../src/machine/owned-folders.ts';
import { openWarehouse } from '../../src/warehouse/index.ts';
import { sourceSchema } from '../../src/warehouse/source.ts';
import { TestPostgres } from '../support/postgres.ts';
import { TestS3 } from '../support/s3.ts';
import { TestSnowflake } from '../support/snowflake.ts';
import { behavesAsWarehouse, type Engine } from './engine-suite.ts';
import { collect, idsOf, never, runSql, temporaryFolder } from './support.ts';

let postgres: TestPostgres;
let snowflake: TestSnowflake;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const engines = {} as Record<'duckdb' | 'postgres' | 'snowflake', Engine>;
const NAMES = ['duckdb', 'postgres', 'snowflake'] as const;

beforeAll(async () => {
  [postgres, snowflake, folder] = await Promise.all([TestPostgres.start(), TestSnowflake.start(), temporaryFolder()]);
  const path = join(folder.path, 'w.duckdb');
  const opened =
    (type: string, more: object, environment: Record<string, string>) => (source: object, queryText?: string) =>
      openWarehouse(sourceSchema.parse({ type, ...more, ...source }), { environment, ...(queryText && { queryText }) });
  engines.duckdb = {
    run: (...statements) => runSql(path, ...statements),
    open: opened('duckdb', { path }, {}),
    types: { zoned: 'TIMESTAMPTZ', plain: 'TIMESTAMP', text: 'VARCHAR' },
  };
  engines.postgres = {
    run: (...statements) => postgres.run(...statements),
    open: opened('postgres', {}, { NIGHTREEL_POSTGRES_URL: postgres.url }),
    types: { zoned: 'timestamptz', plain: 'timestamp', text: 'text' },
  };
  engines.snowflake = {
    run: (...statements) => snowflake.run(...statements),
    open: opened('snowflake', {}, snowflake.environment()),
    types: { zoned: 'TIMESTAMP_TZ', plain: 'TIMESTAMP_NTZ', text: 'VARCHAR' },
  };
}, 120_000);
afterAll(async () => {
  await postgres?.[Symbol.asyncDispose]();
  await snowflake?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

describe.each(NAMES)('%s', (name) => {
  behavesAsWarehouse(name, () => engines[name]);
});

test('DuckDB reads Parquet and CSV files by a pattern, and says which are not there', async () => {
  await runSql(
    join(folder.path, 'made.duckdb'),
    `COPY (SELECT 'p' || i AS id, TIMESTAMP '2026-11-23 03:00:00' + i * INTERVAL 1 SECOND AS "at", i AS n FROM range(3) r(i)) TO '${join(folder.path, 'one.parquet')}'`,
    `COPY (SELECT 'q' || i AS id, TIMESTAMP '2026-11-23 04:00:00' AS "at", i AS n FROM range(2) r(i)) TO '${join(folder.path, 'two.parquet')}'`,
    `COPY (SELECT 'c' AS id, TIMESTAMP '2026-11-23 05:00:00' AS "at", 9 AS n) TO '${join(folder.path, "it''s.csv")}'`,
  );
  const open = (files: string) =>
    openWarehouse(
      sourceSchema.parse({
        ...{ type: 'duckdb', files: join(folder.path, files) },
        columns: { recipientId: 'id', updatedAt: 'at' },
        params: { n: 'n' },
      }),
    );
  const range = { since: { updatedAt: '2026-11-23T03:00:00Z', recipientId: null }, until: '2026-12-01T00:00:00Z' };
  await using parquet = open('*.parquet');
  expect(idsOf(await collect(parquet.readChanges(range, never)))).toEqual(['p1', 'p2', 'q0', 'q1']);
  await using csv = open("it's.csv");
  expect(await collect(csv.readChanges(range, never))).toMatchObject([{ recipientId: 'c', params: { n: 9 } }]);
  await using none = open('none*.parquet');
  const failure = await collect(none.readChanges(range, never)).catch((error: unknown) => error);
  expect(failure).toMatchObject({ failureClass: 'WarehouseDenied' });
  expect((failure as Error).message).toContain('none*.parquet');
});

test('Snowflake: what the driver makes of odd cells is mended', async () => {
  await snowflake.run(
    'CREATE TABLE ODD ("id" VARCHAR, "t" TIME, "d" DATE, "ts" TIMESTAMP_NTZ, "b" BOOLEAN, "f" FLOAT, "v" VARIANT)',
    `INSERT INTO ODD SELECT 'nulls', NULL, NULL, NULL, NULL, NULL, NULL`,
    `INSERT INTO ODD SELECT 'all', '13:05:00.5', '9999-12-31', '1969-12-31 23:59:59.999999', TRUE, 0.1, PARSE_JSON('{"a": [1, null]}')`,
  );
  const params = { t: 't', d: 'd', ts: 'ts', b: 'b', f: 'f', v: 'v' };
  await using reader = engines.snowflake.open({
    ...{ table: 'ODD', columns: { recipientId: 'id' }, params, delta: { strategy: 'snapshot' } },
  });
  const rows = await collect(reader.readAll(never));
  expect(Object.fromEntries(rows.map((row) => [row.recipientId, row.params]))).toEqual({
    nulls: { t: null, d: null, ts: null, b: null, f: null, v: null },
    all: { t: '13:05:00.5', d: '9999-12-31', ts: '1969-12-31T23:59:59.999999Z', b: true, f: 0.1, v: { a: [1, null] } },
  });
});

test('CSV and Parquet are read from a bucket, and nothing of them stays behind', async () => {
  await using s3 = await TestS3.start();
  const store = s3.store();
  const parquet = join(folder.path, 'people.parquet');
  await runSql(
    join(folder.path, 'made2.duckdb'),
    `COPY (SELECT 'p' || i AS id, TIMESTAMP '2026-11-23 03:00:00' AS "at", i AS n FROM range(5000) r(i)) TO '${parquet}'`,
  );
  const options = { contentType: 'application/octet-stream' };
  await store.put('inputs/people.parquet', await readFile(parquet), options);
  await store.put('inputs/people.csv', 'id;at;n\na;2026-11-23T03:00:00Z;1\nb;2026-11-23T03:00:00Z;2\n', options);
  const { bucket } = s3;
  const asked: string[] = [];
  const openObject = async (object: { bucket: string; key: string }) => {
    asked.push(`${object.bucket}/${object.key}`);
    return await store.getStream(object.key);
  };
  const shape = { columns: { recipientId: 'id', updatedAt: 'at' }, params: { n: 'n' } };
  const open = (source: object) => openWarehouse(sourceSchema.parse({ ...shape, ...source }), { openObject });
  const range = { since: null, until: '2026-12-01T00:00:00Z' };
  const fetched = async () =>
    (await readdir(workRoot()).catch(() => [])).filter((name) => name.includes(`-${process.pid}-`));
  const before = await fetched();
  {
    await using reader = open({ type: 'duckdb', files: `s3://${bucket}/inputs/people.parquet` });
    expect(await collect(reader.readChanges(range, never))).toHaveLength(5_000);
    expect(await collect(reader.readRecipients(['p7'], range.until, never))).toMatchObject([{ params: { n: 7 } }]);
    await using csv = open({ type: 'csv', path: `s3://${bucket}/inputs/people.csv` });
    expect(idsOf(await collect(csv.readChanges(range, never)))).toEqual(['a', 'b']);
    for (const source of [
      { type: 'duckdb', files: `s3://${bucket}/inputs/none.parquet` },
      { type: 'csv', path: `s3://${bucket}/inputs/none.csv` },
    ]) {
      await using none = open(source);
      await expect(collect(none.readChanges(range, never))).rejects.toMatchObject({ failureClass: 'WarehouseDenied' });
    }
  }
  expect(asked.slice(0, 2)).toEqual([`${bucket}/inputs/people.parquet`, `${bucket}/inputs/people.csv`]);
  expect(await fetched()).toEqual(before);
  store.close();
});
