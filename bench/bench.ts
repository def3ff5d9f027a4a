/** What a bench is: it measures and returns figures. It keeps no verdict, but where a limit is promised. */

import type { Progress } from './progress.ts';

export interface BenchContext {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface BenchResult {
  /** For people: one line of the table each. */
  readonly rows: Record<string, string | number>[];
  /** A second table. */
  readonly also?: Record<string, string | number>[];
  /** For programs: one line. */
  readonly json?: unknown;
  /** For programs, where there is a line for each of several things. */
  readonly jsonLines?: readonly unknown[];
  /** Why what is promised was not kept; the figures are printed all the same. */
  readonly missed?: string | null;
}

/** Lines of text, columns aligned, numbers to the right. */
export function tableOf(rows: BenchResult['rows']): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const width = (column: string): number =>
    Math.max(column.length, ...rows.map((row) => String(row[column] ?? '').length));
  const line = (cellOf: (column: string) => string | number | undefined): string =>
    columns
      .map((column) => {
        const cell = cellOf(column) ?? '';
        const isRight = rows.some((row) => typeof row[column] === 'number');
        return isRight ? String(cell).padStart(width(column)) : String(cell).padEnd(width(column));
      })
      .join('  ')
      .trimEnd();
  return [
    line((column) => column),
    line((column) => '-'.repeat(width(column))),
    ...rows.map((row) => line((column) => row[column])),
  ]
    .map((text) => `${text}\n`)
    .join('');
}
