/** Every address that a template asks for, as far as it can be told from its source. Pure. */

import { posix } from 'node:path';
import { type CssNode, walk } from 'css-tree';
import type { Place } from '../rules.ts';
import type { Page, PageElement } from './page.ts';
import { requestsOf } from './requests.ts';
import type { Script } from './script.ts';
import type { Style } from './style.ts';

/** `hint`: nothing is drawn of it, and the browser may ask for it all the same. */
export type Use = 'picture' | 'font' | 'style' | 'script' | 'media' | 'page' | 'data' | 'hint';

export interface Reference {
  /** As written; of a text that a script puts together, what it begins with. */
  readonly address: string;
  /** Whether `address` is all of it. */
  readonly isWhole: boolean;
  /** The file that it is relative to. */
  readonly base: string;
  readonly use: Use;
  readonly place: Place;
}

export interface ReferenceSources {
  readonly pages: readonly Page[];
  readonly styles: readonly Style[];
  readonly scripts: readonly Script[];
  /** What scripts' addresses are relative to: the page that they run in. */
  readonly scriptBase: string;
}

export function referencesOf({ pages, styles, scripts, scriptBase }: ReferenceSources): Reference[] {
  const references = [
    ...pages.flatMap((page) => page.elements.flatMap((element) => ofElement(page, element))),
    ...styles.flatMap(ofStyle),
    ...scripts.flatMap((script) => requestsOf(script, scriptBase)),
  ];
  return inPage(references, partsOf({ pages, scriptBase }), scriptBase);
}

/** Pages that are put into others: as the HyperFrames runtime has it, addresses of these files, too, are relative to the page that is drawn. */
export const partsOf = ({ pages, scriptBase }: Pick<ReferenceSources, 'pages' | 'scriptBase'>): ReadonlySet<string> =>
  new Set(
    pages.flatMap(({ elements }) =>
      elements.flatMap(({ attributes }) => {
        const source = attributes.get('data-composition-src')?.trim().split(/[?#]/)[0];
        return source === undefined ? [] : [posix.join(posix.dirname(scriptBase), source)];
      }),
    ),
  );

/**
 * The parts of a page are put into it as they are, so that `a.png` in one is beside the page. Only what begins with `../` the runtime takes from
 * where the part is, and of styles and scripts in their own files what begins with `./`.
 */
export const inPage = (references: readonly Reference[], parts: ReadonlySet<string>, page: string): Reference[] =>
  references.map((reference) => {
    const { address, base, use } = reference;
    const isOwn = address.startsWith('../') || (address.startsWith('./') && (use === 'style' || use === 'script'));
    return parts.has(base) && !isOwn ? { ...reference, base: page } : reference;
  });

const ATTRIBUTES = new Map(
  Object.entries<Readonly<Record<string, Use>>>({
    img: { src: 'picture', srcset: 'picture' },
    source: { src: 'media', srcset: 'picture' },
    video: { src: 'media', poster: 'picture' },
    audio: { src: 'media' },
    track: { src: 'media' },
    script: { src: 'script', href: 'script', 'xlink:href': 'script' },
    iframe: { src: 'page' },
    embed: { src: 'page' },
    object: { data: 'page' },
    input: { src: 'picture' },
    image: { href: 'picture', 'xlink:href': 'picture' },
    feimage: { href: 'picture', 'xlink:href': 'picture' },
    use: { href: 'picture', 'xlink:href': 'picture' },
    body: { background: 'picture' },
    base: { href: 'page' },
  }),
);

const LINKS = new Map<string, Use>(
  Object.entries({
    stylesheet: 'style',
    preload: 'data',
    modulepreload: 'script',
    prefetch: 'data',
    prerender: 'data',
    preconnect: 'hint',
    'dns-prefetch': 'hint',
    icon: 'hint',
    'apple-touch-icon': 'hint',
    manifest: 'hint',
  }),
);

function ofElement({ file }: Page, { tag, attributes, placeOf }: PageElement): Reference[] {
  const found: Reference[] = [];
  const add = (address: string, use: Use, attribute: string): void => {
    found.push({ address: address.trim(), isWhole: true, base: file.path, use, place: placeOf(attribute) });
  };
  for (const [name, use] of Object.entries(ATTRIBUTES.get(tag) ?? {})) {
    const value = attributes.get(name);
    if (value === undefined || value.trim() === '') continue;
    if (name === 'srcset') for (const address of addressesOf(value)) add(address, use, name);
    else add(value, use, name);
  }
  const composition = attributes.get('data-composition-src');
  if (composition !== undefined) add(composition, 'page', 'data-composition-src');
  const href = attributes.get('href');
  if (tag === 'link' && href !== undefined) {
    const rel = (attributes.get('rel') ?? '').toLowerCase().split(/\s+/);
    const use = rel.map((name) => LINKS.get(name)).find((one) => one !== undefined);
    if (use !== undefined) add(href, use, 'href');
  }
  return found;
}

/** Of a `srcset`: `a.png 1x, b.png 2x`. The comma of a data: address is not followed by a blank. */
const addressesOf = (srcset: string): string[] =>
  srcset
    .split(srcset.includes('data:') ? /,\s+/ : ',')
    .map((candidate) => candidate.trim().split(/\s+/)[0] ?? '')
    .filter((address) => address !== '');

function ofStyle({ file, tree, placeOf }: Style): Reference[] {
  const found: Reference[] = [];
  const add = (address: string, use: Use, node: CssNode): void => {
    found.push({ address, isWhole: true, base: file.path, use, place: placeOf(node) });
  };
  walk(tree, {
    visit: 'Url',
    enter(node) {
      const { name } = this.atrulePrelude === null ? { name: '' } : { name: this.atrule?.name.toLowerCase() ?? '' };
      if (name === 'namespace') return;
      if (name === 'import') return add(node.value, 'style', node);
      const isFace = this.atrule?.name.toLowerCase() === 'font-face';
      add(node.value, isFace ? 'font' : 'picture', node);
    },
  });
  walk(tree, {
    visit: 'String',
    enter(node) {
      const isImport = this.atrulePrelude !== null && this.atrule?.name.toLowerCase() === 'import';
      if (isImport) add(node.value, 'style', node);
      else if (this.function?.name.toLowerCase().endsWith('image-set')) add(node.value, 'picture', node);
    },
  });
  return found;
}
