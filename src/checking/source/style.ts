/** CSS of a template, a file or what stands in a page, as a tree whose nodes tell where they are. */

import { type CssNode, parse } from 'css-tree';
import type { Place } from '../rules.ts';
import type { TextFile } from './text-file.ts';

export interface Style {
  /** The file that its addresses are relative to. */
  readonly file: TextFile;
  readonly tree: CssNode;
  placeOf(node: CssNode): Place;
}

/** @param start where in the file the CSS begins, when it does not fill it. Never throws: what is no CSS is left out. */
export function readStyle(file: TextFile, text: string, start = 0): Style {
  const tree = parse(text, { positions: true, offset: start, parseCustomProperty: true });
  return { file, tree, placeOf: (node) => file.place(node.loc?.start.offset ?? start) };
}

/** The value of a `style` attribute. Its nodes are all where the attribute is. */
export function readInlineStyle(file: TextFile, text: string, place: Place): Style {
  return { file, tree: parse(text, { context: 'declarationList', parseCustomProperty: true }), placeOf: () => place };
}
