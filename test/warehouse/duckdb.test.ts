import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { Watermark } from '../../src/contracts/batch.ts';
import { openDuckDbWarehouse } from '../../src/warehouse/duckdb/reader.ts';
import { isAfterWatermark } from '../../src/warehouse/watermark.ts';
import { collect, expectHostile, HOSTILE, idsOf, never, runSql, temporaryFolder } from './support.ts';

const source = (path: string, more: object = {}) => ({
  type: 'duckdb' as const,
  path,
  table: 'people',
  columns: { recipientId: 'id', updatedAt: 'at' },
  params: { name: 'first "name"', amount: 'amount' },
  ...more,
});
const TABLE = 'CREATE TABLE people (id VARCHAR, "at" TIMESTAMPTZ, "first ""name""" VARCHAR, amount DECIMAL(18, 2))';
const until = '2026-12-01T00:00:00Z';
const all = { since: null, until };

describe('the DuckDB reader', () => {
  test('reads rows in the order of stamp and ID, with quoted names and every microsecond', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'w.duckdb');
    await runSql(
      path,
      TABLE,
      `INSERT INTO people VALUES ('b', '2026-11-23 03:00:00.123456+00', 'O''Brien', 19.90),
         ('a', '2026-11-22 22:00:00.123456-05', 'Ann', 120), ('c', '2026-11-23 03:00:00.123455+00', NULL, 1234567890123456.78)`,
    );
    await using reader = openDuckDbWarehouse(source(path));
    expect(await collect(reader.readChanges(all, never))).toEqual([
      {
        line: 1,
        recipientId: 'c',
        updatedAt: '2026-11-23T03:00:00.123455Z',
        params: { name: null, amount: '1234567890123456.78' },
      },
      { line: 2, recipientId: 'a', updatedAt: '2026-11-23T03:00:00.123456Z', params: { name: 'Ann', amount: 120 } },
      {
        line: 3,
        recipientId: 'b',
        updatedAt: '2026-11-23T03:00:00.123456Z',
        params: { name: "O'Brien", amount: 19.9 },
      },
    ]);
  });

  test.each(['TIMESTAMPTZ', 'TIMESTAMP', 'TIMESTAMP_NS', 'TIMESTAMP_MS', 'TIMESTAMP_S'])(
    'splits rows of one instant over two reads of a %s column without losing or repeating one',
    async (type) => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, 'w.duckdb');
      await runSql(
        path,
        `CREATE TABLE people AS SELECT lpad((i * 7919 % 1000)::VARCHAR, 3, '0') id,
           CAST(make_timestamp(1795402800123456 + (i // 100) * 1000000) AS ${type}) "at", i amount, 'x' AS "first ""name""" FROM range(1000) r(i)`,
        `INSERT INTO people VALUES (NULL, (SELECT max("at") FROM people), 0, 'nobody')`,
      );
      await using reader = openDuckDbWarehouse(source(path));
      const whole = await collect(reader.readChanges(all, never));
      expect(whole).toHaveLength(1001);
      expect(new Set(whole.map(({ updatedAt }) => updatedAt)).size).toBe(10);
      for (const cut of [1, 50, 100, 101, 555, 999, 1000, 1001]) {
        const last = whole[cut - 1];
        const since: Watermark = { updatedAt: last?.updatedAt ?? '', recipientId: last?.recipientId ?? null };
        const rest = await collect(reader.readChanges({ since, until }, never));
        expect(idsOf(rest)).toEqual(idsOf(whole.slice(cut)));
        expect(
          whole.filter((row) => row.updatedAt && isAfterWatermark({ ...row, updatedAt: row.updatedAt }, since)),
        ).toEqual(whole.slice(cut));
      }
    },
  );

  test('a watermark or an end finer than the column neither loses nor repeats a row', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'w.duckdb');
    await runSql(path, TABLE, `INSERT INTO people VALUES ('a', '2026-11-23 03:00:00.000001+00', 'A', 1)`);
    await using reader = openDuckDbWarehouse(source(path));
    const read = async (since: string | null, end: string) =>
      idsOf(
        await collect(
          reader.readChanges(
            { since: since === null ? null : { updatedAt: since, recipientId: '' }, until: end },
            never,
          ),
        ),
      );
    expect(await read(null, '2026-11-23T03:00:00.000000999Z')).toEqual([]);
    expect(await read(null, '2026-11-23T03:00:00.000001Z')).toEqual(['a']);
    expect(await read('2026-11-23T03:00:00.000001Z', until)).toEqual(['a']);
    expect(await read('2026-11-23T03:00:00.000000999Z', until)).toEqual(['a']);
    expect(await read('2026-11-23T03:00:00.000001001Z', until)).toEqual([]);
  });

  test('rows without a stamp, or with an infinite one, come last in every read', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'w.duckdb');
    await runSql(
      path,
      TABLE,
      `INSERT INTO people VALUES ('n', NULL, 'N', 1), ('i', '-infinity', 'I', 1), ('a', '2026-11-23 03:00:00+00', 'A', 1)`,
    );
    await using reader = openDuckDbWarehouse(source(path));
    const rows = await collect(reader.readChanges(all, never));
    expect(rows.map(({ recipientId, updatedAt }) => [recipientId, updatedAt])).toEqual([
      ['a', '2026-11-23T03:00:00.000000Z'],
      [expect.stringMatching(/[ni]/), null],
      [expect.stringMatching(/[ni]/), null],
    ]);
    const later = await collect(reader.readChanges({ since: { updatedAt: until, recipientId: null }, until }, never));
    expect(later.map(({ updatedAt }) => updatedAt)).toEqual([null, null]);
  });

  test('IDs are ordered by their bytes whatever collation or number type the column has', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'w.duckdb');
    await runSql(
      path,
      `CREATE TABLE people (id VARCHAR COLLATE NOCASE, "at" TIMESTAMP, "first ""name""" VARCHAR, amount INT)`,
      `INSERT INTO people SELECT i, '2026-11-23', 'x', 1 FROM (VALUES ('a'), ('B'), ('b'), ('A')) v(i)`,
      `CREATE TABLE numbered AS SELECT i AS id, TIMESTAMP '2026-11-23' AS "at", 'x' AS "first ""name""", 1 AS amount FROM range(8, 12) r(i)`,
    );
    await using texts = openDuckDbWarehouse(source(path));
    expect(idsOf(await collect(texts.readChanges(all, never)))).toEqual(['A', 'B', 'a', 'b']);
    const since = { updatedAt: '2026-11-23T00:00:00Z', recipientId: 'B' };
    expect(idsOf(await collect(texts.readChanges({ since, until }, never)))).toEqual(['a', 'b']);
    await using numbers = openDuckDbWarehouse(source(path, { table: 'main.numbered' }));
    expect(idsOf(await collect(numbers.readChanges(all, never)))).toEqual(['10', '11', '8', '9']);
  });

  test('named people are read with all their rows up to the end, and unknown names yield nothing', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'w.duckdb');
    await runSql(
      path,
      TABLE,
      `INSERT INTO people VALUES ('a', '2026-11-23', 'A', 2), ('a', '2026-11-22', 'A', 1), ('a', '2027-01-01', 'A', 3),
         ('b', '2026-11-23', 'B', 1), ('it''s, [x]', '2026-11-23', 'Q', 1)`,
    );
    await using reader = openDuckDbWarehouse(source(path));
    const rows = await collect(reader.readRecipients(['a', "it's, [x]", 'zz'], until, never));
    expect(rows.map(({ recipientId, params }) => [recipientId, params['amount']])).toEqual([
      ['a', 1],
      ['a', 2],
      ["it's, [x]", 1],
    ]);
    expect(await collect(reader.readRecipients([], until, never))).toEqual([]);
  });

  test('a source that is not as the campaign says is refused, in words that name it', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'w.duckdb');
    await runSql(path, TABLE, 'CREATE TABLE dated AS SELECT 1 AS id, DATE \'2026-11-23\' AS "at", 1 AS amount');
    await writeFile(join(folder.path, 'text.duckdb'), 'not a database');
    const read = (more: object) => collect(openDuckDbWarehouse(source(path, more)).readChanges(all, never));
    const denied = (text: string) => ({ failureClass: 'WarehouseDenied', message: expect.stringContaining(text) });
    const wrong = (text: string) => ({ failureClass: 'SqlError', message: expect.stringContaining(text) });
    await expect(read({ path: join(folder.path, 'none.duckdb') })).rejects.toMatchObject(denied('none.duckdb'));
    await expect(read({ path: folder.path })).rejects.toMatchObject(denied('is not a file'));
    await expect(read({ path: join(folder.path, 'text.duckdb') })).rejects.toMatchObject(denied('not a valid DuckDB'));
    await expect(read({ table: 'nope' })).rejects.toMatchObject(wrong('nope'));
    await expect(read({ params: { name: 'nope' } })).rejects.toMatchObject(wrong('nope'));
    await expect(read({ table: 'dated', params: { x: 'amount' } })).rejects.toMatchObject(wrong('must be a TIMESTAMP'));
    await expect(read({ table: 'people"; DROP TABLE people; --' })).rejects.toMatchObject(wrong('does not exist'));
    expect(await read({})).toEqual([]);
  });

  test('an error inside a view is told without the value that caused it', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'w.duckdb');
    await runSql(
      path,
      TABLE,
      `INSERT INTO people VALUES ('a', '2026-11-23', 'Secret Name', 2)`,
      `CREATE VIEW v AS SELECT id, "at", CAST("first ""name""" AS INTEGER) AS n FROM people`,
    );
    await using reader = openDuckDbWarehouse(source(path, { table: 'v', params: { n: 'n' } }));
    const failure = await collect(reader.readChanges(all, never)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ failureClass: 'WarehouseDenied' });
    expect(inspect(failure)).not.toContain('Secret');
  });

  test('names and IDs that would be SQL are names and IDs', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "it's.duckdb");
    await runSql(
      path,
      `CREATE TABLE ${HOSTILE.table} (${HOSTILE.columns})`,
      `INSERT INTO ${HOSTILE.table} VALUES ($$${HOSTILE.id}$$, '2026-11-23', '1'), ('plain', '2026-11-23', '2')`,
    );
    await using reader = openDuckDbWarehouse(source(path, HOSTILE.source));
    await expectHostile(reader);
  });

  test('a file that another process writes to is unavailable for the moment, and readable when it is done', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'w.duckdb');
    await runSql(path, TABLE, `INSERT INTO people VALUES ('a', '2026-11-23', 'A', 2)`);
    const writer = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { DuckDBInstance } from '@duckdb/node-api';
       await DuckDBInstance.create(${JSON.stringify(path)}); console.log('open'); process.stdin.resume();`,
    ]);
    try {
      await once(writer.stdout, 'data');
      await using reader = openDuckDbWarehouse(source(path));
      await expect(collect(reader.readChanges(all, never))).rejects.toMatchObject({
        failureClass: 'WarehouseUnavailable',
      });
      writer.kill();
      await once(writer, 'exit');
      expect(await collect(reader.readChanges(all, never))).toHaveLength(1);
    } finally {
      writer.kill();
    }
  });

  test('an abort ends a read in the middle, and an abandoned read lets go of the file', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'w.duckdb');
    await runSql(
      path,
      `CREATE TABLE people AS SELECT i::VARCHAR id, TIMESTAMPTZ '2026-11-23 00:00:00+00' AS "at", 'x' AS "first ""name""", 1 AS amount FROM range(20000) r(i)`,
    );
    const reader = openDuckDbWarehouse(source(path));
    const abort = new AbortController();
    let seen = 0;
    const reading = (async () => {
      for await (const _ of reader.readChanges(all, abort.signal)) {
        seen += 1;
        if (seen === 100) abort.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ failureClass: 'Cancelled' });
    expect(seen).toBeLessThan(20_000);

    for await (const row of reader.readChanges(all, never)) {
      expect(row.line).toBe(1);
      break;
    }
    // Opening for writing in the same process is refused as long as any read-only opening is left.
    await runSql(path, `INSERT INTO people VALUES ('late', '2026-11-24', 'x', 1)`);
    await reader[Symbol.asyncDispose]();
    await expect(collect(reader.readChanges(all, never))).rejects.toMatchObject({ failureClass: 'Cancelled' });
  });
});
