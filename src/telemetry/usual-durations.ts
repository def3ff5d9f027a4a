/** So many of a kind are looked back on. */
const LOOKBACK = 200;
/** Of fewer, nobody can say what is usual. */
const KNOWN_FROM = 20;
const TIMES_P95 = 2;
/** What takes milliseconds takes thrice as long now and then, and that says nothing. */
const AT_LEAST_MORE_MS = 1_000;

/** What took how long lately, by name. Pure: told of all there is. */
export class UsualDurations {
  private readonly lately = new Map<string, number[]>();

  /** Whether this one took more than twice the p95 of the last 200 of its name, and a second more than that p95; it counts for the next. */
  isExceededBy(name: string, durationMs: number): boolean {
    const past = this.lately.get(name) ?? [];
    this.lately.set(name, [...past.slice(-(LOOKBACK - 1)), durationMs]);
    if (past.length < KNOWN_FROM) return false;
    const p95 = past.toSorted((a, b) => a - b)[Math.ceil(past.length * 0.95) - 1] ?? 0;
    return durationMs > Math.max(p95 * TIMES_P95, p95 + AT_LEAST_MORE_MS);
  }
}
