/** Reads Snowflake: one session per reader, results streamed in small chunks. */

import { Failure } from '../../contracts/failures.ts';
import type { SourceRow, WarehouseReader } from '../reader.ts';
import type { SnowflakeSource } from '../source.ts';
import type { Query } from '../sql/delta-query.ts';
import type { StampColumn } from '../sql/dialect.ts';
import type { ParsedSql } from '../sql/named-parameters.ts';
import { type ReadRows, sqlDelta, sqlReads } from '../sql/reader.ts';
import { allAtQuery, changesQuery } from './changes-query.ts';
import { credentials } from './credentials.ts';
import { positional, SNOWFLAKE } from './dialect.ts';
import { snowflakeFailure } from './failure.ts';
import { SnowflakeSession } from './session.ts';
import { stampColumnOf, toJsonValue, toStamp } from './values.ts';

export interface SnowflakeWarehouseOptions {
  readonly source: Pick<SnowflakeSource, 'table' | 'columns' | 'params' | 'warehouse' | 'role' | 'database' | 'schema'>;
  /** The user's own query, in place of the table. */
  readonly query?: ParsedSql;
  /** Where SNOWFLAKE_* come from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Query tag. */
  readonly tag?: string;
}

/** Nothing is connected before the first read. */
export function openSnowflakeWarehouse(options: SnowflakeWarehouseOptions): WarehouseReader {
  const { source, query, environment, tag } = options;
  const closing = new AbortController();
  const { table } = source;
  const delta = sqlDelta(SNOWFLAKE, query === undefined ? { table: table ?? '' } : { query }, source);
  let opening: Promise<SnowflakeSession> | null = null;
  const openSession = async (signal: AbortSignal): Promise<SnowflakeSession> => {
    opening ??= SnowflakeSession.open(credentials(environment, source), tag, signal);
    return await opening;
  };

  /** Rows of a statement whose last cell, where `hasAction` says so, is what happened to the row. */
  async function* rowsOf(
    session: SnowflakeSession,
    { sql, binds, hasAction }: { sql: string; binds: readonly string[]; hasAction: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<SourceRow, void, undefined> {
    const result = await session.query(sql, binds, signal);
    let line = 0;
    for await (const row of result.rows) {
      line += 1;
      const cells = result.columns.map((column, at) => (at === 1 ? null : toJsonValue(row[at], column)));
      cells[0] = row[0];
      const built = delta.build(line, hasAction ? null : toStamp(row[1]), cells);
      const isGone = hasAction && cells.at(-1) === 'DELETE';
      yield isGone ? { line, recipientId: built.recipientId, updatedAt: null, params: {}, withdrawn: true } : built;
    }
  }

  const read: ReadRows = async function* (question, outer) {
    const signal = AbortSignal.any([outer, closing.signal]);
    const session = await openSession(signal);
    try {
      const column = await stampColumn(session, delta.queries.probe(), source.columns.updatedAt, signal);
      yield* rowsOf(session, { ...positional(question(column)), hasAction: false }, signal);
    } catch (error) {
      throw snowflakeFailure(error, session.name, signal);
    }
  };

  async function* readLog(sql: string, outer: AbortSignal): AsyncGenerator<SourceRow, void, undefined> {
    const signal = AbortSignal.any([outer, closing.signal]);
    const session = await openSession(signal);
    try {
      yield* rowsOf(session, { sql, binds: [], hasAction: true }, signal);
    } catch (error) {
      throw snowflakeFailure(error, session.name, signal);
    }
  }

  const reads = sqlReads(delta, read);
  const tableSource = { ...delta.source, table: table ?? '' };
  return {
    kind: 'snowflake',
    ...reads,
    capabilities: { ...reads.capabilities, changes: table !== undefined },
    async probe(signal) {
      const session = await openSession(signal);
      try {
        await stampColumn(session, delta.queries.probe(), source.columns.updatedAt, signal);
        return { columnsSeen: true };
      } catch (error) {
        throw snowflakeFailure(error, session.name, signal);
      }
    },
    readChangeLog: ({ since, until }, signal) =>
      readLog(since === null ? allAtQuery(tableSource, until) : changesQuery(tableSource, { since, until }), signal),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the warehouse reader was closed'));
      const session = await opening?.catch(() => null);
      await session?.[Symbol.asyncDispose]();
    },
  };
}

/** The column of the last change; null when the campaign names none. */
async function stampColumn(
  session: SnowflakeSession,
  probe: Query,
  name: string | undefined,
  signal: AbortSignal,
): Promise<StampColumn | null> {
  const { sql, binds } = positional(probe);
  const probed = await session.query(sql, binds, signal);
  for await (const _ of probed.rows);
  const type = probed.columns[1];
  if (name === undefined || type === undefined) return null;
  const column = stampColumnOf(type);
  if (column !== null) return column;
  throw new Failure(
    'SqlError',
    `column '${name}' of ${session.name} is ${type.getType()}; the time of the last change must be a TIMESTAMP`,
  );
}
