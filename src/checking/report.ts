/** What `nightreel check` says in the end. Pure. */

import type { Finding } from './finding.ts';

export interface ReportedFinding extends Finding {
  /** Of the file that its picture goes to. */
  readonly pictureName?: string;
  /** More about it, for programs. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** A finding whose picture has been written. */
export interface WrittenFinding extends Omit<ReportedFinding, 'picture' | 'pictureName'> {
  /** Where its picture is. */
  readonly picture: string | null;
}

export interface CheckReport {
  readonly template: string;
  /** IDs of the checks that ran. */
  readonly checks: readonly string[];
  /** IDs of those that could not: the template cannot be loaded. */
  readonly notRun: readonly string[];
  readonly findings: readonly WrittenFinding[];
}

export interface Tally {
  readonly errors: number;
  readonly warnings: number;
}

export function tallyOf(findings: readonly Pick<Finding, 'severity'>[]): Tally {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return { errors, warnings: findings.length - errors };
}

/** Errors first; each in the order of the checks. */
export const inOrder = <T extends Finding>(findings: readonly T[]): T[] =>
  findings.toSorted((a, b) => (a.severity === b.severity ? 0 : a.severity === 'error' ? -1 : 1));

/** `fit`: there is no error. */
export function reportJson({ findings, ...about }: CheckReport): Readonly<Record<string, unknown>> {
  const tally = tallyOf(findings);
  const list = findings.map(({ facts, ...finding }) => ({ ...finding, ...facts }));
  return { ...about, fit: tally.errors === 0, ...tally, findings: list };
}

/** @param more what else is to be said, before the last line. */
export function reportLines({ template, checks, notRun, findings }: CheckReport, more: readonly string[]): string[] {
  const lines = findings.flatMap(({ rule, severity, file, line, what, why, fix, picture }) => [
    `${severity.padEnd(7)} ${rule}  ${file === null ? '' : `${file}${line === null ? '' : `:${line}`}`}`.trimEnd(),
    `  ${what}`,
    `  ${why}`,
    `  → ${fix}`,
    ...(picture === null ? [] : [`  ${picture}`]),
    '',
  ]);
  if (notRun.length > 0) lines.push(`Not checked, as the template cannot be loaded: ${notRun.join(', ')}.`);
  lines.push(...more);
  const { errors, warnings } = tallyOf(findings);
  const counts = `${count(errors, 'error')}, ${count(warnings, 'warning')} in ${count(checks.length, 'check')}`;
  lines.push(`Template '${template}' is ${errors === 0 ? 'fit' : 'NOT fit'} for a night: ${counts}.`);
  // What a template says could move the cursor, or pass for lines of its own.
  return lines.map((text) => text.replace(/\p{Cc}+/gu, ' '));
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
