/** In which order things are drawn, so that one shows what another left. Pure. */

/** Forwards is what a video is; then backwards, then mixed, and each twice. */
export function otherOrders(frames: readonly number[]): { readonly name: string; readonly frames: number[] }[] {
  const { length } = frames;
  // A step that has no factor in common with the length comes past every one.
  const step = [7, 5, 3, 2].find((one) => length % one !== 0) ?? 1;
  const mixed = frames.map((_, index) => frames[(index * step + 1) % length] as number);
  return [
    { name: 'backwards', frames: frames.toReversed() },
    { name: 'in mixed order', frames: mixed },
    { name: 'twice each', frames: frames.flatMap((frame) => [frame, frame]) },
  ];
}

/**
 * Numbers from 0 up to, not including, `count`, so that every one comes directly after every other and after itself, once: an Euler
 * circuit of the complete graph with loops. Begins and ends with 0.
 */
export function afterEachOther(count: number): number[] {
  const left = Array.from({ length: count }, () => Array.from({ length: count }, (_, to) => count - 1 - to));
  const path: number[] = [];
  const stack = count > 0 ? [0] : [];
  for (let at = stack.at(-1); at !== undefined; at = stack.at(-1)) {
    const next = left[at]?.pop();
    if (next === undefined) path.push(stack.pop() as number);
    else stack.push(next);
  }
  return path.reverse();
}

/** The same in an order that follows from nothing in it, and is the same each time (Fisher and Yates). */
export function shuffled<T>(all: readonly T[]): T[] {
  const result = [...all];
  let state = 1;
  for (let last = result.length - 1; last > 0; last--) {
    // The generator of Park and Miller.
    state = (state * 48_271) % 2_147_483_647;
    const at = state % (last + 1);
    [result[last], result[at]] = [result[at] as T, result[last] as T];
  }
  return result;
}
