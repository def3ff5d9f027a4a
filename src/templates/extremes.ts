/**
 * The edges of what a template's schema allows: what a preview, a contact sheet and the checks draw, so that nobody's name is the first of
 * its kind. Pure.
 */

import { z } from 'zod';
import type { Params } from '../contracts/video.ts';
import type { Template } from './template.ts';

export interface Extreme {
  /** What is extreme about it, as a person would say: `Arabic`, `longest texts, in one word`, `'tier' is "gold"`. */
  readonly label: string;
  readonly params: Params;
}

/** Text that must be seen as it is: none of it may become an element. */
export const MARKUP = '<img src=x onerror=alert(1)>';
/** The same for params that are too short for that. */
export const SHORT_MARKUP = '<b>b</b>';

/** Without a `maxLength`, texts are as long as a line that somebody has typed. */
const LONG = 120;
const HUGE = 999_999_999_999;
const LIST = 12;

const schemaShape = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  items: z.unknown().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  maxItems: z.number().optional(),
  minItems: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  multipleOf: z.number().optional(),
  const: z.unknown().optional(),
  $ref: z.string().optional(),
  allOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
});
type Schema = z.infer<typeof schemaShape>;

/** Values for one kind of extreme, the wanted first; none where the kind does not concern the schema. */
interface Kind {
  readonly label: string;
  readonly texts?: (schema: Schema) => readonly string[];
  readonly numbers?: (schema: Schema) => readonly number[];
  readonly lists?: (schema: Schema, item: unknown) => readonly unknown[];
}

/** The first of the texts that a param has room for; cut where it has room for none. */
const written = (label: string, ...texts: readonly string[]): Kind => ({
  label,
  texts: (schema) => {
    const whole = texts.filter((text) => [...text].length <= (schema.maxLength ?? LONG));
    return (whole.length > 0 ? whole : texts).flatMap((text) => fitted(text, schema));
  },
});

const KINDS: readonly Kind[] = [
  { label: 'longest texts, in words', texts: (schema) => fitted('Wilhelmina Featherstonehaugh ', schema, true) },
  { label: 'longest texts, in one word', texts: (schema) => fitted('W', schema, true) },
  { label: 'empty texts', texts: ({ minLength = 0 }) => (minLength === 0 ? [''] : []) },
  written('texts of one letter', 'i'),
  written('Arabic', 'نور الهدى'),
  written('Hebrew', 'שלומית'),
  written('Chinese and Japanese', '佐藤美咲 李小龍'),
  written('Korean', '김민준'),
  written('Devanagari', 'श्रीनिवास'),
  written('Thai', 'ณัฐวุฒิ'),
  written('Cyrillic', 'Александра Щербакова', 'Юлия'),
  written('Greek', 'Ελευθερία Ξένου', 'Ζωή'),
  written('emoji joined to one', 'Zoë 👩‍👩‍👧‍👦', '👩‍👩‍👧‍👦', '🦊'),
  written('combining marks', 'Zoe\u0308\u0301 A\u0323\u0302'),
  { label: 'HTML', texts: ({ maxLength = LONG }) => [MARKUP, SHORT_MARKUP].filter((text) => text.length <= maxLength) },
  written('the end of a statement', "');--"),
  { label: 'zero', numbers: () => [0] },
  { label: 'negative numbers', numbers: () => [-1, -0.5] },
  { label: 'smallest numbers', numbers: smallest },
  { label: 'largest numbers', numbers: largest },
  { label: 'broken numbers', numbers: ({ type }) => (typesOf(type).includes('integer') ? [] : [1234.5678, 0.05]) },
  { label: 'empty lists', lists: () => [[]] },
  {
    label: 'long lists',
    lists: ({ maxItems = LIST }, item) => (item === undefined ? [] : [Array.from({ length: maxItems }, () => item)]),
  },
];

