/** The night on paper: the lanes are walked as they are written, and nights that were really run agree. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ROOT } from '../../bench/engine.ts';
import { benchNight, compare, orchestrationFigures } from '../../bench/scaling/compare.ts';
import {
  footprintOf,
  laneEventsOf,
  laneRuns,
  type Night,
  pagesOf,
  requestsOf,
  SUGGESTED_EVENTS,
  WAKES_PER_TASK,
  workOf,
} from '../../bench/scaling/model.ts';
import { nightOf, paperNight, SCALES } from '../../bench/scaling/paper.ts';
import { CHILDREN_PER_RUN } from '../../src/workflows/variant-lane.ts';
import { nightreel } from '../rendering/support.ts';

/** What Temporal's server ends a run at by default: `limit.historyCount.error`, `history.maximumSignalsPerExecution`. */
const MOST_EVENTS = 51_200;
const MOST_SIGNALS = 10_000;

const night = (variants: number, count: number, stored = 0): Night => ({
  ...{ variants, stored, recipients: variants },
  lanes: { count, window: 25 },
});

const runsOf = (of: Night) =>
  Array.from({ length: Math.min(of.lanes.count, pagesOf(of).pages) }, (_, lane) => [...laneRuns(of, lane)]);

describe('the lanes of a night on paper', () => {
  test.each([
    [0, 4],
    [1, 4],
    [199, 1],
    [200, 2],
    [1_700, 4],
    [99_999, 7],
    [100_001, 64],
  ])('of %i variants, %i lanes have each once, and none has more than a run takes', (variants, count) => {
    const runs = runsOf(night(variants, count)).flat();
    expect(runs.reduce((sum, { children }) => sum + children, 0)).toBe(variants);
    expect(Math.max(0, ...runs.map(({ children }) => children))).toBeLessThanOrEqual(CHILDREN_PER_RUN);
  });

  test('a run that ends in the middle of a page is followed by one that reads the page again', () => {
    const [first, second] = [...laneRuns(night(1_000, 1, 500), 0)];
    // Every second variant is stored, the last of a page too: it is what the second run finds there.
    expect(first).toMatchObject({ children: 400, pageReads: 4, storedPages: 4, outcomePages: 8 });
    expect(second).toMatchObject({ children: 100, pageReads: 2, storedPages: 1, outcomePages: 2 });
  });

  test('no run passes the events at which the server asks for a new one, were every wake a task of its own', () => {
    for (const count of [1, 2, 4, 16, 64]) {
      for (const variants of [400, 1_000, 1_700, 10_000, 100_000, 1_000_000]) {
        const runs = Array.from({ length: count }, (_, lane) => [...laneRuns(night(variants, count), lane, 1)]).flat();
        expect(Math.max(...runs.map((run) => workOf(run, 1).events))).toBeLessThan(SUGGESTED_EVENTS);
      }
    }
  });

  test('pages of which all is stored start no child, and a run of them ends when the server asks for it', () => {
    const runs = [...laneRuns(night(200_000, 1, 200_000), 0, 1)];
    expect(runs.length).toBeGreaterThan(1);
    expect(Math.max(...runs.map((run) => workOf(run, 1).events))).toBeLessThan(SUGGESTED_EVENTS + 100);
  });

  test('a batch of a million people is told less by its lanes than a workflow may be told', () => {
    const { batchEvents, batchSignals } = paperNight(SCALES[2]);
    expect(batchEvents).toBeLessThan(MOST_EVENTS);
    expect(batchSignals).toBeLessThan(MOST_SIGNALS);
  });

  test('ten times the people cost ten times as much, and no run of a lane more', () => {
    const [small, large] = [1_000_000, 10_000_000].map((recipients) =>
      footprintOf(nightOf({ recipients, lanes: { count: 16, window: 25 } })),
    );
    expect((large?.events ?? 0) / (small?.events ?? 1)).toBeCloseTo(10, 1);
    expect(large?.maxLaneEvents).toBeLessThanOrEqual(small?.maxLaneEvents ?? 0);
  });

  test('a night of which all is stored makes nothing, and its pointers are written all the same', () => {
    const stored = night(5_000, 4, 5_000);
    const footprint = footprintOf(stored);
    expect(footprint).toMatchObject({ made: 0, outcomePages: 50 });
    expect(requestsOf(stored, footprint, { readers: 1 })).toMatchObject({ put: 25 + 50 + 5_000 + 8, head: 5_000 });
  });
});

describe('nights that were run', () => {
  const measured = z
    .array(orchestrationFigures)
    .parse(JSON.parse(readFileSync(join(ROOT, 'bench/scaling/measured.json'), 'utf8')));

  test.each(measured.map((figures) => [figures.variants, figures] as const))(
    'of %i variants: what can be counted is as calculated, the rest within 15 %',
    (_, figures) => {
      for (const { figure, errorPercent } of compare(figures)) {
        // How many tasks there are depends on how fast children come; below.
        if (/of all lanes$/.test(figure)) continue;
        const isExact = /runs$|^runs|pointers|pages|^objects/.test(figure);
        const limit = isExact ? 0 : /by these tasks/.test(figure) ? 0.5 : 15;
        expect({ figure, off: Math.abs(errorPercent) > limit }).toEqual({ figure, off: false });
      }
    },
  );

  /** In a night beside much other work one task of a lane took up 1.4 wakes, in one of 23.6 variants a second 2.7. */
  const [FEWEST_WAKES, MOST_WAKES] = [1.4, 2.75];

  test.each(measured.map((figures) => [figures.variants, figures] as const))(
    'of %i variants: a task of a lane takes up as many wakes as have been seen, and its events follow from that',
    (variants, { laneTasks = 0, laneEvents = 0 }) => {
      const predicted = footprintOf(benchNight(variants));
      const most = (predicted.laneTasks * WAKES_PER_TASK) / FEWEST_WAKES;
      const least = (predicted.laneTasks * WAKES_PER_TASK) / MOST_WAKES;
      for (const [measuredOnes, low, high] of [
        [laneTasks, least, most],
        [laneEvents, laneEventsOf(predicted, least), laneEventsOf(predicted, most)],
      ] as const) {
        expect(measuredOnes).toBeGreaterThanOrEqual(low);
        expect(measuredOnes).toBeLessThanOrEqual(high);
      }
    },
  );
});

test('nightreel bench scaling prints the nights and the comparison, and starts nothing for it', async () => {
  const { code, stdout } = await nightreel(['bench', 'scaling', '--json']);
  expect(code).toBe(0);
  const { nights, compared } = JSON.parse(stdout) as { nights: { recipients: number }[]; compared: unknown[] };
  expect(nights.map(({ recipients }) => recipients)).toEqual([10_000, 100_000, 1_000_000, 10_000_000]);
  expect(compared.length).toBeGreaterThan(0);
  expect((await nightreel(['bench', 'scaling', '--check', '0'])).code).toBe(2);
});
