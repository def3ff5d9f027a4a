/** What every warehouse looks like to the plan: rows that changed, the rows of named people, or all rows. */

import type { Watermark } from '../contracts/batch.ts';

/** A row of the source before anything has judged it: values are JSON-safe, nothing is validated. */
export interface SourceRow {
  /** Where a person finds it: the line of the CSV file on which the record ends, or the row's place in this read. From 1. */
  readonly line: number;
  readonly recipientId: string | null;
  /** Canonical UTC text (see `watermark.ts`); null when the source has none or none that is a time. */
  readonly updatedAt: string | null;
  readonly params: Readonly<Record<string, unknown>>;
  /** What stands in the column that says where the person watches; absent where the source has none. */
  readonly destination?: unknown;
  /** Set when the row says that the person is gone or wants no video: what is to be shown does not matter then. */
  readonly withdrawn?: true;
  /** Set when the source could not make a whole row of it: why, in a sentence without the row's values. */
  readonly problem?: string;
  /** JSON Pointer to the parameter that the problem is about. */
  readonly problemPath?: string;
}

export interface ChangeRange {
  /** Exclusive start; null: from the beginning. */
  readonly since: Watermark | null;
  /** Inclusive end, ISO 8601 UTC. */
  readonly until: string;
}

/** Which ways of finding changes a source offers as the campaign describes it. */
export interface WarehouseCapabilities {
  /** Rows have a time of their last change and come in its order. */
  readonly watermark: boolean;
  /** The warehouse itself keeps what changed between two instants, deletions included. */
  readonly changes: boolean;
  /** Everything can be read, to be compared with what was delivered. */
  readonly snapshot: boolean;
}

/** What is known of a source of which nothing was read. */
export interface SourceProbe {
  /** Whether the columns that the campaign names were seen; a file that would have to be fetched first is only there. */
  readonly columnsSeen: boolean;
}

/**
 * A source of recipients. Every read throws `Failure('WarehouseDenied')` when credentials, rights or the file are not as
 * they must be, `Failure('SqlError')` when the table, a column or the query is wrong, `Failure('WarehouseUnavailable')`
 * when it cannot be read just now, and `Failure('Cancelled')` on abort. Reads are taken one after another; ending an
 * iteration early frees what it held, and disposing the reader ends every read.
 */
export interface WarehouseReader extends AsyncDisposable {
  readonly kind: 'duckdb' | 'csv' | 'postgres' | 'snowflake';
  readonly capabilities: WarehouseCapabilities;
  /** Opens the source and asks for its columns; reads nobody's row. Throws as the reads do. */
  probe(signal: AbortSignal): Promise<SourceProbe>;
  /**
   * Rows with since < (updatedAt, recipientId) and updatedAt <= until, in that order; then those without a stamp. A source
   * without the capability `watermark` (CSV) gives them as the file has them, and `updatedAt` may be null.
   */
  readChanges(range: ChangeRange, signal: AbortSignal): AsyncIterable<SourceRow>;
  /** All rows of these people with updatedAt <= until, in the same order. Unknown IDs yield nothing. */
  readRecipients(ids: readonly string[], until: string, signal: AbortSignal): AsyncIterable<SourceRow>;
  /** Every row; those of one person in the order of their stamps, where they have some. */
  readAll(signal: AbortSignal): AsyncIterable<SourceRow>;
  /**
   * What the warehouse says has changed after `since` up to `until`, those who are gone as `withdrawn`; `since` null: all
   * that was there at `until`. Rows have no stamps. Only with the capability `changes`.
   */
  readChangeLog?(
    range: { readonly since: string | null; readonly until: string },
    signal: AbortSignal,
  ): AsyncIterable<SourceRow>;
}
