import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/contracts/failures.ts';
import { type CsvWarehouseOptions, csvColumns, openCsvWarehouse } from '../../src/warehouse/csv.ts';
import { openWarehouse } from '../../src/warehouse/index.ts';
import { collect, idsOf, never, temporaryFolder } from './support.ts';

const all = { since: null, until: '2026-12-01T00:00:00Z' };
const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    name: { type: 'string' },
    amount: { type: 'integer' },
    share: { type: 'number' },
    vip: { type: 'boolean' },
  },
};

/** In chunks of a few bytes, so that records, quotes and characters are cut everywhere. */
const open = (text: string | Buffer, more: Partial<CsvWarehouseOptions> = {}) => {
  const bytes = Buffer.from(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 3) }, (_, at) => bytes.subarray(at * 3, at * 3 + 3));
  return openCsvWarehouse({
    name: 'users.csv',
    open: async () => Readable.from(chunks),
    paramsSchema: schema,
    ...more,
  });
};
const read = (text: string | Buffer, more: Partial<CsvWarehouseOptions> = {}) =>
  collect(open(text, more).readChanges(all, never));

describe('the CSV reader', () => {
  test('reads BOM, CRLF, quotes and line breaks in quotes, and gives cells the types of the schema', async () => {
    const text =
      '\uFEFFrecipient_id,name,amount,share,vip\r\n' +
      'a,"O\'Brien, ""Bob""",12,0.5,true\r\n' +
      '\r\n' +
      'b/1,"two\nlines",-3,1e3,false\r\n' +
      '007,007,twelve,,\r\n';
    expect(await read(text)).toEqual([
      {
        line: 2,
        recipientId: 'a',
        updatedAt: null,
        params: { name: 'O\'Brien, "Bob"', amount: 12, share: 0.5, vip: true },
      },
      {
        line: 5,
        recipientId: 'b/1',
        updatedAt: null,
        params: { name: 'two\nlines', amount: -3, share: 1000, vip: false },
      },
      { line: 6, recipientId: '007', updatedAt: null, params: { name: '007', amount: 'twelve' } },
    ]);
  });

  test('a column that the template does not know is left out, unless there is no schema', async () => {
    expect((await read('recipient_id,name,email\na,Ann,a@example.com\n'))[0]?.params).toEqual({ name: 'Ann' });
    const all = await read('recipient_id,name,email\na,Ann,a@example.com\n', { paramsSchema: undefined });
    expect(all[0]?.params).toEqual({ name: 'Ann', email: 'a@example.com' });
  });

  test('columns are found by the names that the campaign gives them', async () => {
    const columns = { recipientId: 'Customer No', updatedAt: 'changed' };
    const rows = await read('changed,First,Customer No\n2026-11-23T03:00:00.5+01:00,Ann,42\n', {
      columns,
      params: { name: 'First' },
    });
    expect(rows).toEqual([
      { line: 2, recipientId: '42', updatedAt: '2026-11-23T02:00:00.500000Z', params: { name: 'Ann' } },
    ]);
  });

  test('stamps, where there are any, keep rows within the range; a row without one is always read', async () => {
    const reader = open(
      'recipient_id,updated_at,name\na,2026-11-23T00:00:00Z,A\nb,2026-11-24T00:00:00Z,B\nc,,C\nd,2027-01-01T00:00:00Z,D\n',
    );
    const since = { updatedAt: '2026-11-23T00:00:00.000Z', recipientId: 'a' };
    expect(idsOf(await collect(reader.readChanges({ ...all, since }, never)))).toEqual(['b', 'c']);
    expect(idsOf(await collect(reader.readRecipients(['a', 'd', 'x'], all.until, never)))).toEqual(['a']);
  });

  test('a malformed line becomes a problem with its number and none of its values, and the file goes on', async () => {
    const rows = await read(
      Buffer.concat([
        Buffer.from('recipient_id,updated_at,name,amount\na,,Ann,1\nb,,Bo\nc,,"Cy"x,3\nc2,,C"2",3\nd,,Dee,4,5\n'),
        Buffer.from([...Buffer.from('e,,Zo'), 0xff, ...Buffer.from(',6\n')]),
        Buffer.from('f,tomorrow,Fay,7\ng,,Gil,8\n'),
      ]),
    );
    expect(
      rows.filter(({ problem }) => problem === undefined).map(({ recipientId, line }) => [recipientId, line]),
    ).toEqual([
      ['a', 2],
      ['g', 9],
    ]);
    const problems = rows.filter(({ problem }) => problem !== undefined);
    expect(problems.map(({ line, recipientId }) => [line, recipientId]).sort()).toEqual([
      [3, null],
      [4, null],
      [5, null],
      [6, null],
      [7, 'e'],
      [8, 'f'],
    ]);
    for (const { problem } of problems) expect(problem).not.toMatch(/Bo|Cy|Dee|Zo|tomorrow/);
  });

  test.each([
    ['', 'its first line must name the columns'],
    [
      'name,amount\nAnn,1\n',
      "no column 'recipient_id': its first line has 2 columns, none of that name. Let the first",
    ],
    ['recipient_id:name\na:Ann\n', 'its first line has 1 column, none'],
    ['recipient_id,name,name\n', 'columns 2 and 3 of its first line have the same name; rename one'],
    ['recipient_id,name\na,"Ann\nb,Bo\nc,Cy\n', 'is never closed'],
  ])('a file that cannot be understood is refused: %j', async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({
      failureClass: 'WarehouseDenied',
      message: expect.stringContaining(message),
    });
  });

  test.each([
    'ada@example.com,Ada,12\ngrace@example.com,Grace,12\n',
    'recipient_id,Ada,Ada\n',
    'ada@example.com,"Ada"x,12\n',
  ])('a first line that is a person and not a header is refused without a word of it: %j', async (text) => {
    const failure = await read(text, { params: { amount: 'total' } }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ failureClass: 'WarehouseDenied' });
    expect(String(failure)).not.toMatch(/ada|grace|12/i);
  });

  test('where people watch is read beside the parameters, and is one of them only where the template knows it', async () => {
    const text = 'recipient_id,name,channel\na,Ann,email\nb,Bo,\n';
    const rows = await read(text, { columns: csvColumns('channel') });
    expect(rows.map(({ params, destination }) => [params, destination])).toEqual([
      [{ name: 'Ann' }, 'email'],
      [{ name: 'Bo' }, ''],
    ]);
    const [unknown] = await read(text, { columns: csvColumns('channel'), paramsSchema: undefined });
    expect(unknown).toMatchObject({ params: { name: 'Ann' }, destination: 'email' });
    expect(unknown?.params).not.toHaveProperty('channel');
    const [known] = await read(text, { columns: csvColumns('name') });
    expect(known).toMatchObject({ params: { name: 'Ann' }, destination: 'Ann' });
    await expect(read(text, { columns: csvColumns('chanel') })).rejects.toThrow("no column 'chanel'");
  });

  test('a missing column of the mapping is refused by name', async () => {
    await expect(read('recipient_id,name\na,Ann\n', { params: { amount: 'total' } })).rejects.toThrow(
      "no column 'total'",
    );
  });

  test('what opening or reading throws keeps its class, and is unavailable otherwise', async () => {
    const failing = (error: Error) => read('', { open: async () => Promise.reject(error) });
    await expect(failing(new Failure('StorageDenied', 'no'))).rejects.toMatchObject({ failureClass: 'StorageDenied' });
    await expect(failing(new Error('reset'))).rejects.toMatchObject({ failureClass: 'WarehouseUnavailable' });
    async function* broken() {
      yield Buffer.from('recipient_id,name\na,Ann\n');
      throw new Error('connection reset');
    }
    await expect(read('', { open: async () => Readable.from(broken()) })).rejects.toMatchObject({
      failureClass: 'WarehouseUnavailable',
    });
  });

  test('a file of 30,000 lines is read as it flows, and an early end or an abort stops the flow', async () => {
    let produced = 0;
    const source = () => {
      produced = 0;
      return Readable.from(
        (function* () {
          yield 'recipient_id,name,amount\n';
          for (; produced < 30_000; produced += 1) yield `r${produced},Name ${produced},${produced}\n`;
        })(),
      );
    };
    const reader = openCsvWarehouse({ name: 'big.csv', open: async () => source(), paramsSchema: schema });
    for await (const row of reader.readChanges(all, never)) if (row.recipientId === 'r10') break;
    expect(produced).toBeLessThan(10_000);

    const abort = new AbortController();
    const aborted = (async () => {
      for await (const row of reader.readChanges(all, abort.signal)) if (row.recipientId === 'r10') abort.abort();
    })();
    await expect(aborted).rejects.toMatchObject({ failureClass: 'Cancelled' });

    const rows = await collect(reader.readChanges(all, never));
    expect(rows).toHaveLength(30_000);
    expect(rows.at(-1)).toEqual({
      line: 30_001,
      recipientId: 'r29999',
      updatedAt: null,
      params: { name: 'Name 29999', amount: 29_999 },
    });
    await reader[Symbol.asyncDispose]();
    await expect(collect(reader.readChanges(all, never))).rejects.toMatchObject({ failureClass: 'Cancelled' });
  });

  test('a CSV source of a campaign is opened by path', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'users.csv');
    await writeFile(path, 'recipient_id,name\na,Ann\n');
    const columns = { recipientId: 'recipient_id', updatedAt: 'updated_at' };
    const delta = { strategy: 'watermark', lagMinutes: 0, overlapMinutes: 0 } as const;
    await using there = openWarehouse({ type: 'csv', path, columns, delta });
    expect(await collect(there.readChanges(all, never))).toHaveLength(1);
    expect(await readFile(path, 'utf8')).toContain('Ann');
    await using gone = openWarehouse({ type: 'csv', path: `${path}.gone`, columns, delta });
    await expect(collect(gone.readChanges(all, never))).rejects.toMatchObject({ failureClass: 'WarehouseDenied' });
  });
});
