/** What every warehouse looks like to the plan: rows in change order, and the rows of named people. */

import type { Watermark } from '../contracts/batch.ts';

/** A row of the source before anything has judged it: values are JSON-safe, nothing is validated. */
export interface SourceRow {
  /** Where a person finds it: the line of the CSV file on which the record ends, or the row's place in this read. From 1. */
  readonly line: number;
  readonly recipientId: string | null;
  /** Canonical UTC text (see `watermark.ts`); null when the source has none or none that is a time. */
  readonly updatedAt: string | null;
  readonly params: Readonly<Record<string, unknown>>;
  /** Set when the source could not make a whole row of it: why, in a sentence without the row's values. */
  readonly problem?: string;
}

export interface ChangeRange {
  /** Exclusive start; null: from the beginning. */
  readonly since: Watermark | null;
  /** Inclusive end, ISO 8601 UTC. */
  readonly until: string;
}

/**
 * A source of recipients. Every read throws `Failure('WarehouseDenied')` when the source is not as the campaign says,
 * `Failure('WarehouseUnavailable')` when it cannot be read just now, and `Failure('Cancelled')` on abort. Ending an
 * iteration early frees what it held; disposing the reader ends every read.
 */
export interface WarehouseReader extends AsyncDisposable {
  readonly kind: 'duckdb' | 'csv';
  /**
   * Whether rows come in change order and each must have a stamp. When false (CSV), rows come as the file has them,
   * `updatedAt` may be null, and no watermark can be taken from a read.
   */
  readonly ordered: boolean;
  /** Rows with since < (updatedAt, recipientId) and updatedAt <= until, in that order; then those without a stamp. */
  readChanges(range: ChangeRange, signal: AbortSignal): AsyncIterable<SourceRow>;
  /** All rows of these people with updatedAt <= until, in the same order. Unknown IDs yield nothing. */
  readRecipients(ids: readonly string[], until: string, signal: AbortSignal): AsyncIterable<SourceRow>;
}
