/** Whether everything that the page asks for is in its folder. */

import type { Finding } from '../finding.ts';
import { found } from '../rules.ts';
import type { Reference } from '../source/references.ts';
import type { TemplateSource } from '../source/template-source.ts';
import { targetOf } from './addresses.ts';
import type { StaticCheck } from './static-check.ts';

export const network: StaticCheck = {
  id: 'network',
  run: ({ references, files }) => references.flatMap((reference) => findingOf(reference, files)),
};

/** Asked for by browsers unasked; the engine lets it be missing. */
const OPTIONAL = ['favicon.ico'];

function findingOf(reference: Reference, files: TemplateSource['files']): Finding[] {
  const { address, use, place } = reference;
  const target = targetOf(reference);
  if (target.kind === 'remote') {
    const rule = use === 'hint' ? 'remote-hint' : 'remote-url';
    return [found(rule, place, `It asks for something at ${target.origin}.`)];
  }
  const shown = address.length > 80 ? `${address.slice(0, 80)}…` : address;
  if (target.kind === 'outside')
    return [found('file-outside', place, `'${shown}' is outside of the template's folder.`)];
  // The font check looks at files of fonts by itself.
  if (target.kind !== 'file' || use === 'font' || use === 'hint' || files.has(target.path)) return [];
  if (OPTIONAL.includes(target.path)) return [];
  return [missing(target.path, files, reference)];
}

function missing(path: string, files: TemplateSource['files'], { place }: Reference): Finding {
  const alike = [...files.keys()].find((one) => one.toLowerCase() === path.toLowerCase());
  if (alike !== undefined) return found('file-case', place, `It asks for '${path}'; the file is called '${alike}'.`);
  const isKept = /(?:^|\/)\.|\.md$|^(?:source|node_modules)\//.test(path);
  if (!isKept) return found('file-missing', place, `'${path}' is not in the template's folder.`);
  const fix = 'Move the file to another place in the folder.';
  return found('file-missing', place, `'${path}' is one of the author's own files, which no page gets.`, fix);
}
