/** How fast a batch goes, from what its lanes report, and when it will be done at that. Pure: told what time it is. */

/** Of fewer than this share of a night's videos, or of less time, nobody can say whether it will be late: browsers are still warming up. */
const TELLING_SHARE = 0.05;
const TELLING_MS = 10 * 60_000;
/** Lanes that report nothing for so many of their usual pauses stand still. */
const SILENT_PAUSES = 2;

interface LanePace {
  readonly tried: number;
  /** Of the time in which anything was let through, ms, when it reported last. */
  readonly at: number;
  readonly reports: number;
}

export interface Forecast {
  readonly perSecond: number;
  /** ms since 1970. */
  readonly endMs: number;
  /** Whether it rests on enough to be told to anybody. */
  readonly isTelling: boolean;
}

/**
 * Lanes are alike and report now and then, each in its own time: what one had done is divided by the time that it had then, and lanes that
 * have not reported yet are taken to go as the others do.
 */
export class Pace {
  readonly #lanes = new Map<number, LanePace>();
  #laneCount = 0;
  #toTry = 0;
  #startedAt = 0;
  #heldAt: number | null = null;
  #heldMs = 0;

  /** @param toTry variants whose video was not stored already. */
  begin(now: number, laneCount: number, toTry: number): void {
    this.#startedAt = now;
    this.#laneCount = laneCount;
    this.#toTry = toTry;
    this.#heldMs = 0;
    if (this.#heldAt !== null) this.#heldAt = now;
  }

  hold(now: number): void {
    this.#heldAt ??= now;
  }

  goOn(now: number): void {
    if (this.#heldAt === null) return;
    this.#heldMs += now - this.#heldAt;
    this.#heldAt = null;
  }

  /** @param tried by this lane since the batch began. */
  note(lane: number, tried: number, now: number): void {
    const reports = (this.#lanes.get(lane)?.reports ?? 0) + 1;
    this.#lanes.set(lane, { tried, at: Math.max(1, this.#activeMs(now)), reports });
  }

  /** Null while nothing can be said. */
  forecast(now: number): Forecast | null {
    const lanes = [...this.#lanes.values()];
    const tried = lanes.reduce((sum, lane) => sum + lane.tried, 0);
    if (tried === 0 || this.#laneCount === 0) return null;
    const activeMs = this.#activeMs(now);
    const unheard = Math.max(1, this.#laneCount / lanes.length);
    const isStill = activeMs > Math.max(...lanes.map(({ at, reports }) => at + (SILENT_PAUSES * at) / reports));
    const perMs = lanes.reduce((sum, lane) => sum + lane.tried / (isStill ? activeMs : lane.at), 0) * unheard;
    const done = isStill ? tried : Math.max(tried, perMs * activeMs);
    return {
      perSecond: perMs * 1000,
      endMs: now + Math.max(0, this.#toTry - done) / perMs,
      isTelling: tried >= this.#toTry * TELLING_SHARE || activeMs >= TELLING_MS,
    };
  }

  #activeMs(now: number): number {
    return now - this.#startedAt - this.#heldMs - (this.#heldAt === null ? 0 : now - this.#heldAt);
  }
}
