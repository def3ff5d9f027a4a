/** What a params schema leaves open: texts, numbers and lists without an end, names that nobody declared. Pure. */

import { z } from 'zod';
import type { RuleName } from '../rules.ts';
import type { JsonPath } from '../source/declaration.ts';

export interface OpenEnd {
  readonly rule: RuleName;
  /** Below the schema. */
  readonly path: JsonPath;
  readonly what: string;
}

const node = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});
const FORMATS_WITH_END = ['date', 'time', 'date-time', 'uuid', 'ipv4', 'ipv6'];
const BRANCHES = ['anyOf', 'oneOf', 'allOf'] as const;

export function openEnds(schema: unknown, path: JsonPath = [], name = 'The params'): OpenEnd[] {
  const parsed = node.safeParse(schema);
  if (!parsed.success) return [];
  const { type, enum: listed, properties, ...rest } = parsed.data;
  const has = (...keys: readonly string[]): boolean => keys.some((key) => rest[key] !== undefined);
  const types = typeof type === 'string' ? [type] : (type ?? []);
  const found: OpenEnd[] = [];
  const add = (rule: RuleName, what: string): void => void found.push({ rule, path, what: `${name} ${what}` });

  const values = listed ?? (has('const') ? [rest['const']] : null);
  if (types.includes('null') || rest['nullable'] === true || values?.includes(null)) add('nullable', 'may be null.');
  if (values === null) {
    const hasFormat = typeof rest['format'] === 'string' && FORMATS_WITH_END.includes(rest['format']);
    const isEnded = hasFormat || has('maxLength') || isEndedPattern(rest['pattern']);
    if (types.includes('string') && !isEnded) add('unbounded-string', 'has no maxLength.');
    if (types.includes('number') || types.includes('integer')) {
      const missing = [
        ...(has('minimum', 'exclusiveMinimum') ? [] : ['minimum']),
        ...(has('maximum', 'exclusiveMaximum') ? [] : ['maximum']),
      ];
      if (missing.length > 0) add('unbounded-number', `has no ${missing.join(' and no ')}.`);
    }
    const isTuple = has('prefixItems') && rest['items'] === false;
    if (types.includes('array') && !has('maxItems') && !isTuple) add('unbounded-array', 'has no maxItems.');
  }
  const isObject = types.includes('object') || properties !== undefined;
  if (isObject && rest['additionalProperties'] !== false && rest['unevaluatedProperties'] !== false) {
    add('open-object', 'may have properties that the schema does not name.');
  }

  for (const [key, value] of Object.entries(properties ?? {})) {
    found.push(...openEnds(value, [...path, 'properties', key], `Param '${[...namesIn(path), key].join('.')}'`));
  }
  if (has('items'))
    found.push(...openEnds(rest['items'], [...path, 'items'], `An item of '${namesIn(path).join('.')}'`));
  for (const branch of BRANCHES) {
    const list = z.array(z.unknown()).safeParse(rest[branch]).data ?? [];
    for (const [index, one] of list.entries()) found.push(...openEnds(one, [...path, branch, index], name));
  }
  const definitions = z.record(z.string(), z.unknown()).safeParse(rest['$defs']).data ?? {};
  for (const [key, value] of Object.entries(definitions)) {
    found.push(...openEnds(value, [...path, '$defs', key], `Definition '${key}'`));
  }
  return found;
}

/** One that holds the whole text and repeats nothing without end: `^#[0-9a-f]{6}$`. */
const isEndedPattern = (pattern: unknown): boolean =>
  typeof pattern === 'string' &&
  /^\^.*\$$/.test(pattern) &&
  !/(?<!\\)[*+]|\{\d+,\}/.test(pattern.replaceAll(/\[[^\]]*\]/g, '.'));

/** The names of the params that a path goes through. */
const namesIn = (path: JsonPath): (string | number)[] => path.filter((_, index) => path[index - 1] === 'properties');
