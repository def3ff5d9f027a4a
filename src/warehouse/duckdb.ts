/** Reads a DuckDB file: read-only, one short opening per read, chunk by chunk. */

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isNativeError } from 'node:util/types';
import { type DuckDBConnection, DuckDBInstance, type DuckDBResult, LIST, listValue, VARCHAR } from '@duckdb/node-api';
import { Failure } from '../contracts/failures.ts';
import { changesQuery, probeQuery, type Query, recipientsQuery, type StampColumn } from './duckdb-query.ts';
import { tickOf, toJsonValue, toStamp } from './duckdb-values.ts';
import type { SourceRow, WarehouseReader } from './reader.ts';
import type { DuckDbSource } from './source.ts';

/** A source whose file is known. */
export type LocatedDuckDbSource = DuckDbSource & { readonly path: string };

/**
 * Nothing is opened before the first read. While a read runs, the file cannot be opened for writing by another process,
 * so a read should be consumed without long pauses.
 */
export function openDuckDbWarehouse(source: LocatedDuckDbSource): WarehouseReader {
  const path = resolve(source.path);
  const closing = new AbortController();

  async function* read(
    query: (column: StampColumn) => Query,
    ids: readonly string[] | null,
    outer: AbortSignal,
  ): AsyncGenerator<SourceRow, void, undefined> {
    const signal = AbortSignal.any([outer, closing.signal]);
    try {
      await using opened = await openReadOnly(path, signal);
      const { connection } = opened;
      const { sql, countSql, values } = query(await stampColumn(connection, source));
      const bound = { ...values, ...(ids === null ? {} : { ids: listValue([...ids]) }) };
      const types = ids === null ? {} : { ids: LIST(VARCHAR) };
      // A stream that breaks off, by an error or an interrupt, ends like one that is complete: only the count tells.
      const expected = (await connection.run(countSql, bound, types).then((result) => result.getRows()))[0]?.[0];
      opened.result = await connection.stream(sql, bound, types);
      let line = 0;
      for await (const row of rowsOf(opened.result, source)) {
        signal.throwIfAborted();
        line += 1;
        yield { line, ...row };
      }
      signal.throwIfAborted();
      if (BigInt(line) !== expected) {
        throw new Failure(
          'WarehouseUnavailable',
          `reading ${path} broke off after ${line} of ${String(expected)} rows`,
        );
      }
    } catch (error) {
      throw duckDbFailure(error, path, signal);
    }
  }

  return {
    kind: 'duckdb',
    ordered: true,
    readChanges: (range, signal) => read((column) => changesQuery(source, column, range), null, signal),
    readRecipients: (ids, until, signal) => read((column) => recipientsQuery(source, column, until), ids, signal),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the warehouse reader was closed'));
    },
  };
}

type CellsOfRow = Omit<SourceRow, 'line'>;

async function* rowsOf(result: DuckDBResult, source: DuckDbSource): AsyncGenerator<CellsOfRow, void, undefined> {
  const names = Object.keys(source.params);
  const types = result.columnTypes();
  for await (const rows of result.yieldRows()) {
    for (const [id, stamp, ...cells] of rows) {
      const params: Record<string, unknown> = {};
      names.forEach((name, at) => {
        const type = types[at + 2];
        const cell = cells[at];
        params[name] = type === undefined || cell === undefined ? null : toJsonValue(cell, type);
      });
      yield { recipientId: typeof id === 'string' ? id : null, updatedAt: toStamp(stamp ?? null), params };
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
  // Said in our words, because DuckDB's own errors carry no code.
  const file = await stat(path);
  if (!file.isFile()) throw new Failure('WarehouseDenied', `${path} is not a file; it must be a DuckDB database`);
  // From the cache: file locks do not hold inside one process, and a second, writing instance there would corrupt the file.
  const instance = await DuckDBInstance.fromCache(path, {
    access_mode: 'READ_ONLY',
    // A sort larger than this goes to temp_directory, which DuckDB makes when needed and removes.
    memory_limit: '1GB',
    temp_directory: join(
      tmpdir(),
      `nightreel-duckdb-${process.pid}-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`,
    ),
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

/** Type of the stamp column, from the database: it decides how the watermark is compared. */
async function stampColumn(connection: DuckDBConnection, source: DuckDbSource): Promise<StampColumn> {
  const type = (await connection.run(probeQuery(source))).columnType(1);
  const tickNanoseconds = tickOf(type);
  if (tickNanoseconds === null) {
    throw new Failure(
      'WarehouseDenied',
      `column '${source.columns.updatedAt}' of table '${source.table}' is ${type.toString()}; ` +
        'the time of the last change must be a TIMESTAMP, with or without time zone',
    );
  }
  return { sqlType: type.toString(), tickNanoseconds };
}

/** DuckDB's errors carry no code: they are text that begins with their kind. These pass by themselves. */
const TRANSIENT = /^(IO Error|Connection Error|Out of Memory Error|TransactionContext Error)/;
/** Of the I/O errors, those that no retry cures. */
const PERMANENT = /not a valid DuckDB database|does not exist|trying to read a database file with version/i;
/** Kinds whose text names files, tables, columns and SQL, but never a row's values. */
const QUOTABLE =
  /^(IO|Connection|Out of Memory|TransactionContext|Catalog|Binder|Parser|Permission|Serialization) Error/;
const NODE_DENIED = new Set(['ENOENT', 'EACCES', 'EPERM', 'ENOTDIR', 'EISDIR']);

/** Maps what DuckDB or the file system threw while the database at `path` was used. */
export function duckDbFailure(error: unknown, path: string, signal?: AbortSignal): Failure {
  if (error instanceof Failure) return error;
  if (signal?.aborted) return new Failure('Cancelled', `reading ${path} was cancelled`, { cause: error });
  const message = isNativeError(error) ? (error.message.split('\n')[0] ?? '') : String(error);
  const code = isNativeError(error) && 'code' in error ? error.code : undefined;
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
  return TRANSIENT.test(message) && !PERMANENT.test(message)
    ? new Failure('WarehouseUnavailable', `${path} cannot be read just now: ${message}`, { cause: error })
    : new Failure('WarehouseDenied', `${path}: ${message}`, { cause: error });
}
