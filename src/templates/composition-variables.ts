/** The variables that a HyperFrames composition declares, as the params of a template. Pure. */

import { z } from 'zod';
import type { Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';

/** The attribute that declares them: a JSON array, one object for each. */
export const VARIABLES_ATTRIBUTE = 'data-composition-variables';

export interface DeclaredParams {
  /** JSON Schema, draft 2020-12. Nothing is required: what is left out has its default. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly defaults: Params;
}

const common = { id: z.string().min(1), label: z.string().optional(), description: z.string().optional() };
const option = z.union([z.string(), z.object({ value: z.string() }).transform(({ value }) => value)]);

/** `@hyperframes/core` drops a declaration that is wrong; here it is an error, as its default would silently be missing. */
const declaration = z.discriminatedUnion('type', [
  z.object({ ...common, type: z.literal('string'), default: z.string(), maxLength: z.int().min(0).optional() }),
  z.object({
    ...common,
    type: z.literal('number'),
    default: z.number(),
    min: z.number().optional(),
    max: z.number().optional(),
  }),
  z.object({ ...common, type: z.literal('color'), default: z.string() }),
  z.object({ ...common, type: z.literal('boolean'), default: z.boolean() }),
  z.object({ ...common, type: z.literal('enum'), default: z.string(), options: z.array(option).min(1) }),
  z.object({ ...common, type: z.literal('font'), default: z.string() }),
  z.object({ ...common, type: z.literal('image'), default: z.string() }),
]);
type Declaration = z.infer<typeof declaration>;

const orObject = (...names: readonly string[]) => ({
  anyOf: [
    { type: 'string' },
    {
      type: 'object',
      required: names,
      properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    },
  ],
});

/** What values HyperFrames takes for a variable; where it declares limits, these count. */
function typeOf(variable: Declaration): Record<string, unknown> {
  switch (variable.type) {
    case 'string':
      return { type: 'string', ...(variable.maxLength === undefined ? {} : { maxLength: variable.maxLength }) };
    case 'number':
      return {
        type: 'number',
        ...(variable.min === undefined ? {} : { minimum: variable.min }),
        ...(variable.max === undefined ? {} : { maximum: variable.max }),
      };
    case 'color':
      return { type: 'string' };
    case 'boolean':
      return { type: 'boolean' };
    case 'enum':
      return { enum: variable.options };
    case 'font':
      return orObject('name', 'source');
    case 'image':
      return orObject('url');
  }
}

/**
 * The params that some elements declare together: of two with one name the later counts, as in HyperFrames. `texts`: their
 * attributes. Throws what `invalid` makes of the first thing that is wrong.
 */
export function paramsOf(texts: readonly string[], invalid: (what: string) => Failure): DeclaredParams {
  const properties: Record<string, unknown> = {};
  const defaults: Record<string, unknown> = {};
  for (const variable of texts.flatMap((text) => declarationsIn(text, invalid))) {
    const { id, label, description } = variable;
    properties[id] = {
      ...typeOf(variable),
      ...(label === undefined ? {} : { title: label }),
      ...(description === undefined ? {} : { description }),
    };
    defaults[id] = variable.default;
  }
  return { schema: { type: 'object', additionalProperties: false, properties }, defaults };
}

function declarationsIn(text: string, invalid: (what: string) => Failure): Declaration[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(`${VARIABLES_ATTRIBUTE} is not JSON: ${cause instanceof Error ? cause.message : cause}.`);
  }
  if (!Array.isArray(json)) throw invalid(`${VARIABLES_ATTRIBUTE} is no JSON array of variables.`);
  return json.map((entry: unknown, index) => {
    const parsed = declaration.safeParse(entry);
    if (parsed.success) return parsed.data;
    const named = z.object({ id: z.string() }).safeParse(entry);
    const which = named.success ? `variable '${named.data.id}'` : `variable ${index + 1}`;
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
    throw invalid(`${VARIABLES_ATTRIBUTE}: ${which} is not declared right (${problems.join('; ')}).`);
  });
}
