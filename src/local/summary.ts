/** What became of a list, counted and in words. Pure. */

import type { FailureClass } from '../contracts/failures.ts';
import type { RejectedRow } from './read-list.ts';
import type { SettledVideo } from './render-list.ts';

/** What `--json` prints. Counts are rows, but for `videos`. */
export interface ListSummary {
  readonly template: string;
  readonly out: string;
  readonly rendition: string;
  /** Rows of the list; those behind a limit are not read. */
  readonly rows: number;
  /** Rows that another row of the same ID replaced. */
  readonly duplicates: number;
  readonly rejected: number;
  /** Rows that are to have a video. */
  readonly wanted: number;
  /** Of these: had it before, were given it now, could not be given one. */
  readonly there: number;
  readonly given: number;
  readonly failed: number;
  /** Rows that failed, by class. */
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  /** Distinct videos: of all rows that are to have one, and rendered now. */
  readonly videos: { readonly distinct: number; readonly rendered: number };
  /** Whether it was stopped before the end. */
  readonly interrupted: boolean;
  readonly engine: string | null;
  readonly wallMs: number;
}

export class ListTally {
  /** Digest of the engine; null until one has started. */
  engine: string | null = null;
  there = 0;
  given = 0;
  failed = 0;
  rendered = 0;
  /** Videos. */
  readonly videos = { cached: 0, rendered: 0, failed: 0 };
  readonly failures: Partial<Record<FailureClass, number>> = {};

  add({ outcome, counts, failure }: SettledVideo): void {
    this.there += counts.there;
    this.given += counts.given;
    this.failed += counts.failed;
    if (outcome === 'rendered' || outcome === 'failed') this.videos[outcome] += 1;
    else this.videos.cached += 1;
    if (failure === undefined) return;
    const { failureClass } = failure;
    this.failures[failureClass] = (this.failures[failureClass] ?? 0) + counts.failed;
  }
}

const SHOWN_REJECTS = 5;

/** For people, a line each. */
export function summaryLines(summary: ListSummary, rejects: readonly RejectedRow[]): string[] {
  const { out, wanted, there, given, duplicates, rejected, failed, failures, videos } = summary;
  const lines = [
    out,
    `  ${there + given} of ${rowsText(wanted)} have their video, ${there} of them from before; ${videos.rendered} of ${videos.distinct} videos rendered`,
  ];
  if (there + given > 0) lines.push('  manifest.jsonl names the file of each row');
  if (duplicates > 0) lines.push(`  ${rowsText(duplicates)} replaced by another one with the same ID`);
  if (rejected > 0) lines.push(`  ${rowsText(rejected)} rejected, see rejects.jsonl`);
  lines.push(...rejects.slice(0, SHOWN_REJECTS).map((reject) => `    ${rejectText(reject)}`));
  if (rejects.length > SHOWN_REJECTS) lines.push(`    and ${rejects.length - SHOWN_REJECTS} more`);
  const classes = Object.entries(failures).map(([name, count]) => `${name} ${count}`);
  if (failed > 0) lines.push(`  ${rowsText(failed)} failed, see failures.jsonl: ${classes.join(', ')}`);
  return lines;
}

const rowsText = (count: number): string => (count === 1 ? '1 row' : `${count} rows`);

/** Where it is, and why; never what is in it. */
const rejectText = ({ line, column, reason }: RejectedRow): string =>
  `line ${line}: ${column === null ? '' : `column '${column}' `}${reason}`;
