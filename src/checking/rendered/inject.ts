/** What checks run in a template's page. */

import { readFileSync } from 'node:fs';

/** The one function that a file of `inject/` is, as an expression. */
export const expressionIn = (name: string): string =>
  readFileSync(new URL(`./inject/${name}`, import.meta.url), 'utf8').replace(/;\s*$/, '');