/**
 * One bag for each kind of extreme, in every param that it concerns; the rest is the example's. All are valid, none is the
 * placeholder or the example, and no two are equal.
 */
export function extremesOf({ paramsSchema, example, placeholder, validateParams }: Template): Extreme[] {
  const resolve = resolverOf(paramsSchema);
  const root = resolve(paramsSchema)[0] ?? {};
  const properties = Object.entries(root.properties ?? {});
  const isValid = (params: Params): boolean => validateParams(params).ok;
  const found: Extreme[] = [];
  const known = new Set([example, placeholder].map(keyOf));
  const add = (label: string, params: Params): void => {
    if (known.has(keyOf(params)) || !isValid(params)) return;
    known.add(keyOf(params));
    found.push({ label, params });
  };
  const withValue = (params: Params, name: string, values: readonly unknown[]): Params => {
    // What does not go with the others stays as it is in the example.
    const fitting = values.find((value) => isValid({ ...params, [name]: value }));
    return fitting === undefined ? params : { ...params, [name]: fitting };
  };
  for (const kind of KINDS) {
    let params = example;
    for (const [name, schema] of properties)
      params = withValue(params, name, valuesFor(schema, example[name], kind, resolve));
    add(kind.label, params);
  }
  for (const [name, schema] of properties) {
    const choices = resolve(schema).flatMap(({ enum: listed, const: only, type }): readonly unknown[] => {
      if (only !== undefined) return [only];
      return listed ?? (typesOf(type).includes('boolean') ? [true, false] : []);
    });
    for (const choice of choices) add(`'${name}' is ${JSON.stringify(choice)}`, { ...example, [name]: choice });
  }
  const { required = [] } = root;
  const needed = Object.fromEntries(Object.entries(example).filter(([name]) => required.includes(name)));
  add('nothing that is optional', needed);
  return found;
}

/** What checks draw: the example and the placeholder first. */
export const samplesOf = (template: Template): Extreme[] => [
  { label: 'example', params: template.example },
  ...(keyOf(template.example) === keyOf(template.placeholder)
    ? []
    : [{ label: 'placeholder', params: template.placeholder }]),
  ...extremesOf(template),
];

/** What a schema comes to: more than one where it leaves a choice, none where it cannot be read. */
type Resolve = (schema: unknown) => Schema[];

/** Schemas that refer to themselves are followed so deep. */
const DEPTH = 8;

/** Follows `$ref` within the schema (`#/$defs/…`), puts `allOf` together and takes `anyOf` and `oneOf` apart. */
function resolverOf(root: unknown): Resolve {
  const at = (pointer: string): unknown =>
    pointer
      .split('/')
      .slice(1)
      .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>((value, name) => record.safeParse(value).data?.[name], root);
  const resolve = (schema: unknown, depth: number): Schema[] => {
    const parsed = schemaShape.safeParse(schema).data;
    if (parsed === undefined || depth > DEPTH) return [];
    const { $ref: reference, allOf = [], anyOf, oneOf, ...own } = parsed;
    const parts = [...(reference?.startsWith('#') ? [at(reference)] : []), ...allOf].map((one) => [one]);
    const choices = [anyOf, oneOf].filter((one) => one !== undefined);
    // Every part holds, and one of each choice.
    return [...parts, ...choices].reduce<Schema[]>(
      (all, branches) => {
        const found = branches.flatMap((branch) => resolve(branch, depth + 1));
        return found.length === 0 ? all : all.flatMap((one) => found.map((other) => merged(one, other)));
      },
      [own],
    );
  };
  return (schema) => resolve(schema, 0);
}

const record = z.record(z.string(), z.unknown());

/** What both say; where they contradict each other, what the second says. */
function merged(one: Schema, other: Schema): Schema {
  const properties = { ...one.properties, ...other.properties };
  const required = [...(one.required ?? []), ...(other.required ?? [])];
  const said = Object.fromEntries(Object.entries(other).filter(([, value]) => value !== undefined));
  return {
    ...{ ...one, ...said },
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.length > 0 && { required }),
  };
}

