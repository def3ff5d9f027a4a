/** The params that a check draws, by the names that a person knows them by. Pure. */

import type { Params } from '../../contracts/video.ts';
import { MARKUP, SHORT_MARKUP, samplesOf } from '../../templates/extremes.ts';
import type { RenderedCheckInput } from './rendered-check.ts';

export interface Sample {
  /** `example`, `longest texts, in words`, `sample 3`: never a value of somebody. */
  readonly label: string;
  readonly params: Params;
}

export function labelled({ template, samples }: Pick<RenderedCheckInput, 'template' | 'samples'>): Sample[] {
  const known = new Map(samplesOf(template).map(({ label, params }) => [JSON.stringify(params), label]));
  return samples.map((params, index) => ({
    label: known.get(JSON.stringify(params)) ?? `sample ${index + 1}`,
    params,
  }));
}

/** Whether some text of it is written as elements are. */
export function hasMarkup(params: unknown): boolean {
  const text = JSON.stringify(params);
  return text.includes(MARKUP) || text.includes(SHORT_MARKUP);
}

/** `'name' and 'tier'`: the params in which two bags differ. */
export function differing(one: Params, other: Params): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]));
}

/** One with some params of another. */
export function withParams(base: Params, from: Params, names: readonly string[]): Params {
  const result: Record<string, unknown> = { ...base };
  for (const name of names) {
    if (Object.hasOwn(from, name)) result[name] = from[name];
    else delete result[name];
  }
  return result;
}

/** `"a", "b" and 3 more`. */
export function listed(words: readonly string[], most = 4): string {
  const shown = words.slice(0, most);
  const left = words.length - shown.length;
  return left > 0 ? `${shown.join(', ')} and ${left} more` : shown.join(', ');
}
