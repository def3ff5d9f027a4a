/**
 * A referral business out of thin air, as pure functions of a seed: who there is, and what one day changes. Random
 * numbers come from xoroshiro128+ (npm `pure-rand`) seeded by text, so every machine invents the same people.
 */

import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { COMMON_NAMES, TOO_LONG_NAME, WORLD_NAMES } from './names.ts';

export interface Numbers {
  readonly name: string | null;
  readonly referralCount: number;
  readonly earnings: number;
  readonly nextMilestone: number;
  readonly milestoneReward: number;
}

export interface Referrer extends Numbers {
  readonly id: string | null;
  /** Microseconds since 1970: 16 digits, which a double holds exactly. */
  readonly updatedAtMicros: number;
}

/** Half-open below: after `afterMicros`, up to and including `untilMicros`. */
export interface TimeSpan {
  readonly afterMicros: number;
  readonly untilMicros: number;
}

export const POPULATION = 10_000;

/** Friends to refer → dollars paid on getting there. */
const MILESTONES: readonly (readonly [count: number, reward: number])[] = [
  [1, 10],
  [3, 25],
  [5, 50],
  [10, 100],
  [25, 250],
  [50, 500],
  [100, 1_000],
  [250, 2_500],
  [500, 5_000],
  [1_000, 10_000],
  [2_500, 25_000],
  [5_000, 50_000],
  [10_000, 100_000],
];

/** Dollars per friend: the first 5, the next 20, and all after. */
const TIERS: readonly (readonly [upTo: number, dollars: number])[] = [
  [5, 25],
  [25, 40],
  [Number.POSITIVE_INFINITY, 60],
];

/** Dollars earned with so many friends: tiers and milestones reached. */
export function earningsFor(count: number): number {
  let [dollars, from] = [0, 0];
  for (const [upTo, each] of TIERS) {
    dollars += Math.max(0, Math.min(count, upTo) - from) * each;
    from = upTo;
  }
  return MILESTONES.filter(([at]) => at <= count).reduce((sum, [, reward]) => sum + reward, dollars);
}

/** The first milestone above a count. */
export function milestoneAfter(count: number): { readonly nextMilestone: number; readonly milestoneReward: number } {
  const [nextMilestone, milestoneReward] = MILESTONES.find(([at]) => at > count) ?? [100_000, 1_000_000];
  return { nextMilestone, milestoneReward };
}

const numbersOf = (name: string | null, referralCount: number, bonus: number): Numbers => ({
  name,
  referralCount,
  earnings: earningsFor(referralCount) + bonus,
  ...milestoneAfter(referralCount),
});

class Dice {
  readonly #random: RandomGenerator;

  constructor(seed: string) {
    this.#random = xoroshiro128plus(createHash('sha256').update(seed).digest().readInt32BE(0));
  }

  /** 0 ≤ x < 1. */
  fraction(): number {
    return uniformFloat64(this.#random);
  }

  /** Both ends included. */
  between(low: number, high: number): number {
    return uniformInt(this.#random, low, high);
  }

  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T {
    const one = from[this.between(0, from.length - 1)];
    if (one === undefined) throw new RangeError('there is nothing to pick from');
    return one;
  }

  /** Fisher–Yates, on a copy. */
  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let last = copy.length - 1; last > 0; last -= 1) {
      const other = this.between(0, last);
      [copy[last], copy[other]] = [copy[other] as T, copy[last] as T];
    }
    return copy;
  }
}

/** Share of each common name up to and including it: weight 1 / (rank + 2). */
const NAME_SHARES: readonly number[] = (() => {
  const weights = COMMON_NAMES.map((_, rank) => 1 / (rank + 3));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let running = 0;
  return weights.map((weight) => {
    running += weight;
    return running / total;
  });
})();

function drawName(dice: Dice): string {
  const kind = dice.fraction();
  if (kind < 0.08) return dice.pick(WORLD_NAMES);
  const at = dice.fraction();
  const name = COMMON_NAMES[NAME_SHARES.findIndex((share) => at < share)] ?? 'Alex';
  // Some sign up with an initial: this is what keeps half of the zeros apart.
  return kind < 0.5 ? `${name} ${String.fromCharCode(65 + dice.between(0, 25))}.` : name;
}

/** Friends referred: nobody for almost half, then a tail that reaches a few hundred. */
function drawCount(dice: Dice): number {
  if (dice.fraction() < 0.46) return 0;
  return Math.min(900, Math.floor((1 - dice.fraction()) ** -0.9));
}

/** What a friend's deposit adds on top of the tiers, once there are a few friends. */
const drawBonus = (dice: Dice, count: number): number => (count < 2 ? 0 : 5 * dice.between(0, Math.min(count * 2, 60)));

/** Everybody there is on the first day, with stamps somewhere in the 90 days that end at `untilMicros`. */
export function inventPopulation(untilMicros: number, population: number = POPULATION): Referrer[] {
  const dice = new Dice('referrers');
  const span = 90 * 86_400e6;
  return Array.from({ length: population }, (_, index) => {
    const name = drawName(dice);
    const count = drawCount(dice);
    const updatedAtMicros = untilMicros - 1 - Math.floor(dice.fraction() ** 2 * span);
    return {
      id: `ref_${String(index + 1).padStart(5, '0')}`,
      ...numbersOf(name, count, drawBonus(dice, count)),
      updatedAtMicros,
    };
  });
}

