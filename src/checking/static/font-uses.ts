/** Which fonts a template's CSS and scripts bring, and which they use. Pure. */

import { simple } from 'acorn-walk';
import { type CssNode, type Declaration, generate, type List, walk } from 'css-tree';
import type { Place } from '../rules.ts';
import { constantsOf, lastName, textOf } from '../source/expressions.ts';
import type { Reference } from '../source/references.ts';
import type { Script } from '../source/script.ts';
import type { Style } from '../source/style.ts';
import type { TemplateSource } from '../source/template-source.ts';

/** One @font-face. */
export interface Face {
  readonly family: string;
  /** The weights that it covers. */
  readonly from: number;
  readonly to: number;
  readonly place: Place;
  readonly sources: readonly Reference[];
}

export interface FontUse {
  /** In the order in which they are tried; none: whichever is inherited. */
  readonly families: readonly string[];
  readonly place: Place;
}

export interface TemplateFonts {
  readonly faces: readonly Face[];
  /** Families that scripts make, in lower case; `unknown`: under names that cannot be told. */
  readonly made: ReadonlySet<string> | 'unknown';
  readonly uses: readonly FontUse[];
  readonly weights: readonly (FontUse & { readonly weight: number })[];
}

export function fontsOf({
  styles,
  scripts,
  references,
}: Pick<TemplateSource, 'styles' | 'scripts' | 'references'>): TemplateFonts {
  const variables = variablesOf(styles);
  const faces: Face[] = [];
  const uses: FontUse[] = [];
  const weights: (FontUse & { weight: number })[] = [];
  for (const style of styles) {
    walk(style.tree, {
      visit: 'Block',
      enter(block) {
        const isFace = this.atrule?.name.toLowerCase() === 'font-face';
        if (isFace) faces.push(faceOf(block.children, style, references));
        else takeUses(block.children, style, variables, { uses, weights });
      },
    });
    if (style.tree.type === 'DeclarationList') takeUses(style.tree.children, style, variables, { uses, weights });
  }
  for (const script of scripts) uses.push(...usesIn(script));
  return { faces, made: madeIn(scripts), uses, weights };
}

const declarationsIn = (children: List<CssNode>): Declaration[] =>
  children.toArray().filter((node): node is Declaration => node.type === 'Declaration');

function faceOf(children: List<CssNode>, style: Style, references: readonly Reference[]): Face {
  const values = new Map(declarationsIn(children).map((one) => [one.property.toLowerCase(), one]));
  const textIn = (name: string): string => {
    const value = values.get(name)?.value;
    return value === undefined ? '' : generate(value);
  };
  const [from = 400, to = from] = (textIn('font-weight') || 'normal').split(/\s+/).map((word) => weightOf(word) ?? 400);
  const sources: Reference[] = [];
  const source = values.get('src');
  if (source !== undefined) {
    walk(source, {
      visit: 'Url',
      enter(node) {
        const { file, line } = style.placeOf(node);
        const isIt = ({ address, use, place }: Reference): boolean =>
          use === 'font' && address === node.value && place.file === file && place.line === line;
        sources.push(...references.filter(isIt).slice(0, 1));
      },
    });
  }
  const first = values.get('font-family') ?? source ?? children.first;
  const place = first ? style.placeOf(first) : { file: style.file.path, line: null };
  return { family: familiesIn(textIn('font-family'))[0] ?? '', from, to, place, sources };
}

function takeUses(
  children: List<CssNode>,
  { placeOf }: Style,
  variables: ReadonlyMap<string, string>,
  { uses, weights }: { readonly uses: FontUse[]; readonly weights: (FontUse & { weight: number })[] },
): void {
  let families: readonly string[] = [];
  let weight: { readonly value: number; readonly place: Place } | null = null;
  for (const node of declarationsIn(children)) {
    const name = node.property.toLowerCase();
    if (name !== 'font' && name !== 'font-family' && name !== 'font-weight') continue;
    const value = resolved(generate(node.value), variables);
    const place = placeOf(node);
    const shorthand = name === 'font' ? shorthandOf(value) : null;
    const named = name === 'font-family' ? familiesIn(value) : (shorthand?.families ?? []);
    const number = name === 'font-weight' ? weightOf(value) : (shorthand?.weight ?? null);
    if (named.length > 0) {
      families = named;
      uses.push({ families: named, place });
    }
    if (number !== null) weight = { value: number, place };
  }
  if (weight !== null) weights.push({ families, weight: weight.value, place: weight.place });
}

