/** Params made from a template's schema that differ from its placeholder wherever that is possible: what proofs are run with. */

import { z } from 'zod';
import type { Params } from '../contracts/video.ts';
import type { Template } from './template.ts';

export interface Samples {
  readonly samples: readonly Params[];
  /** Params that could not be made to differ from the placeholder: nothing can be said of them. */
  readonly unvaried: readonly string[];
}

/** Names as people have them: short, long, with combining marks, right to left, of other scripts, with emoji. */
const TEXTS = ['Ñandú', 'Wilhelmina Featherstonehaugh', 'نور الهدى', '佐藤美咲', 'Zoë 🦊', 'O', 'Q7'];
const NUMBERS = [3, 87, 1284, 7, 40321, 1, 0, 2, 5, 10, 0.5];

const property = z.object({
  enum: z.array(z.unknown()).optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

/** `count` bags of params; all valid. The example's values come first, where they differ from the placeholder's. */
export function sampleParams(template: Template, count: number): Samples {
  const { placeholder, example, paramsSchema } = template;
  const properties = z.record(z.string(), z.unknown()).safeParse(paramsSchema['properties']).data ?? {};
  const isValid = (params: Params): boolean => template.validateParams(params).ok;
  const choices = new Map<string, readonly unknown[]>();
  for (const [name, schema] of Object.entries(properties)) {
    const parsed = property.safeParse(schema);
    const candidates = [example[name], ...(parsed.success ? candidatesFor(parsed.data) : [])];
    const different = candidates.filter(
      (value) => value !== undefined && !isSame(value, placeholder[name]) && isValid({ ...placeholder, [name]: value }),
    );
    choices.set(name, distinct(different));
  }
  const samples = Array.from({ length: count }, (_, index) => {
    let params: Params = placeholder;
    for (const [name, values] of choices) {
      if (values.length === 0) continue;
      const next = { ...params, [name]: values[index % values.length] };
      // One that does not go with the others stays as it is in the placeholder.
      if (isValid(next)) params = next;
    }
    return params;
  });
  const unvaried = [...choices.keys()].filter((name) =>
    samples.every((params) => isSame(params[name], placeholder[name])),
  );
  return { samples, unvaried };
}

function candidatesFor({ enum: listed, maxLength, minimum, maximum }: z.infer<typeof property>): unknown[] {
  if (listed !== undefined) return listed;
  const texts = maxLength === undefined ? TEXTS : TEXTS.map((text) => [...text].slice(0, maxLength).join(''));
  return [...texts, ...NUMBERS, minimum, maximum, true, false];
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const distinct = (values: readonly unknown[]): unknown[] => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
];
