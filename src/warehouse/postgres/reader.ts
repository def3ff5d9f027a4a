/** Reads PostgreSQL: one read-only transaction per reader, rows through a cursor on the server. */

import { Failure } from '../../contracts/failures.ts';
import type { WarehouseReader } from '../reader.ts';
import type { PostgresSource } from '../source.ts';
import type { Query } from '../sql/delta-query.ts';
import type { StampColumn } from '../sql/dialect.ts';
import type { ParsedSql } from '../sql/named-parameters.ts';
import { type ReadRows, sqlDelta, sqlReads } from '../sql/reader.ts';
import { POSTGRES } from './dialect.ts';
import { postgresFailure } from './failure.ts';
import { PostgresSession } from './session.ts';
import { stampColumnOf, toJsonValue, toStamp } from './values.ts';

export interface PostgresWarehouseOptions {
  readonly source: Pick<PostgresSource, 'table' | 'columns' | 'params'>;
  /** The user's own query, in place of the table. */
  readonly query?: ParsedSql;
  /** Connection string; absent: the PG* variables. */
  readonly url?: string;
}

/** Nothing is connected before the first read. All reads of one reader see the same moment. */
export function openPostgresWarehouse({ source, query, url }: PostgresWarehouseOptions): WarehouseReader {
  const closing = new AbortController();
  const delta = sqlDelta(POSTGRES, query === undefined ? { table: source.table ?? '' } : { query }, source);
  let opening: Promise<PostgresSession> | null = null;

  const openSession = async (signal: AbortSignal): Promise<PostgresSession> => {
    opening ??= PostgresSession.open(url, signal);
    return await opening;
  };

  const read: ReadRows = async function* (question, outer) {
    const signal = AbortSignal.any([outer, closing.signal]);
    const session = await openSession(signal);
    try {
      const column = await stampColumn(session, delta.queries.probe(), source.columns.updatedAt);
      const { sql, values } = question(column);
      let line = 0;
      for await (const { typeIds, rows } of session.stream(sql, values, signal)) {
        for (const row of rows) {
          line += 1;
          const cells = row.map((cell, at) => (at === 1 ? null : toJsonValue(cell, typeIds[at] ?? 0)));
          cells[0] = row[0];
          yield delta.build(line, toStamp(row[1] ?? null), cells);
        }
      }
    } catch (error) {
      throw postgresFailure(error, session.name, signal);
    }
  };

  return {
    kind: 'postgres',
    ...sqlReads(delta, read),
    async probe(signal) {
      const session = await openSession(signal);
      try {
        await stampColumn(session, delta.queries.probe(), source.columns.updatedAt);
        return { columnsSeen: true };
      } catch (error) {
        throw postgresFailure(error, session.name, signal);
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the warehouse reader was closed'));
      const session = await opening?.catch(() => null);
      await session?.[Symbol.asyncDispose]();
    },
  };
}

/** The column of the last change; null when the campaign names none. */
async function stampColumn(
  session: PostgresSession,
  { sql, values }: Query,
  name: string | undefined,
): Promise<StampColumn | null> {
  const [, typeId = 0] = await session.describe(sql, values);
  if (name === undefined) return null;
  const column = stampColumnOf(typeId);
  if (column !== null) return column;
  throw new Failure(
    'SqlError',
    `column '${name}' of ${session.name} is no timestamp; the time of the last change must be one, with or without time zone`,
  );
}
