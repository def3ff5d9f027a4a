import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect } from '@jest/globals';
import type { SourceRow, WarehouseReader } from '../../src/warehouse/reader.ts';

/** A folder that is gone when its scope ends. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'nightreel-test-'));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Runs SQL in a database file and closes it. */
export async function runSql(path: string, ...statements: string[]): Promise<void> {
  const instance = await DuckDBInstance.fromCache(path);
  const connection = await instance.connect();
  try {
    for (const statement of statements) await connection.run(statement);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function* stream<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* items;
}

export const never = new AbortController().signal;

export const idsOf = (rows: readonly SourceRow[]): (string | null)[] => rows.map(({ recipientId }) => recipientId);

/** A table whose every name would like to be more than a name, and somebody whose ID would, too: the same SQL for every engine. */
export const HOSTILE = {
  id: `x' OR '1'='1'; DROP TABLE people; --`,
  table: `"t""); DROP TABLE people;--"`,
  columns: `"id"" FROM people; --" text, "at' OR 1=1" timestamp, "name $1 ? :until" text`,
  source: {
    table: 't"); DROP TABLE people;--',
    columns: { recipientId: 'id" FROM people; --', updatedAt: `at' OR 1=1` },
    params: { n: 'name $1 ? :until' },
  },
} as const;

/** Two rows: the hostile one, called 1, and `plain`, called 2. */
export async function expectHostile(reader: WarehouseReader): Promise<void> {
  const until = '2026-12-01T00:00:00Z';
  const range = { since: { updatedAt: '2026-11-23T00:00:00Z', recipientId: 'a' }, until };
  expect(idsOf(await collect(reader.readChanges(range, never)))).toEqual(['plain', HOSTILE.id]);
  const after = { since: { updatedAt: '2026-11-23T00:00:00Z', recipientId: HOSTILE.id }, until };
  expect(await collect(reader.readChanges(after, never))).toEqual([]);
  const [only, ...others] = await collect(reader.readRecipients([HOSTILE.id], until, never));
  expect([only?.recipientId, only?.params, others]).toEqual([HOSTILE.id, { n: '1' }, []]);
  expect(await collect(reader.readRecipients(["nobody' OR '1'='1"], until, never))).toEqual([]);
}
