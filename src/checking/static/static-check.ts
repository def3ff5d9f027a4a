/** A check that needs the template's files alone. */

import type { Finding } from '../finding.ts';
import type { TemplateSource } from '../source/template-source.ts';

export interface StaticCheck {
  /** `network`, `fonts`, …: what `--only` takes. */
  readonly id: string;
  run(source: TemplateSource): readonly Finding[] | Promise<readonly Finding[]>;
}
