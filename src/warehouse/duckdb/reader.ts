/** Reads a DuckDB file, or Parquet and CSV files through DuckDB: read-only, one short opening per read, chunk by chunk. */

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isNativeError } from 'node:util/types';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBResult,
  type DuckDBValue,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api';
import { Failure } from '../../contracts/failures.ts';
import { workPath } from '../../machine/owned-folders.ts';
import { codeOf } from '../../machine/system-error.ts';
import type { WarehouseReader } from '../reader.ts';
import type { DuckDbSource } from '../source.ts';
import type { Query, Relation } from '../sql/delta-query.ts';
import type { StampColumn } from '../sql/dialect.ts';
import type { ParsedSql } from '../sql/named-parameters.ts';
import { type ReadRows, sqlDelta, sqlReads } from '../sql/reader.ts';
import { DUCKDB } from './dialect.ts';
import { stampColumnOf, toJsonValue, toStamp } from './values.ts';

/** A source whose file is known: a database, or null for a source that names `files`. */
export type LocatedDuckDbSource = Pick<DuckDbSource, 'table' | 'files' | 'columns' | 'params'> & {
  readonly path: string | null;
};

/**
 * Nothing is opened before the first read. While a read runs, the file cannot be opened for writing by another process,
 * so a read should be consumed without long pauses.
 */
export function openDuckDbWarehouse(source: LocatedDuckDbSource, query?: ParsedSql): WarehouseReader {
  const path = source.path === null ? ':memory:' : resolve(source.path);
  const name = source.path === null ? (source.files ?? 'the files') : path;
  const closing = new AbortController();
  const delta = sqlDelta(DUCKDB, relationOf(source, query), source);

  const read: ReadRows = async function* (question, outer) {
    const signal = AbortSignal.any([outer, closing.signal]);
    try {
      await using opened = await openReadOnly(path, signal);
      const { connection } = opened;
      // What a table needs is one sort; what a query of the user's own needs, only its author knows.
      if (query !== undefined) await connection.run("SET memory_limit = '1GB'");
      const column = await stampColumn(connection, delta.queries.probe(), source.columns.updatedAt);
      const { sql, countSql, values } = question(column);
      const bound = values.map((value): DuckDBValue => (typeof value === 'string' ? value : listValue([...value])));
      const types = values.map((value) => (typeof value === 'string' ? VARCHAR : LIST(VARCHAR)));
      // A stream that breaks off, by an error or an interrupt, ends like one that is complete: only the count tells.
      const expected = (await connection.run(countSql, bound, types).then((result) => result.getRows()))[0]?.[0];
      opened.result = await connection.stream(sql, bound, types);
      let line = 0;
      for await (const { stamp, cells } of rowsOf(opened.result)) {
        signal.throwIfAborted();
        line += 1;
        yield delta.build(line, stamp, cells);
      }
      signal.throwIfAborted();
      if (BigInt(line) !== expected) {
        throw new Failure(
          'WarehouseUnavailable',
          `reading ${name} broke off after ${line} of ${String(expected)} rows`,
        );
      }
    } catch (error) {
      throw duckDbFailure(error, name, signal);
    }
  };

  return {
    kind: 'duckdb',
    ...sqlReads(delta, read),
    async probe(signal) {
      try {
        await using opened = await openReadOnly(path, signal);
        await stampColumn(opened.connection, delta.queries.probe(), source.columns.updatedAt);
        return { columnsSeen: true };
      } catch (error) {
        throw duckDbFailure(error, name, signal);
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the warehouse reader was closed'));
    },
  };
}

function relationOf({ table, files }: LocatedDuckDbSource, query: ParsedSql | undefined): Relation {
  if (query !== undefined) return { query };
  if (files === undefined) return { table: table ?? '' };
  const text = `'${files.replaceAll("'", "''")}'`;
  return { sql: files.endsWith('.parquet') ? `read_parquet(${text})` : `read_csv(${text})` };
}

interface CellsOfRow {
  readonly stamp: string | null;
  readonly cells: readonly unknown[];
}

async function* rowsOf(result: DuckDBResult): AsyncGenerator<CellsOfRow, void, undefined> {
  const types = result.columnTypes();
  for await (const rows of result.yieldRows()) {
    for (const row of rows) {
      const cells = row.map((cell, at) => {
        const type = types[at];
        return at === 1 || cell === null || type === undefined ? null : toJsonValue(cell, type);
      });
      yield { stamp: toStamp(row[1] ?? null), cells };
    }
  }
}

interface OpenedDatabase extends AsyncDisposable {
  readonly connection: DuckDBConnection;
  /** The stream under way, to be ended with the database. */
  result: DuckDBResult | null;
}

async function openReadOnly(path: string, signal: AbortSignal): Promise<OpenedDatabase> {
  signal.throwIfAborted();
  if (path !== ':memory:') {
    // Said in our words, because DuckDB's own errors carry no code.
    const file = await stat(path);
    if (!file.isFile()) throw new Failure('WarehouseDenied', `${path} is not a file; it must be a DuckDB database`);
  }
  // From the cache: file locks do not hold inside one process, and a second, writing instance there would corrupt the file.
  const instance = await DuckDBInstance.fromCache(path, {
    ...(path === ':memory:' ? {} : { access_mode: 'READ_ONLY' }),
    // A sort larger than this goes to temp_directory, which DuckDB makes when needed and removes.
    memory_limit: '64MB',
    temp_directory: await workPath(`duckdb-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`),
  });
  let connection: DuckDBConnection;
  try {
    connection = await instance.connect();
  } catch (error) {
    instance.closeSync();
    throw error;
  }
  const interrupt = () => connection.interrupt();
  signal.addEventListener('abort', interrupt, { once: true });
  const opened: OpenedDatabase = {
    connection,
    result: null,
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', interrupt);
      try {
        // A stream that is not at its end keeps the database open until it is garbage: interrupt it and read out the rest.
        interrupt();
        while (opened.result !== null && ((await opened.result.fetchChunk())?.rowCount ?? 0) > 0);
      } finally {
        connection.closeSync();
        instance.closeSync();
      }
    },
  };
  return opened;
}

