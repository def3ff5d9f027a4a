/** Where the engines' SQL differs. */

import { Failure } from '../../contracts/failures.ts';

/** Type of the column that holds the time of the last change. */
export interface StampColumn {
  /** As the engine names it. */
  readonly sqlType: string;
  /** Whether it has a time zone; one without is UTC. */
  readonly hasZone: boolean;
  readonly tickNanoseconds: bigint;
}

export interface Dialect {
  /** The n-th bound value, from 1. */
  placeholder(position: number): string;
  /** An expression as text. */
  asText(expression: string): string;
  /** Text as what compares by its UTF-8 bytes, whatever collation its column has. */
  asBytes(text: string): string;
  /** A bound ISO 8601 time as a value of the stamp column's type. */
  asStamp(placeholder: string, column: StampColumn): string;
  /** How the stamp of a row is fetched, where the engine's driver makes a costly object of a time. */
  fetchStamp?(stamp: string): string;
  /** A bound ISO 8601 time as an instant, for a query of the user's own. */
  asInstant(placeholder: string): string;
  /** Whether a stamp has no place in time. */
  isUnusable(stamp: string): string;
  /** Whether text is one of a bound list of texts. */
  isOneOf(text: string, placeholder: string): string;
  /** Whether a column can be sorted by, so that rows of one place come in the same order twice. */
  readonly sortsParams: boolean;
}

/** A name as an SQL identifier: `o"clock` → `"o""clock"`. */
export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `database.schema.table` as SQL. */
export const quoteTable = (table: string): string => table.split('.').map(quoteIdentifier).join('.');

/** Changes since a watermark are asked for only where the campaign names a column of the last change. */
export function neededStamp(column: StampColumn | null): StampColumn {
  if (column === null) throw new Failure('CampaignInvalid', 'the source names no column of the last change');
  return column;
}
