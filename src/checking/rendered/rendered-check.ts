/** A check that has to see the template drawn. */

import type { Params, Rendition } from '../../contracts/video.ts';
import type { Renderer } from '../../rendering/renderer.ts';
import type { Template } from '../../templates/template.ts';
import type { Finding } from '../finding.ts';
import type { Measures } from '../measures.ts';

export interface RenderedCheckInput {
  readonly template: Template;
  /** Runs with one browser, for this template. */
  readonly renderer: Renderer;
  readonly rendition: Rendition;
  /** The schema's example and placeholder, and extremes made from the schema; all of them valid. */
  readonly samples: readonly Params[];
  readonly signal: AbortSignal;
  /** Called with a short sentence whenever something begins that takes a while. */
  readonly onStep: (step: string) => void;
  /** Called with what was measured, by the check that does. */
  readonly onMeasured?: (measures: Measures) => void;
}

export interface RenderedCheck {
  /** `overflow`, `warm-equals-cold`, …: what `--only` takes. */
  readonly id: string;
  run(input: RenderedCheckInput): Promise<readonly Finding[]>;
}
