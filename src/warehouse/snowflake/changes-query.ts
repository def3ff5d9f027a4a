/**
 * The SQL of Snowflake's own change tracking, as pure text. Source: Snowflake, "CHANGES". Instants are literals that we
 * wrote ourselves, because AT and END take constants only.
 */

import type { SqlSource } from '../sql/delta-query.ts';
import { quoteIdentifier } from '../sql/dialect.ts';
import { stampFromNanoseconds, stampToNanoseconds } from '../watermark.ts';

const instant = (stamp: string): string => {
  const nanoseconds = stampToNanoseconds(stamp);
  const text = nanoseconds === null ? null : stampFromNanoseconds(nanoseconds);
  if (text === null) throw new RangeError(`'${stamp}' is not an ISO 8601 time with an offset`);
  return `TO_TIMESTAMP_TZ('${text}')`;
};

interface TableSource extends Pick<SqlSource, 'columns' | 'values'> {
  readonly table: string;
}

function cells({ columns, values }: TableSource): string[] {
  const optional = (name: string | undefined) => (name === undefined ? 'NULL' : quoteIdentifier(name));
  return [
    `CAST(${quoteIdentifier(columns.recipientId)} AS VARCHAR)`,
    optional(columns.updatedAt),
    optional(columns.withdrawn),
    optional(columns.consent),
    ...values.map(quoteIdentifier),
  ];
}

const tableName = (table: string): string => table.split('.').map(quoteIdentifier).join('.');

/**
 * What changed after `since` up to `until`: a row per person as it is at the end, and one with the action DELETE for
 * whoever is gone. The halves of an update that say how a row was are left out. The action is the last cell.
 */
export function changesQuery(source: TableSource, { since, until }: { since: string; until: string }): string {
  return (
    `SELECT ${cells(source).join(', ')}, METADATA$ACTION FROM ${tableName(source.table)} ` +
    `CHANGES (INFORMATION => DEFAULT) AT (TIMESTAMP => ${instant(since)}) END (TIMESTAMP => ${instant(until)}) ` +
    // Somebody who was deleted and is back: the row that is there decides.
    `WHERE NOT (METADATA$ACTION = 'DELETE' AND METADATA$ISUPDATE) ORDER BY METADATA$ACTION`
  );
}

/** The whole table as it was at an instant, for the first night. */
export const allAtQuery = (source: TableSource, at: string): string =>
  `SELECT ${cells(source).join(', ')}, 'INSERT' FROM ${tableName(source.table)} AT (TIMESTAMP => ${instant(at)})`;