/** Candidates for a value of any depth. */
function valuesFor(schema: unknown, base: unknown, kind: Kind, resolve: Resolve, depth = 0): readonly unknown[] {
  if (depth > DEPTH) return [];
  return resolve(schema).flatMap((one) => valuesForOne(one, base, kind, resolve, depth + 1));
}

function valuesForOne(parsed: Schema, base: unknown, kind: Kind, resolve: Resolve, depth: number): readonly unknown[] {
  if (parsed.enum !== undefined || parsed.const !== undefined) return [];
  const types = typesOf(parsed.type);
  if (types.includes('string')) return kind.texts?.(parsed) ?? [];
  if (types.includes('number') || types.includes('integer')) return kind.numbers?.(parsed) ?? [];
  if (types.includes('array')) {
    const items: readonly unknown[] = Array.isArray(base) ? base : [];
    if (kind.lists !== undefined) return kind.lists(parsed, items[0]);
    return together(items.map((item) => [item, valuesFor(parsed.items, item, kind, resolve, depth)] as const)).map(
      Object.values,
    );
  }
  if (types.includes('object')) {
    const values: Readonly<Record<string, unknown>> = typeof base === 'object' && base !== null ? { ...base } : {};
    const fields = Object.entries(parsed.properties ?? {});
    const varied = together(
      fields.map(([name, field]) => [values[name], valuesFor(field, values[name], kind, resolve, depth)] as const),
    );
    return varied.map((some) => ({
      ...values,
      ...Object.fromEntries(
        fields.flatMap(([name], index) => (some[index] === undefined ? [] : [[name, some[index]]])),
      ),
    }));
  }
  return [];
}

/** The first candidates of all parts together, then the second: a part that has none is as it was. */
function together(parts: readonly (readonly [unknown, readonly unknown[]])[]): unknown[][] {
  const most = Math.max(0, ...parts.map(([, candidates]) => candidates.length));
  return Array.from({ length: most }, (_, index) =>
    parts.map(([base, candidates]) => (candidates.length === 0 ? base : (candidates[index] ?? candidates.at(-1)))),
  );
}

/** A text made as long as the schema wants it, and cut where a person would say that a letter ends. */
function fitted(text: string, { minLength = 0, maxLength = LONG }: Schema, isLong = false): string[] {
  const wanted = isLong ? maxLength : Math.min(maxLength, Math.max(minLength, [...text].length));
  const letters = [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)].map(
    ({ segment }) => segment,
  );
  let [result, length] = ['', 0];
  for (let at = 0; ; at++) {
    const letter = letters[at % letters.length] ?? '';
    const size = [...letter].length;
    if (size === 0 || length + size > wanted) break;
    result += letter;
    length += size;
  }
  // A blank at the end would be seen by nobody.
  const shown = result.endsWith(' ') ? `${result.slice(0, -1)}.` : result;
  return shown === '' ? [] : [shown];
}

function smallest({ type, minimum, exclusiveMinimum, multipleOf = 1 }: Schema): number[] {
  const least = minimum ?? (exclusiveMinimum === undefined ? -HUGE : exclusiveMinimum + stepOf(type));
  return [least, Math.ceil(least / multipleOf) * multipleOf];
}

function largest({ type, maximum, exclusiveMaximum, multipleOf = 1 }: Schema): number[] {
  const most = maximum ?? (exclusiveMaximum === undefined ? HUGE : exclusiveMaximum - stepOf(type));
  return [most, Math.floor(most / multipleOf) * multipleOf];
}

const stepOf = (type: Schema['type']): number => (typesOf(type).includes('integer') ? 1 : 0.01);
const typesOf = (type: Schema['type']): readonly string[] => (typeof type === 'string' ? [type] : (type ?? []));
const keyOf = (params: Params): string =>
  JSON.stringify(Object.entries(params).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
