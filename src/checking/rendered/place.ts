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

/** From the engine's words for a place, `at draw (index.html:29:58)` or `at index.html:29:58`, wherever they stand in a text. */
export function placeIn(text: string): Place {
  const [, file, line] = /\bat (?:[^\s()]+ \()?([^\s()]+):(\d+):\d+\b/.exec(text) ?? [];
  return file === undefined || line === undefined ? NOWHERE : { file, line: Number(line) };
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
