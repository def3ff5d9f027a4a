import type { Params } from '../contracts/video.ts';

/** Shorter values (an initial, a single digit) stand in ordinary words too: taking them out would only garble. */
const MIN_LENGTH = 2;

/**
 * A function that takes a recipient's params out of a text: an error thrown by a template may quote them, and what
 * Temporal stores must not. Every scalar value of at least two characters is replaced by the name of its param.
 */
export function scrubberFor(params: Params): (text: string) => string {
  const values: { readonly value: string; readonly name: string }[] = [];
  const collect = (value: unknown, name: string): void => {
    if (typeof value === 'string' || typeof value === 'number') values.push({ value: String(value), name });
    else if (value !== null && typeof value === 'object')
      for (const inner of Object.values(value)) collect(inner, name);
  };
  for (const [name, value] of Object.entries(params)) collect(value, name);
  // Longest first, so that a value inside another one does not split it.
  const longestFirst = values
    .filter(({ value }) => value.trim().length >= MIN_LENGTH)
    .sort((a, b) => b.value.length - a.value.length);
  return (text) => longestFirst.reduce((left, { value, name }) => left.replaceAll(value, `‹${name}›`), text);
}

/** The messages of an error and of what caused it, outermost first. */
export function causeChain(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause === undefined ? cause.message : `${cause.message} <- ${causeChain(cause.cause)}`;
}
