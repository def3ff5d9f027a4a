/** The `params:` part of a source: columns → the template's parameters. Pure. */

import { z } from 'zod';
import { decimalText } from './numbers.ts';

const columnName = z.string().min(1).max(255);
const locale = z.string().refine(isLocale, 'must be a language tag such as en-US');
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const formatSchema = z
  .strictObject({
    style: z.enum(['decimal', 'currency', 'percent']).default('decimal').describe('What the number is.'),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'must be a currency such as USD')
      .optional()
      .describe('ISO 4217, for the style `currency`, and for it alone.'),
    currencyColumn: columnName.optional().describe('In its place: the column that holds the currency.'),
    locale: locale.default('en-US').describe('A language tag.'),
    localeColumn: columnName
      .optional()
      .describe('The column that holds a person’s language tag; where it is empty, `locale` stands.'),
    minimumFractionDigits: z.int().min(0).max(20).optional().describe('As in `Intl.NumberFormat`.'),
    maximumFractionDigits: z.int().min(0).max(20).optional().describe('The same.'),
  })
  .refine(
    ({ style, currency, currencyColumn }) => (style === 'currency') === ((currency ?? currencyColumn) !== undefined),
    'the style currency, and only it, names a currency or a currencyColumn',
  );

const fromColumn = z.strictObject({
  column: columnName.describe('The column that it comes from.'),
  default: scalar.optional().describe('Where the cell is NULL or empty.'),
  format: formatSchema.optional().describe('The number as text, in a person’s language.'),
});

const fromText = z.strictObject({
  text: z
    .string()
    .min(1)
    .refine(isTemplate, 'has braces that are not {column} or {column|words}')
    .describe(
      'Text with columns in braces: `Hi {first_name|there}`, where what follows the bar stands for an empty cell.',
    ),
});

/** Template parameter → column, or how it is made of columns. */
export const paramsSchema = z
  .record(z.string().min(1), z.union([columnName, fromColumn, fromText]))
  .refine((params) => Object.keys(params).length > 0, 'at least one parameter must have a column');

export type ParamsConfig = Readonly<z.infer<typeof paramsSchema>>;
type Format = z.infer<typeof formatSchema>;

/** Why a row's cells make no parameter, without the cells. */
export interface MappingProblem {
  readonly reason: string;
  /** JSON Pointer to the parameter. */
  readonly path: string;
}

export type Mapped =
  | { readonly params: Readonly<Record<string, unknown>>; readonly problem?: never }
  | { readonly params: Readonly<Record<string, unknown>>; readonly problem: MappingProblem };

export interface Mapping {
  /** The columns that it reads, each once. */
  readonly columns: readonly string[];
  /** `cell` gives the row's JSON-safe value of a column; undefined and null are an empty cell. */
  map(cell: (column: string) => unknown): Mapped;
}

type Part = (cell: (column: string) => unknown) => unknown;

/** @param emptyIsAbsent whether a parameter of an empty cell is left out (CSV) or null (SQL). */
export function compileMapping(config: ParamsConfig, { emptyIsAbsent = false } = {}): Mapping {
  const columns = new Set<string>();
  const parts = Object.entries(config).map(([name, how]) => [name, compilePart(how, columns)] as const);
  return {
    columns: [...columns],
    map(cell) {
      const params: Record<string, unknown> = {};
      for (const [name, part] of parts) {
        try {
          const value = part(cell) ?? null;
          if (value !== null || !emptyIsAbsent) params[name] = value;
        } catch (error) {
          if (!(error instanceof Unmappable)) throw error;
          const path = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
          return { params: {}, problem: { reason: error.message, path } };
        }
      }
      return { params };
    },
  };
}

class Unmappable extends Error {}

function compilePart(how: ParamsConfig[string], columns: Set<string>): Part {
  if (typeof how === 'string') {
    columns.add(how);
    return (cell) => cell(how);
  }
  if ('text' in how) return compileText(how.text, columns);
  const { column, default: fallback = null, format } = how;
  columns.add(column);
  const formatted = format === undefined ? null : compileFormat(format, columns);
  return (cell) => {
    const value = cell(column) ?? null;
    if (isEmpty(value)) return fallback;
    return formatted === null ? value : formatted(value, cell);
  };
}

const isEmpty = (value: unknown): boolean => value === null || value === undefined || value === '';

const PLACEHOLDER = /\{([^{}|]+)(?:\|([^{}]*))?\}/g;

function isTemplate(text: string): boolean {
  return !/[{}]/.test(text.replaceAll(PLACEHOLDER, ''));
}

function compileText(text: string, columns: Set<string>): Part {
  for (const [, column = ''] of text.matchAll(PLACEHOLDER)) columns.add(column);
  return (cell) =>
    text.replaceAll(PLACEHOLDER, (_, column: string, words: string | undefined) => {
      const value = cell(column);
      if (!isEmpty(value)) return String(value);
      if (words === undefined) throw new Unmappable(`the text needs column '${column}', which is empty`);
      return words;
    });
}

function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    // RangeError is how Intl says no.
    return false;
  }
}

/** Formatters are dear to make, and a night has few different ones. */
const MAX_FORMATTERS = 500;

function compileFormat(format: Format, columns: Set<string>): (value: unknown, cell: Parameters<Part>[0]) => string {
  const { style, currency, currencyColumn, locale: usual, localeColumn, ...digits } = format;
  for (const column of [currencyColumn, localeColumn]) if (column !== undefined) columns.add(column);
  const made = new Map<string, Intl.NumberFormat>();
  return (value, cell) => {
    const tag = (localeColumn === undefined ? null : textOf(cell(localeColumn))) ?? usual;
    const money = (currencyColumn === undefined ? null : textOf(cell(currencyColumn))) ?? currency;
    const name = `${tag} ${money ?? ''}`;
    let formatter = made.get(name);
    if (formatter === undefined) {
      if (!isLocale(tag)) throw new Unmappable(`column '${localeColumn}' holds no language tag`);
      if (style === 'currency' && !/^[A-Z]{3}$/.test(money ?? '')) {
        throw new Unmappable(`column '${currencyColumn}' holds no currency`);
      }
      formatter = new Intl.NumberFormat(tag, {
        style,
        ...(style === 'currency' ? { currency: money } : {}),
        ...(digits.minimumFractionDigits === undefined ? {} : { minimumFractionDigits: digits.minimumFractionDigits }),
        ...(digits.maximumFractionDigits === undefined ? {} : { maximumFractionDigits: digits.maximumFractionDigits }),
      });
      if (made.size >= MAX_FORMATTERS) made.clear();
      made.set(name, formatter);
    }
    const number = decimalText(value);
    if (number === null) throw new Unmappable('is not a number, so it cannot be formatted as one');
    // As text: a number beyond 2^53 keeps its digits.
    return formatter.format(number as Intl.StringNumericLiteral);
  };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
