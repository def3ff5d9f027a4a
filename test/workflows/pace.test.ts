/** When a batch will be done, as its lanes' reports have it. */

import { describe, expect, test } from '@jest/globals';
import { Pace } from '../../src/workflows/pace.ts';

const START = Date.parse('2026-11-24T04:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

interface Night {
  readonly lanes: number;
  readonly variants: number;
  /** Variants a second of all lanes together. */
  readonly perSecond: number;
  /** Variants of a lane between two reports. */
  readonly step: number;
}

/** Plays a night, and says what was forecast whenever a lane reported; lanes report one after the other. */
function played({ lanes, variants, perSecond, step }: Night): { at: number; pace: Pace; errors: number[] } {
  const pace = new Pace();
  pace.begin(START, lanes, variants);
  const perLane = variants / lanes;
  const msEach = (1000 * lanes) / perSecond;
  const reports = Array.from({ length: lanes }, (_, lane) =>
    Array.from({ length: Math.floor(perLane / step) }, (_unused, n) => ({
      lane,
      tried: (n + 1) * step,
      at: START + (n + 1) * step * msEach + lane * 10,
    })),
  )
    .flat()
    .toSorted((a, b) => a.at - b.at);
  const end = START + perLane * msEach;
  const errors = reports.map(({ lane, tried, at }) => {
    pace.note(lane, tried, at);
    return Math.abs((pace.forecast(at)?.endMs ?? Number.NaN) - end) / (end - START);
  });
  return { at: reports.at(-1)?.at ?? START, pace, errors };
}

describe('a night that keeps its pace', () => {
  test.each([
    { lanes: 1, variants: 480, perSecond: 10, step: 10 },
    { lanes: 8, variants: 480, perSecond: 10, step: 10 },
    { lanes: 8, variants: 480, perSecond: 10, step: 30 },
    { lanes: 64, variants: 5_120, perSecond: 5, step: 10 },
  ])('is forecast from the first report on: %j', (night) => {
    const { errors } = played(night);
    expect(Math.max(...errors)).toBeLessThan(0.05);
  });

  test('says its pace', () => {
    const { pace, at } = played({ lanes: 8, variants: 480, perSecond: 10, step: 30 });
    expect(pace.forecast(at)?.perSecond).toBeCloseTo(10, 1);
  });

  test('is forecast between two reports, too', () => {
    const pace = new Pace();
    pace.begin(START, 4, 400);
    for (const lane of [0, 1, 2, 3]) pace.note(lane, 50, START + 10 * MINUTE);
    expect(pace.forecast(START + 19 * MINUTE)).toMatchObject({ endMs: START + 20 * MINUTE });
  });
});

test('of a few videos, while browsers are warming up, it says nothing that is to be told', () => {
  const pace = new Pace();
  pace.begin(START, 8, 4_800);
  expect(pace.forecast(START + MINUTE)).toBeNull();
  pace.note(0, 10, START + MINUTE);
  expect(pace.forecast(START + MINUTE)).toMatchObject({ isTelling: false });
  expect(pace.forecast(START + 11 * MINUTE)).toMatchObject({ isTelling: true });
  for (let lane = 1; lane < 8; lane += 1) pace.note(lane, 40, START + 4 * MINUTE);
  expect(pace.forecast(START + 4 * MINUTE)).toMatchObject({ isTelling: true });
});

test('where nothing moves any more the end goes away', () => {
  const pace = new Pace();
  pace.begin(START, 2, 200);
  for (const lane of [0, 1]) pace.note(lane, 50, START + 10 * MINUTE);
  expect(pace.forecast(START + 15 * MINUTE)).toMatchObject({ endMs: START + 20 * MINUTE });
  expect(pace.forecast(START + 60 * MINUTE)).toMatchObject({ endMs: START + 120 * MINUTE });
});

test('what a pause took is no part of it, also one that began before', () => {
  const pace = new Pace();
  pace.hold(START - MINUTE);
  pace.begin(START, 1, 100);
  pace.goOn(START + 30 * MINUTE);
  pace.note(0, 50, START + 40 * MINUTE);
  expect(pace.forecast(START + 40 * MINUTE)).toMatchObject({ endMs: START + 50 * MINUTE });
  pace.hold(START + 40 * MINUTE);
  expect(pace.forecast(START + 55 * MINUTE)).toMatchObject({ endMs: START + 65 * MINUTE });
});

test('videos that are there when their turn comes are done at once', () => {
  const pace = new Pace();
  pace.begin(START, 2, 0);
  pace.note(0, 0, START + SECOND);
  expect(pace.forecast(START + SECOND)).toBeNull();
});
