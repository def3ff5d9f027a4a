export interface Bin {
  readonly fromMs: number;
  /** Not included, so that bins do not overlap. */
  readonly toMs: number;
  readonly count: number;
}

const MAX_BINS = 30;

/** Bins of one round width (1, 2 or 5 times a power of ten) from the shortest to the longest time, empty ones included. */
export function histogram(ascending: readonly number[]): Bin[] {
  const [shortest, longest] = [ascending[0], ascending.at(-1)];
  if (shortest === undefined || longest === undefined) return [];
  const width = roundWidth((longest - shortest) / MAX_BINS);
  const first = Math.floor(shortest / width);
  const counts = new Array<number>(Math.floor(longest / width) - first + 1).fill(0);
  for (const ms of ascending) {
    const bin = Math.floor(ms / width) - first;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count, n) => ({ fromMs: (first + n) * width, toMs: (first + n + 1) * width, count }));
}

/** The next of 50, 100, 200, 500, 1000, … that is at least `ms`. */
function roundWidth(ms: number): number {
  const steps = [1, 2, 5, 10];
  const power = 10 ** Math.floor(Math.log10(Math.max(ms, 50)));
  return power * (steps.find((step) => step * power >= Math.max(ms, 50)) ?? 10);
}