/** The stamp column, from the database: its type decides how the watermark is compared. Null when the campaign names none. */
async function stampColumn(
  connection: DuckDBConnection,
  { sql, values }: Query,
  name: string | undefined,
): Promise<StampColumn | null> {
  const probed = await connection.run(
    sql,
    values.map(String),
    values.map(() => VARCHAR),
  );
  if (name === undefined) return null;
  const type = probed.columnType(1);
  const column = stampColumnOf(type);
  if (column !== null) return column;
  throw new Failure(
    'SqlError',
    `column '${name}' is ${type.toString()}; the time of the last change must be a TIMESTAMP, with or without time zone`,
  );
}

/** DuckDB's errors carry no code: they are text that begins with their kind. These pass by themselves. */
const TRANSIENT = /^(IO Error|Connection Error|Out of Memory Error|TransactionContext Error)/;
/** Of the I/O errors, those that no retry cures. */
const PERMANENT =
  /not a valid DuckDB database|does not exist|No files found|trying to read a database file with version/i;
/** Kinds whose text names files, tables, columns and SQL, but never a row's values. */
const QUOTABLE =
  /^(IO|Connection|Out of Memory|TransactionContext|Catalog|Binder|Parser|Permission|Serialization) Error/;
/** Of those, what is wrong in the campaign or its query. */
const WRONG_SQL = /^(Catalog|Binder|Parser) Error/;
const NODE_DENIED = new Set(['ENOENT', 'EACCES', 'EPERM', 'ENOTDIR', 'EISDIR']);

/** Maps what DuckDB or the file system threw while the database at `path` was used. */
export function duckDbFailure(error: unknown, path: string, signal?: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  if (signal?.aborted) return new Failure('Cancelled', `reading ${path} was cancelled`, { cause: error });
  const [message = ''] = (isNativeError(error) ? error.message : String(error))
    .replace(/^Failed to [a-z ]+: /, '')
    .split('\n');
  const code = codeOf(error);
  if (code === 'ENOENT') {
    const what = `there is no warehouse at ${path}; name one in the campaign's source, or let \`nightreel demo\` generate it`;
    return new Failure('WarehouseDenied', what, { cause: error });
  }
  if (typeof code === 'string') {
    return NODE_DENIED.has(code)
      ? new Failure('WarehouseDenied', `the warehouse cannot be opened: ${message}`, { cause: error })
      : new Failure('WarehouseUnavailable', `the warehouse cannot be opened just now: ${message}`, { cause: error });
  }
  // A conversion error quotes the value it stumbled over: that is somebody's, and stays here.
  if (!QUOTABLE.test(message)) {
    const kind = /^[A-Za-z ]+ Error/.exec(message)?.[0] ?? 'an unknown error';
    return new Failure('WarehouseDenied', `${path}: DuckDB reports ${kind} while reading the table or view`);
  }
  if (WRONG_SQL.test(message)) return new Failure('SqlError', `${path}: ${message}`, { cause: error });
  return TRANSIENT.test(message) && !PERMANENT.test(message)
    ? new Failure('WarehouseUnavailable', `${path} cannot be read just now: ${message}`, { cause: error })
    : new Failure('WarehouseDenied', `${path}: ${message}`, { cause: error });
}
