/**
 * The SQL of Snowflake's own change tracking, as pure text. Source: Snowflake, "CHANGES". Instants are literals that we
 * wrote ourselves, because AT and END take constants only.
 */

import { cellOf, rowCells, type SqlSource } from '../sql/delta-query.ts';
import { quoteTable } from '../sql/dialect.ts';
import { nanosecondsOf, stampFromNanoseconds } from '../watermark.ts';
import { SNOWFLAKE } from './dialect.ts';

function instant(stamp: string): string {
  const text = stampFromNanoseconds(nanosecondsOf(stamp));
  if (text === null) throw new RangeError(`'${stamp}' is outside the times that can be written`);
  return `TO_TIMESTAMP_TZ('${text}')`;
}

interface TableSource extends Pick<SqlSource, 'columns' | 'values'> {
  readonly table: string;
}

const cells = (source: TableSource): string => rowCells(SNOWFLAKE, source, cellOf(source.columns.updatedAt)).join(', ');

/**
 * What changed after `since` up to `until`: a row per person as it is at the end, and one with the action DELETE for
 * whoever is gone. The halves of an update that say how a row was are left out. The action is the last cell.
 */
export function changesQuery(source: TableSource, { since, until }: { since: string; until: string }): string {
  return (
    `SELECT ${cells(source)}, METADATA$ACTION FROM ${quoteTable(source.table)} ` +
    `CHANGES (INFORMATION => DEFAULT) AT (TIMESTAMP => ${instant(since)}) END (TIMESTAMP => ${instant(until)}) ` +
    // Somebody who was deleted and is back: the row that is there decides.
    `WHERE NOT (METADATA$ACTION = 'DELETE' AND METADATA$ISUPDATE) ORDER BY METADATA$ACTION`
  );
}

/** The whole table as it was at an instant, for the first night. */
export const allAtQuery = (source: TableSource, at: string): string =>
  `SELECT ${cells(source)}, 'INSERT' FROM ${quoteTable(source.table)} AT (TIMESTAMP => ${instant(at)})`;
