/** Where in a template a flaw is, as far as what was drawn tells. Pure. */

import type { Template } from '../../templates/template.ts';
import type { Finding } from '../finding.ts';
import { Lines } from '../lines.ts';

export type Place = Pick<Finding, 'file' | 'line'>;

/** The template as a whole. */
export const NOWHERE: Place = { file: null, line: null };

/** An element as a page names it. */
export interface ElementName {
  readonly tag: string;
  readonly id: string;
  readonly classes: readonly string[];
}

/** `<p id="name">`, `<span class="unit">`. */
export function textOf({ tag, id, classes }: ElementName): string {
  if (id !== '') return `<${tag} id="${id}">`;
  return classes.length === 0 ? `<${tag}>` : `<${tag} class="${classes.join(' ')}">`;
}

/** The line of the entry file that writes an element, found by its id or a class; of several candidates, the first that is there. */
export function lineOfElement(template: Pick<Template, 'html' | 'entryPath'>, names: readonly ElementName[]): Place {
  for (const { id, classes } of names) {
    const patterns = [
      ...(id === '' ? [] : [new RegExp(`\\bid\\s*=\\s*(["']?)${escaped(id)}\\1(?=[\\s>/"'])`)]),
      ...classes.map((name) => new RegExp(`\\bclass\\s*=\\s*(["'])(?:[^"']*\\s)?${escaped(name)}(?:\\s[^"']*)?\\1`)),
    ];
    for (const pattern of patterns) {
      const at = template.html.search(pattern);
      if (at >= 0) return { file: template.entryPath, line: new Lines(template.html).at(at) };
    }
  }
  return NOWHERE;
}

/** Where params come in: the first script of the entry file, or of another file, that names the message. */
export function placeOfListener(template: Pick<Template, 'html' | 'entryPath' | 'files'>): Place {
  const others = [...template.files].filter(([path]) => path !== template.entryPath && /\.m?js$/i.test(path));
  const sources = [
    [template.entryPath, template.html] as const,
    ...others.map(([path, bytes]) => [path, Buffer.from(bytes).toString('utf8')] as const),
  ];
  for (const [file, text] of sources) {
    const at = text.search(/(['"`])hf-params\1/);
    if (at >= 0) return { file, line: new Lines(text).at(at) };
  }
  return placeOfRoot(template);
}

/** Where the composition begins: what is wrong with all of it has no better place. */
export function placeOfRoot({ html, entryPath }: Pick<Template, 'html' | 'entryPath'>): Place {
  const at = html.search(/<[a-z][\w-]*\s[^<>]*?\bdata-composition-id\s*=/i);
  const root = at >= 0 ? at : html.search(/<body\b/i);
  return { file: entryPath, line: root >= 0 ? new Lines(html).at(root) : null };
}

/** From the engine's words for a place, `at draw (index.html:29:58)` or `at index.html:29:58`, wherever they stand in a text. */
export function placeIn(text: string): Place {
  const [, file, line] = /\bat (?:[^\s()]+ \()?([^\s()]+):(\d+):\d+\b/.exec(text) ?? [];
  return file === undefined || line === undefined ? NOWHERE : { file, line: Number(line) };
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
