/** An HTML or SVG file of a template as its elements in document order, each attribute with its line. */

import { parse, type DefaultTreeAdapterTypes as Tree } from 'parse5';
import type { Place } from '../rules.ts';
import type { TextFile } from './text-file.ts';

export interface PageElement {
  /** Lower case. */
  readonly tag: string;
  /** As written, by lower-case name: `src`, `xlink:href`. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly place: Place;
  /** Of one of its attributes; of the element where it has none of this name. */
  placeOf(attribute: string): Place;
  /** Offsets of what stands between its tags, in the file's text. */
  readonly inner: { readonly start: number; readonly end: number };
  readonly children: readonly PageElement[];
}

export interface Page {
  readonly file: TextFile;
  /** All elements that stand in the file; none that the parser added by itself. */
  readonly elements: readonly PageElement[];
}

/** Never throws: what is no HTML comes out as whatever a browser would make of it. */
export function readPage(file: TextFile): Page {
  const elements: PageElement[] = [];
  // No recursion: nobody closes what is written by a program.
  const waiting: { readonly node: Tree.Node; readonly siblings: PageElement[] }[] = [
    { node: parse(file.text, { sourceCodeLocationInfo: true }), siblings: [] },
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, siblings } = next;
    const element = 'attrs' in node ? elementOf(node, file) : null;
    if (element !== null) {
      elements.push(element);
      siblings.push(element);
    }
    const inside = 'content' in node ? node.content.childNodes : 'childNodes' in node ? node.childNodes : [];
    for (const child of inside.toReversed()) waiting.push({ node: child, siblings: element?.children ?? siblings });
  }
  return { file, elements };
}

/** Null: the parser added it by itself. */
function elementOf({ tagName, attrs, sourceCodeLocation: location }: Tree.Element, file: TextFile): OwnElement | null {
  if (!location) return null;
  const end = location.endTag?.startOffset ?? location.endOffset;
  return {
    tag: tagName.toLowerCase(),
    attributes: new Map(
      attrs.map(({ name, prefix, value }) => [`${prefix ? `${prefix}:` : ''}${name}`.toLowerCase(), value]),
    ),
    place: file.place(location.startOffset),
    placeOf: (attribute) => {
      const at = Object.entries(location.attrs ?? {}).find(([name]) => name.toLowerCase() === attribute);
      return file.place(at?.[1].startOffset ?? location.startOffset);
    },
    inner: { start: location.startTag?.endOffset ?? end, end },
    children: [],
  };
}

interface OwnElement extends PageElement {
  readonly children: PageElement[];
}
