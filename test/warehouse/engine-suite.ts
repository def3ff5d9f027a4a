/** What every engine that holds tables must do, whichever server stands behind it. */

import { expect, test } from '@jest/globals';
import type { Watermark } from '../../src/contracts/batch.ts';
import type { WarehouseReader } from '../../src/warehouse/reader.ts';
import { collect, idsOf, never } from './support.ts';

/** An engine with a way to run its SQL and to open a source in it. */
export interface Engine {
  run(...statements: string[]): Promise<void>;
  open(source: object, queryText?: string): WarehouseReader;
  /** Type names where they differ. */
  readonly types: { readonly zoned: string; readonly plain: string; readonly text: string };
}

const until = '2026-12-01T00:00:00Z';
const all = { since: null, until };
const columns = { recipientId: 'id', updatedAt: 'at' };

/** @param engine known when the tests run; `name` decides how names without quotes are folded. */
export function behavesAsWarehouse(name: 'duckdb' | 'postgres' | 'snowflake', engine: () => Engine): void {
  test('reads rows in the order of stamp and ID, with every digit of stamps and numbers', async () => {
    const { run, open, types } = engine();
    await run(
      `CREATE TABLE people ("id" ${types.text}, "at" ${types.zoned}, "first name" ${types.text}, "amount" DECIMAL(18, 2), "big" DECIMAL(20, 0))`,
      `INSERT INTO people VALUES ('b', '2026-11-23 03:00:00.123456+00:00', 'O''Brien', 19.90, 9007199254740993),
         ('a', '2026-11-22 22:00:00.123456-05:00', 'Zoë 🌙', 120, 7), ('c', '2026-11-23 03:00:00.123455+00:00', NULL, 1234567890123456.78, -1)`,
    );
    const params = { name: 'first name', amount: 'amount', big: 'big' };
    await using reader = open({ table: name === 'snowflake' ? 'PEOPLE' : 'people', columns, params });
    expect(await collect(reader.readChanges(all, never))).toEqual([
      {
        line: 1,
        recipientId: 'c',
        updatedAt: '2026-11-23T03:00:00.123455Z',
        params: { name: null, amount: '1234567890123456.78', big: -1 },
      },
      {
        line: 2,
        recipientId: 'a',
        updatedAt: '2026-11-23T03:00:00.123456Z',
        params: { name: 'Zoë 🌙', amount: 120, big: 7 },
      },
      {
        line: 3,
        recipientId: 'b',
        updatedAt: '2026-11-23T03:00:00.123456Z',
        params: { name: "O'Brien", amount: 19.9, big: '9007199254740993' },
      },
    ]);
  });

  test('asked for its columns alone, it says whether they are there', async () => {
    const { run, open, types } = engine();
    await run(`CREATE TABLE asked ("id" ${types.text}, "at" ${types.zoned}, "n" INTEGER)`);
    const table = name === 'snowflake' ? 'ASKED' : 'asked';
    await using reader = open({ table, columns, params: { n: 'n' } });
    expect(await reader.probe(never)).toEqual({ columnsSeen: true });
    await using other = open({ table, columns, params: { n: 'm' } });
    await expect(other.probe(never)).rejects.toMatchObject({ failureClass: 'SqlError' });
    await using untimed = open({ table, columns: { ...columns, updatedAt: 'n' }, params: { n: 'n' } });
    await expect(untimed.probe(never)).rejects.toMatchObject({
      failureClass: 'SqlError',
      message: expect.stringContaining('last change must be'),
    });
  });

  test('splits rows of one instant over two reads without losing or repeating one', async () => {
    const { run, open, types } = engine();
    const values = Array.from({ length: 300 }, (_, i) => {
      const id = String((i * 7919) % 300).padStart(3, '0');
      return `('${id}', '2026-11-23 03:00:0${Math.floor(i / 50)}.5', ${i})`;
    });
    await run(
      `CREATE TABLE crowd ("id" ${types.text}, "at" ${types.plain}, "n" INTEGER)`,
      `INSERT INTO crowd VALUES ${values.join(', ')}, (NULL, '2026-11-23 03:00:05.5', 0)`,
    );
    await using reader = open({ table: name === 'snowflake' ? 'CROWD' : 'crowd', columns, params: { n: 'n' } });
    const whole = await collect(reader.readChanges(all, never));
    expect(whole).toHaveLength(301);
    expect(new Set(whole.map(({ updatedAt }) => updatedAt)).size).toBe(6);
    for (const cut of [1, 50, 51, 222, 300, 301]) {
      const last = whole[cut - 1];
      const since: Watermark = { updatedAt: last?.updatedAt ?? '', recipientId: last?.recipientId ?? null };
      expect(idsOf(await collect(reader.readChanges({ since, until }, never)))).toEqual(idsOf(whole.slice(cut)));
    }
  });

  test('gives the rows of named people, and everything, also of a source without stamps', async () => {
    const { run, open, types } = engine();
    await run(
      `CREATE TABLE plain ("id" ${types.text}, "n" INTEGER)`,
      `INSERT INTO plain VALUES ('a/b', 1), ('it''s, [x]', 2), ('"q"', 3), ('d', 4)`,
    );
    const source = {
      table: name === 'snowflake' ? 'PLAIN' : 'plain',
      columns: { recipientId: 'id' },
      params: { n: 'n' },
    };
    await using reader = open({ ...source, delta: { strategy: 'snapshot' } });
    expect(reader.capabilities.watermark).toBe(false);
    expect(idsOf(await collect(reader.readAll(never))).sort()).toEqual(['"q"', 'a/b', 'd', "it's, [x]"]);
    const some = await collect(reader.readRecipients(["it's, [x]", '"q"', 'nobody'], until, never));
    expect(some.map(({ recipientId, params }) => [recipientId, params['n']]).sort()).toEqual([
      ['"q"', 3],
      ["it's, [x]", 2],
    ]);
    expect(await collect(reader.readRecipients([], until, never))).toEqual([]);
  });

  test('people who opted out or never agreed come as withdrawn, with nothing of theirs', async () => {
    const { run, open, types } = engine();
    await run(
      `CREATE TABLE choices ("id" ${types.text}, "at" ${types.plain}, "n" INTEGER, "gone" ${types.plain}, "ok" BOOLEAN)`,
      `INSERT INTO choices VALUES ('in', '2026-11-23 01:00:00', 1, NULL, true), ('out', '2026-11-23 02:00:00', 2, '2026-11-23 02:00:00', true),
         ('never', '2026-11-23 03:00:00', 3, NULL, NULL), ('no', '2026-11-23 04:00:00', 4, NULL, false)`,
    );
    await using reader = open({
      table: name === 'snowflake' ? 'CHOICES' : 'choices',
      columns: { ...columns, withdrawn: 'gone', consent: 'ok' },
      params: { n: 'n' },
    });
    const rows = await collect(reader.readChanges(all, never));
    expect(rows.map(({ recipientId, withdrawn = false, params }) => [recipientId, withdrawn, params])).toEqual([
      ['in', false, { n: 1 }],
      ['out', true, {}],
      ['never', true, {}],
      ['no', true, {}],
    ]);
  });

  test('where people watch comes beside their params, also where it is one of these', async () => {
    const { run, open, types } = engine();
    await run(
      `CREATE TABLE watchers ("id" ${types.text}, "n" INTEGER, "channel" ${types.text})`,
      `INSERT INTO watchers VALUES ('a', 1, 'email'), ('b', 2, NULL)`,
    );
    const table = name === 'snowflake' ? 'WATCHERS' : 'watchers';
    const read = async (params: object, destination: string) => {
      const source = { table, columns: { recipientId: 'id', destination }, params, delta: { strategy: 'snapshot' } };
      await using reader = open(source);
      return await collect(reader.readAll(never));
    };
    const destinationOf = { a: 'email', b: null };
    expect(
      (await read({ n: 'n' }, 'channel')).map(({ recipientId, params, destination }) => [
        recipientId,
        params,
        destination,
      ]),
    ).toEqual([
      ['a', { n: 1 }, destinationOf.a],
      ['b', { n: 2 }, destinationOf.b],
    ]);
    expect(await read({ how: 'channel' }, 'channel')).toMatchObject([
      { params: { how: 'email' }, destination: 'email' },
      { params: { how: null }, destination: null },
    ]);
    await expect(read({ n: 'n' }, 'chanel')).rejects.toMatchObject({
      failureClass: 'SqlError',
      message: expect.stringContaining('chanel'),
    });
  });

  test("a query of the user's own is given the night's bounds, and what it leaves out stays out", async () => {
    const { run, open, types } = engine();
    await run(
      `CREATE TABLE events ("id" ${types.text}, "at" ${types.zoned}, "n" INTEGER)`,
      `INSERT INTO events VALUES ('a', '2026-11-20 00:00:00+00:00', 1), ('b', '2026-11-23 00:00:00+00:00', 2), ('c', '2026-11-24 00:00:00+00:00', 3), ('d', '2026-11-23 12:00:00+00:00', -4)`,
    );
    const sql = `-- it's the delta: not a parameter
      SELECT "id", "at", "n" * 10 AS "n", ':since' AS "text" FROM events
      WHERE "at" > :since AND "at" <= :until AND "n" > 0 /* :nonsense */;`;
    await using reader = open({ query: 'events.sql', columns, params: { n: 'n', text: 'text' } }, sql);
    const since = { updatedAt: '2026-11-20T00:00:00Z', recipientId: 'a' };
    const rows = await collect(reader.readChanges({ since, until: '2026-11-23T12:00:00Z' }, never));
    expect(rows.map(({ recipientId, params }) => [recipientId, params])).toEqual([['b', { n: 20, text: ':since' }]]);
    expect(idsOf(await collect(reader.readRecipients(['c', 'd'], until, never)))).toEqual(['c']);
  });

  test.each([
    ['a table that is not there', { table: 'nowhere' }],
    ['a column that is not there', { params: { x: 'nope' } }],
    ['a stamp that is a number', { columns: { recipientId: 'id', updatedAt: 'n' } }],
  ])('%s is an error of the SQL, named and not tried again', async (_, wrong) => {
    const { run, open, types } = engine();
    const table = `wrong_${Math.floor(Math.random() * 1e9)}`;
    await run(`CREATE TABLE ${table} ("id" ${types.text}, "at" ${types.plain}, "n" INTEGER)`);
    const known = { table: name === 'snowflake' ? table.toUpperCase() : table, columns, params: { n: 'n' } };
    await using reader = open({ ...known, ...wrong });
    const failure = await collect(reader.readChanges(all, never)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ failureClass: 'SqlError' });
    const named = 'table' in wrong ? 'nowhere' : 'params' in wrong ? 'nope' : "column 'n'";
    expect((failure as Error).message.toLowerCase()).toContain(named);
  });

  test('a query with a mistake in its grammar is told with where it is', async () => {
    await using reader = engine().open({ query: 'x.sql', columns, params: { n: 'n' } }, 'SELECT FROM FROM');
    await expect(collect(reader.readChanges(all, never))).rejects.toMatchObject({ failureClass: 'SqlError' });
  });

  test('an abort ends a read in the middle, and an abandoned read leaves the reader usable', async () => {
    const { run, open, types } = engine();
    const values = Array.from({ length: 5_000 }, (_, i) => `('p${i}', '2026-11-23 03:00:00', ${i})`).join(', ');
    await run(
      `CREATE TABLE many ("id" ${types.text}, "at" ${types.plain}, "n" INTEGER)`,
      `INSERT INTO many VALUES ${values}`,
    );
    const source = { table: name === 'snowflake' ? 'MANY' : 'many', columns, params: { n: 'n' } };
    await using reader = open(source);
    for await (const row of reader.readChanges(all, never)) if (row.line === 3) break;
    expect(await collect(reader.readChanges(all, never))).toHaveLength(5_000);
    const abort = new AbortController();
    const reading = (async () => {
      for await (const row of reader.readChanges(all, abort.signal)) if (row.line === 10) abort.abort();
    })();
    await expect(reading).rejects.toMatchObject({ failureClass: 'Cancelled' });
  });
}
