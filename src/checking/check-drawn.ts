/** The checks that have to see a template drawn, one after the other in one browser. */

import { describeFailure } from '../contracts/failures.ts';
import type { Rendition } from '../contracts/video.ts';
import type { Renderer } from '../rendering/renderer.ts';
import { samplesOf } from '../templates/extremes.ts';
import type { Template } from '../templates/template.ts';
import type { Finding } from './finding.ts';
import type { Measures } from './measures.ts';
import { NOWHERE } from './rendered/place.ts';
import { asAuthors } from './rendered/rehearsal.ts';
import type { RenderedCheck } from './rendered/rendered-check.ts';
import { found } from './rules.ts';

export interface DrawnOptions {
  readonly rendition: Rendition;
  readonly signal: AbortSignal;
  /** Called whenever something begins that takes a while. */
  readonly onStep: (check: string, step: string) => void;
  /** Called with what was measured, by the check that does. */
  readonly onMeasured?: (measures: Measures) => void;
}

export async function checkDrawn(
  checks: readonly RenderedCheck[],
  renderer: Renderer,
  template: Template,
  { rendition, signal, onStep, onMeasured }: DrawnOptions,
): Promise<Finding[]> {
  const samples = samplesOf(template).map(({ params }) => params);
  const findings: Finding[] = [];
  const told = new Set<string>();
  for (const check of checks) {
    const { id } = check;
    onStep(id, 'begins');
    const its = await authorsFault(
      () =>
        check.run({
          ...{ template, renderer, rendition, samples, signal, onStep: (step) => onStep(id, step) },
          ...(onMeasured && { onMeasured }),
        }),
      (what) => `Check '${id}' could not draw the template: ${what}`,
      told,
    );
    findings.push(...its);
  }
  return findings;
}

/**
 * What a check found; the failure of a render that the author must mend as a finding. What stops one check mostly stops the
 * next in the same words, which are told once. Anything else is thrown.
 */
export async function authorsFault<T extends Finding>(
  work: () => Promise<readonly T[]>,
  sentence: (what: string) => string,
  told: Set<string> = new Set(),
): Promise<readonly (T | Finding)[]> {
  try {
    return await work();
  } catch (error) {
    const { failureClass, message, detail } = asAuthors(error);
    // Drawn with params that were made here: what the page said quotes nobody.
    const what = detail === undefined ? message : `${message} ${detail}`;
    if (told.has(what)) return [];
    told.add(what);
    const fix = describeFailure(failureClass).sentence;
    return [found('drawing-failed', NOWHERE, sentence(what), fix)];
  }
}