/** Changes on a Sunday, Monday, … Saturday: people talk about money on Mondays. */
const CHANGES_BY_WEEKDAY = [4_350, 6_400, 5_700, 5_400, 5_100, 4_800, 4_250] as const;

export interface Night<R extends Referrer> {
  /** People whose row is to be replaced, in change order. */
  readonly changed: readonly { readonly before: R; readonly after: Referrer }[];
  /** Rows that come on top: repeated recipient IDs, and one without an ID. */
  readonly added: readonly Referrer[];
}

/** What the day of `businessDate` does to these people, of whom it touches about half. Every one of them has another ID. */
export function inventNight<R extends Referrer>(businessDate: string, people: readonly R[], span: TimeSpan): Night<R> {
  const dice = new Dice(`night ${businessDate}`);
  const weekday = new Date(`${businessDate}T00:00:00Z`).getUTCDay();
  const usual = (CHANGES_BY_WEEKDAY[weekday] ?? 5_000) + dice.between(-200, 200);
  const count = Math.round((usual * people.length) / POPULATION);
  const touched = dice.shuffled(people).slice(0, Math.min(count, people.length));
  const stamps = drawStamps(dice, touched.length, span);
  const moved = touched.map((before, index) => ({
    before,
    after: { id: before.id, ...anotherDay(dice, before), updatedAtMicros: stamps[index] ?? span.untilMicros },
  }));
  const afters = spoil(dice, shareSome(inChangeOrder(moved.map(({ after }) => after))));
  const befores = new Map(moved.map(({ before }) => [before.id, before]));
  const changed = afters.flatMap((after) => {
    const before = befores.get(after.id);
    return before === undefined ? [] : [{ before, after }];
  });
  return { changed, added: extraRows(dice, businessDate, afters, span) };
}

/** The order of a delta. Generated IDs are ASCII, so code units and bytes agree. */
export const inChangeOrder = <R extends Referrer>(rows: readonly R[]): R[] =>
  rows.toSorted((a, b) => a.updatedAtMicros - b.updatedAtMicros || ((a.id ?? '') < (b.id ?? '') ? -1 : 1));

/** A morning, an evening, and three moments at which a job upstream stamps hundreds of rows alike. */
function drawStamps(dice: Dice, count: number, { afterMicros, untilMicros }: TimeSpan): number[] {
  const length = untilMicros - afterMicros;
  const at = (fraction: number) => afterMicros + Math.max(1, Math.ceil(fraction * length));
  const jobs = [at(0.31), at(0.62), at(0.97)] as const;
  return Array.from({ length: count }, () => {
    if (dice.fraction() < 0.08) return dice.pick(jobs);
    return at((dice.fraction() + dice.fraction() + dice.fraction()) / 3);
  });
}

function anotherDay(dice: Dice, before: Referrer): Numbers {
  const wasBad =
    before.name === null || before.name === '' || before.name === TOO_LONG_NAME || before.referralCount < 0;
  const name = wasBad ? drawName(dice) : before.name;
  const base = Math.max(0, before.referralCount);
  // Most who never referred anyone are in the delta for other reasons: a new address, a confirmed phone number.
  const grows = dice.fraction() < (base === 0 ? 0.05 : 0.7);
  const count = grows ? base + 1 + Math.floor(dice.fraction() ** 4 * Math.min(base + 1, 20)) : base;
  return numbersOf(name, count, drawBonus(dice, count));
}

/** Places, in every ten rows, of those who have the same numbers as the one in the second place. */
const TWINS = [3, 6, 8];
const SLICE = 200;

/**
 * A slice from the beginning of a night shares videos as the whole night does: four in ten rows with another one. Drawn
 * at random, forty rows out of thousands would hardly share any.
 */
export function shareSome<R extends Referrer>(rows: readonly R[]): R[] {
  return rows.map((row, at) => {
    const twin = at < SLICE && TWINS.includes(at % 10) ? rows[at - (at % 10) + 1] : undefined;
    if (twin === undefined) return row;
    const { name, referralCount, earnings, nextMilestone, milestoneReward } = twin;
    return { ...row, name, referralCount, earnings, nextMilestone, milestoneReward };
  });
}

/** A few rows as every warehouse has them, the first within the first forty. */
function spoil(dice: Dice, rows: readonly Referrer[]): Referrer[] {
  const faults: readonly Partial<Numbers>[] = [
    { referralCount: -3 },
    { name: null },
    { name: '' },
    { name: TOO_LONG_NAME },
    { name: null },
    { earnings: -20 },
  ];
  const places = new Map(
    faults.map((fault, index) => [
      index === 0 ? 27 : dice.between(Math.min(200, rows.length - 1), rows.length - 1),
      fault,
    ]),
  );
  return rows.map((row, at) => ({ ...row, ...places.get(at) }));
}

function extraRows(dice: Dice, businessDate: string, rows: readonly Referrer[], span: TimeSpan): Referrer[] {
  const repeated = Array.from({ length: 5 }, () => {
    const row = rows[dice.between(Math.min(200, rows.length - 1), rows.length - 1)];
    if (row === undefined) return null;
    const count = Math.max(0, row.referralCount) + 1;
    const later = Math.min(span.untilMicros, row.updatedAtMicros + dice.between(0, 60_000_000));
    return { id: row.id, ...numbersOf(row.name, count, 0), updatedAtMicros: later };
  });
  const nobody = { id: null, ...numbersOf(`Import ${businessDate}`, 0, 0), updatedAtMicros: span.untilMicros };
  return [...repeated.filter((row) => row !== null), nobody];
}
