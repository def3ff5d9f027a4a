/**
 * What stands for each person while a delta is read. A night may name a million: each takes a few numbers in typed arrays,
 * and the bytes of the ID.
 */

import { nanosecondsOf } from '../warehouse/watermark.ts';
import { doubled } from './doubled.ts';
import { TextIndex } from './text-index.ts';

/** A row's stamp in two numbers that hold every nanosecond; seconds NaN: none. */
interface Moment {
  readonly seconds: number;
  readonly nanoseconds: number;
}

const NEVER: Moment = { seconds: Number.NaN, nanoseconds: 0 };
const CANONICAL = /^\+?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?Z$/;

/** Throws a RangeError for text that is no ISO 8601 time with an offset. */
function momentOf(stamp: string | null): Moment {
  if (stamp === null) return NEVER;
  const canonical = CANONICAL.exec(stamp);
  if (canonical !== null) {
    const seconds = Math.floor(Date.parse(stamp) / 1000);
    return { seconds, nanoseconds: canonical[1] === undefined ? 0 : Number(canonical[1].padEnd(9, '0')) };
  }
  const nanoseconds = nanosecondsOf(stamp);
  const below = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((nanoseconds - below) / 1_000_000_000n), nanoseconds: Number(below) };
}

export interface Standing {
  /** Index of the video to be made; withdrawn people and rejects have negative numbers of the caller's choice. */
  readonly outcome: number;
  /** Where they watch, as `Destinations` numbers it; 0 where everyone gets the same. */
  readonly destination: number;
  readonly carriedOver: boolean;
  /** Whether the row may be one of an earlier night's. */
  readonly echo: boolean;
  /** Whether all is as it should be for them: never set by `set`. */
  readonly unchanged: boolean;
}

const CARRIED_OVER = 1;
const ECHO = 2;
const UNCHANGED = 4;

export class People {
  /** Where each is in the arrays. */
  readonly #places = new TextIndex('utf8');
  #seconds = new Float64Array(1024);
  #nanoseconds = new Uint32Array(1024);
  #outcomes = new Int32Array(1024);
  #flags = new Uint8Array(1024);
  #destinations = new Uint8Array(1024);
  /** When the standing decision was made, among all. */
  #turns = new Uint32Array(1024);
  #turn = 0;

  get size(): number {
    return this.#places.size;
  }

  has(person: string): boolean {
    return this.#places.get(person) !== undefined;
  }

  get(person: string): Standing | undefined {
    const at = this.#places.get(person);
    return at === undefined ? undefined : this.#at(at);
  }

  /** Whether a row of this stamp is older than what stands. Both must have one: a file without stamps is in its own order. */
  isOlder(person: string, stamp: string | null): boolean {
    const at = this.#places.get(person);
    if (at === undefined) return false;
    const { seconds, nanoseconds } = momentOf(stamp);
    const [standing = Number.NaN, below = 0] = [this.#seconds[at], this.#nanoseconds[at]];
    return seconds < standing || (seconds === standing && nanoseconds < below);
  }

  set(
    person: string,
    stamp: string | null,
    { outcome, destination, carriedOver, echo }: Omit<Standing, 'unchanged'>,
  ): void {
    const at = this.#places.add(person);
    if (at === this.#turns.length) this.#grow();
    const { seconds, nanoseconds } = momentOf(stamp);
    this.#seconds[at] = seconds;
    this.#nanoseconds[at] = nanoseconds;
    this.#outcomes[at] = outcome;
    this.#destinations[at] = destination;
    this.#flags[at] = (carriedOver ? CARRIED_OVER : 0) | (echo ? ECHO : 0);
    this.#turns[at] = this.#turn;
    this.#turn += 1;
  }

  markUnchanged(person: string): void {
    const at = this.#places.get(person);
    if (at !== undefined) this.#flags[at] = (this.#flags[at] ?? 0) | UNCHANGED;
  }

  /** The ID of the person at a place, as `inOrder` gives it. */
  idAt(place: number): string {
    return this.#places.at(place);
  }

  destinationAt(place: number): number {
    return this.#destinations[place] ?? 0;
  }

  /** Everyone's place, in the order in which what stands was decided. */
  *inOrder(): Generator<readonly [place: number, standing: Standing], void, undefined> {
    const places = Uint32Array.from({ length: this.#places.size }, (_, place) => place);
    for (const place of places.sort((a, b) => (this.#turns[a] ?? 0) - (this.#turns[b] ?? 0))) {
      yield [place, this.#at(place)];
    }
  }

  #at(at: number): Standing {
    const flags = this.#flags[at] ?? 0;
    return {
      outcome: this.#outcomes[at] ?? 0,
      destination: this.#destinations[at] ?? 0,
      carriedOver: (flags & CARRIED_OVER) !== 0,
      echo: (flags & ECHO) !== 0,
      unchanged: (flags & UNCHANGED) !== 0,
    };
  }

  #grow(): void {
    this.#seconds = doubled(this.#seconds);
    this.#nanoseconds = doubled(this.#nanoseconds);
    this.#outcomes = doubled(this.#outcomes);
    this.#flags = doubled(this.#flags);
    this.#destinations = doubled(this.#destinations);
    this.#turns = doubled(this.#turns);
  }
}
