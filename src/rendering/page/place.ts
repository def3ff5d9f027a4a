/** Where in a template an error comes from, in words that hold nothing but what its author wrote. */

import type { Template } from '../../templates/template.ts';
import type { PageError } from '../browser/page-error.ts';
import { pathAt } from './origin.ts';

/**
 * `at draw (index.html:29:58)`: the innermost call in one of the template's own files; empty when there is none. Scripts
 * from elsewhere (`blob:`, `data:`, `eval`) have addresses that were made at run time, perhaps of a recipient's values.
 */
export function placeOf({ frames }: PageError, { files }: Pick<Template, 'files'>): string {
  for (const { functionName, url, line, column } of frames) {
    const path = pathAt(url);
    const source = path === null ? undefined : files.get(path);
    if (source === undefined) continue;
    const spot = `${path}:${line}:${column}`;
    return hasName(source, functionName) ? `at ${functionName} (${spot})` : `at ${spot}`;
  }
  return '';
}

/** A function whose name is not in its own file got it at run time: `scenes[params.name] = () => …`. */
const hasName = (source: Uint8Array, name: string): boolean =>
  name !== '' &&
  Buffer.from(source)
    .toString('utf8')
    .split(/[^\p{ID_Continue}$]+/u)
    .includes(name);
