/** The SQL of a delta, as pure text. Names come from the campaign file and are quoted; values are bound. */

import type { ChangeRange } from './reader.ts';
import type { DuckDbSource } from './source.ts';
import { stampFromNanoseconds, stampToNanoseconds } from './watermark.ts';

/** A name as an SQL identifier: `o"clock` → `"o""clock"`. */
export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export interface Query {
  readonly sql: string;
  /** How many rows `sql` has. */
  readonly countSql: string;
  readonly values: Readonly<Record<string, string>>;
}

/** The type of the stamp column as DuckDB names it, and the nanoseconds of one tick of it. */
export interface StampColumn {
  readonly sqlType: string;
  readonly tickNanoseconds: bigint;
}

/** The columns in the order in which every row comes: ID as text, stamp, then the params in the campaign's order. */
function projection({ table, columns, params }: DuckDbSource) {
  const id = quoteIdentifier(columns.recipientId);
  const stamp = quoteIdentifier(columns.updatedAt);
  const values = Object.values(params).map(quoteIdentifier);
  const from = table.split('.').map(quoteIdentifier).join('.');
  return {
    id,
    stamp,
    values,
    from,
    select: `SELECT CAST(${id} AS VARCHAR), ${stamp}, ${values.join(', ')} FROM ${from}`,
  };
}

/** Reads nothing; its result's column types say whether the source fits. */
export const probeQuery = (source: DuckDbSource): string => `${projection(source).select} LIMIT 0`;

/**
 * IDs are compared as UTF-8 bytes, so neither a column's collation nor a numeric ID changes the order. The params come
 * last: rows with the same stamp and ID have no order of their own, and this gives them one that a second read repeats.
 */
function orderBy(source: DuckDbSource): string {
  const { id, stamp, values } = projection(source);
  return `ORDER BY (${unusable(stamp)}), ${stamp}, encode(CAST(${id} AS VARCHAR)) NULLS LAST, ${values.join(', ')}`;
}

/** Rows that have no place in time: they are read every night, to be rejected with a reason rather than to vanish. */
const unusable = (stamp: string): string => `${stamp} IS NULL OR NOT isfinite(${stamp})`;

/** A time as a bound value of the column's type, rounded down to its tick. */
function bound(stampText: string, column: StampColumn): { text: string; exact: boolean } {
  const nanoseconds = stampToNanoseconds(stampText);
  if (nanoseconds === null) throw new RangeError(`'${stampText}' is not an ISO 8601 time with an offset`);
  const tick = column.tickNanoseconds;
  const over = ((nanoseconds % tick) + tick) % tick;
  const text = stampFromNanoseconds(nanoseconds - over) ?? stampText;
  // A column without time zone is UTC: the offset must not be there to be converted to the session's zone.
  return { text: column.sqlType.includes('TIME ZONE') ? text : text.replace(/Z$/, ''), exact: over === 0n };
}

export function changesQuery(source: DuckDbSource, column: StampColumn, { since, until }: ChangeRange): Query {
  const { id, stamp } = projection(source);
  const at = (name: string) => `CAST($${name} AS ${column.sqlType})`;
  const values: Record<string, string> = { until: bound(until, column).text };
  const conditions = [`${stamp} <= ${at('until')}`];
  if (since !== null) {
    const start = bound(since.updatedAt, column);
    values['since'] = start.text;
    if (!start.exact || since.recipientId === null) {
      conditions.push(`${stamp} > ${at('since')}`);
    } else if (since.recipientId === '') {
      conditions.push(`${stamp} >= ${at('since')}`);
    } else {
      values['last'] = since.recipientId;
      const later = `${id} IS NULL OR encode(CAST(${id} AS VARCHAR)) > encode($last)`;
      conditions.push(`(${stamp} > ${at('since')} OR (${stamp} = ${at('since')} AND (${later})))`);
    }
  }
  return query(source, `(${conditions.join(' AND ')}) OR ${unusable(stamp)}`, values);
}

/** Expects the IDs as the list parameter `$ids`. */
export function recipientsQuery(source: DuckDbSource, column: StampColumn, until: string): Query {
  const { id, stamp } = projection(source);
  const inTime = `${stamp} <= CAST($until AS ${column.sqlType}) OR ${unusable(stamp)}`;
  const isNamed = `CAST(${id} AS VARCHAR) IN (SELECT unnest(CAST($ids AS VARCHAR[])))`;
  return query(source, `${isNamed} AND (${inTime})`, { until: bound(until, column).text });
}

function query(source: DuckDbSource, where: string, values: Readonly<Record<string, string>>): Query {
  const { select, from } = projection(source);
  return {
    sql: `${select} WHERE ${where} ${orderBy(source)}`,
    countSql: `SELECT count(*) FROM ${from} WHERE ${where}`,
    values,
  };
}
