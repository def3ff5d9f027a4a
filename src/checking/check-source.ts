/** The checks that need a template's files alone: no browser, a moment. */

import { Failure } from '../contracts/failures.ts';
import type { Finding } from './finding.ts';
import { readTemplateSource } from './source/template-source.ts';
import { STATIC_CHECKS } from './static/index.ts';

/**
 * @param isWanted which of them run, by ID.
 * @param page an HTML file in it that is a HyperFrames composition, to be checked instead of what template.json names.
 * Failure `TemplateInvalid` when `folder` cannot be read at all.
 */
export async function checkSource(
  folder: string,
  isWanted: (id: string) => boolean = () => true,
  page?: string,
): Promise<Finding[]> {
  const checks = STATIC_CHECKS.filter(({ id }) => isWanted(id));
  if (checks.length === 0) return [];
  const findings: Finding[] = [];
  try {
    const source = await readTemplateSource(folder, page);
    for (const check of checks) findings.push(...inPlace(await check.run(source)));
  } catch (cause) {
    // Parsers follow what is nested by calling themselves.
    if (!(cause instanceof RangeError)) throw cause;
    const what = 'something in a page, style, script or template.json is nested too deeply to be followed';
    throw new Failure('TemplateInvalid', `${folder}: ${what}.`, { cause });
  }
  return findings;
}

const inPlace = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((a, b) => (a.file ?? '').localeCompare(b.file ?? '', 'en') || (a.line ?? 0) - (b.line ?? 0));