/** Custom properties by name; of one that is set several times, the first. */
function variablesOf(styles: readonly Style[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { tree } of styles) {
    walk(tree, {
      visit: 'Declaration',
      enter({ property, value }) {
        if (property.startsWith('--') && !found.has(property)) found.set(property, generate(value).trim());
      },
    });
  }
  return found;
}

const resolved = (value: string, variables: ReadonlyMap<string, string>, depth = 0): string =>
  depth > 5 || !value.includes('var(')
    ? value
    : resolved(
        value.replace(
          /var\(\s*(--[^,)\s]+)\s*(?:,([^)]*))?\)/g,
          (_, name: string, otherwise = 'inherit') => variables.get(name) ?? otherwise,
        ),
        variables,
        depth + 1,
      );

const KEYWORDS = ['inherit', 'initial', 'unset', 'revert', 'revert-layer'];

/** `"Noto Sans", sans-serif` → [`Noto Sans`, `sans-serif`]. */
const familiesIn = (value: string): string[] =>
  [...value.replace(/\s*!important$/, '').matchAll(/"([^"]*)"|'([^']*)'|([^,"']+)/g)]
    .map(([, double, single, bare = '']) => (double ?? single ?? bare).trim())
    .filter((family) => family !== '' && !KEYWORDS.includes(family.toLowerCase()) && !family.includes('('));

const SIZE =
  /(?:^|\s)(?:[\d.]+(?:[a-z]+|%)|(?:calc|clamp|min|max|var)\(.*?\)+|(?:x{1,3}-)?(?:small|large)|medium|smaller|larger)(?:\s*\/\s*\S+)?\s*(?=["'\sa-z-])/i;

/** `italic 700 28px/1.2 Manrope, serif`; null for a keyword such as `inherit` or `caption`. */
function shorthandOf(value: string): { readonly families: string[]; readonly weight: number | null } | null {
  const size = SIZE.exec(value);
  if (size === null) return null;
  const before = value.slice(0, size.index).trim().split(/\s+/);
  const weight = before.map(weightOf).find((one) => one !== null) ?? null;
  return { families: familiesIn(value.slice(size.index + size[0].length)), weight };
}

function weightOf(word: string): number | null {
  if (word === 'bold') return 700;
  if (word === 'normal') return 400;
  return /^\d{1,4}$/.test(word) ? Number(word) : null;
}

/** `context.font = '700 28px Manrope'`, `element.style.fontFamily = 'Manrope'`. */
function usesIn({ program, isLibrary, placeOf }: Script): FontUse[] {
  if (program === null || isLibrary) return [];
  const constants = constantsOf(program);
  const found: FontUse[] = [];
  simple(program, {
    AssignmentExpression({ left, right }) {
      if (left.type !== 'MemberExpression') return;
      const text = textOf(right, constants);
      if (text === null || !text.isWhole) return;
      const name = lastName(left);
      const families = name === 'font' ? (shorthandOf(text.text)?.families ?? []) : familiesIn(text.text);
      if ((name === 'font' || name === 'fontFamily') && families.length > 0)
        found.push({ families, place: placeOf(left) });
    },
  });
  return found;
}

function madeIn(scripts: readonly Script[]): ReadonlySet<string> | 'unknown' {
  const made = new Set<string>();
  let isKnown = true;
  for (const { program, isLibrary } of scripts) {
    if (program === null || isLibrary) continue;
    const constants = constantsOf(program);
    simple(program, {
      NewExpression({ callee, arguments: [first] }) {
        if (lastName(callee) !== 'FontFace' || first === undefined) return;
        const text = textOf(first, constants);
        if (text?.isWhole === true) made.add(text.text.toLowerCase());
        else isKnown = false;
      },
    });
  }
  return isKnown ? made : 'unknown';
}
