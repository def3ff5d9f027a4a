import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RENDER_STAGES, type RenderMeasures } from '../../src/contracts/batch.ts';
import { slowestOf } from '../../src/reporting/slowest.ts';
import { type RenderedOutcome, renderedOf, stagesOf } from '../../src/reporting/stages.ts';
import { throughputOf } from '../../src/reporting/throughput.ts';
import { cached, failed, keyOf, rendered } from './night.ts';

const START = Date.parse('2026-11-24T04:00:00Z');

const measuredRender = (n: number, renderMs: number, measures: Partial<RenderMeasures> = {}): RenderedOutcome => ({
  ...(rendered(n, renderMs) as RenderedOutcome),
  measures: { stages: { capture: renderMs }, frames: 360, bytes: 1_000, endedAt: START + renderMs, ...measures },
});

test('only what was rendered tonight was a render', () => {
  const outcomes = [rendered(1, 10), cached(2), failed(3, 'FontMissing', '')];
  expect(renderedOf(outcomes).map(({ key }) => key)).toEqual([keyOf(1)]);
});

describe('the stages of renders', () => {
  test('come in the order in which a video is made, with median, p95 and their share of the time', () => {
    const renders = Array.from({ length: 20 }, (_, n) =>
      measuredRender(n, 1_000, { stages: { upload: 100, capture: 300 + n, acquire: 0 } }),
    );
    const { measured, stages } = stagesOf([...renders, rendered(99, 5_000) as RenderedOutcome]);
    expect(measured).toBe(20);
    expect(stages.map(({ stage, msP50, msP95 }) => [stage, msP50, msP95])).toEqual([
      ['acquire', 0, 0],
      ['capture', 309, 318],
      ['upload', 100, 100],
    ]);
    expect(stages.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  test('are none where nothing was measured', () => {
    expect(stagesOf([rendered(1, 900) as RenderedOutcome])).toEqual({ measured: 0, stages: [] });
  });
});

describe('throughput', () => {
  test('counts each render where it ended, and all of the time that it took', () => {
    const renders = fc.array(
      fc.record({ renderMs: fc.integer({ min: 0, max: 600_000 }), endedMs: fc.integer({ min: 0, max: 40_000_000 }) }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(renders, (list) => {
        const outcomes = list.map(({ renderMs, endedMs }, n) =>
          measuredRender(n, renderMs, { endedAt: START + endedMs }),
        );
        const { bins, binSeconds, measured, later } = throughputOf(outcomes, null);
        expect(bins.length).toBeLessThanOrEqual(62);
        expect([measured, later]).toEqual([list.length, 0]);
        expect(bins.reduce((sum, { variants }) => sum + variants, 0)).toBe(list.length);
        const busySeconds = bins.reduce((sum, { concurrent }) => sum + concurrent * binSeconds, 0);
        const tookSeconds = list.reduce((sum, { renderMs }) => sum + renderMs / 1_000, 0);
        expect(Math.abs(busySeconds - tookSeconds)).toBeLessThanOrEqual(0.0051 * binSeconds * bins.length);
        for (const [n, { from }] of bins.entries()) {
          expect(Date.parse(from)).toBe(Date.parse(bins[0]?.from ?? '') + n * binSeconds * 1_000);
        }
      }),
    );
  });

  test('of three renders side by side for a minute is three at the same time, and three a minute', () => {
    const renders = [1, 2, 3].map((n) => measuredRender(n, 60_000, { endedAt: START + 60_000 - 1 }));
    const { perMinutePeak, concurrentPeak, binSeconds } = throughputOf(renders, null);
    expect(binSeconds).toBe(5);
    expect(concurrentPeak).toBe(3);
    expect(perMinutePeak).toBe(36);
  });

  test('says how many workers rendered in each part of the night, where that is known of all', () => {
    const by = (worker: string | undefined, n: number, seconds: number) =>
      measuredRender(n, 4_000, { endedAt: START + seconds * 1_000 - 1, ...(worker !== undefined && { worker }) });
    const two = throughputOf([by('a', 1, 5), by('b', 2, 5), by('a', 3, 10)], null);
    expect([two.bins.map(({ workers }) => workers), two.workersPeak]).toEqual([[2, 1], 2]);
    const old = throughputOf([by('a', 1, 5), by(undefined, 2, 10)], null);
    expect([old.bins.map(({ workers }) => workers), old.workersPeak]).toEqual([[1, null], null]);
  });

  test('leaves out what a repair rendered days after the night had closed', () => {
    const night = [1, 2].map((n) => measuredRender(n, 4_000, { endedAt: START + n * 10_000 }));
    const repair = measuredRender(3, 4_000, { endedAt: START + 3 * 86_400_000 });
    const { bins, later, measured } = throughputOf([...night, repair], START + 60_000);
    expect([measured, later, bins.length]).toEqual([3, 1, 4]);
  });

  test('is not known where nothing was measured', () => {
    expect(throughputOf([rendered(1, 900) as RenderedOutcome], null)).toMatchObject({ bins: [], perMinutePeak: null });
  });
});

test('the slowest ten come with their stages in order, or with none', () => {
  const renders = Array.from({ length: 15 }, (_, n) => rendered(n, n * 100) as RenderedOutcome);
  const measured = measuredRender(99, 99_000, { stages: { upload: 1, acquire: 2 }, cpuMs: 5 });
  const slowest = slowestOf([...renders, measured]);
  expect(slowest.map(({ renderMs }) => renderMs)).toEqual([
    99_000, 1_400, 1_300, 1_200, 1_100, 1_000, 900, 800, 700, 600,
  ]);
  expect(Object.keys(slowest[0]?.stages ?? {})).toEqual(
    RENDER_STAGES.filter((stage) => ['acquire', 'upload'].includes(stage)),
  );
  expect(slowest[0]).toMatchObject({ key: keyOf(99), cpuMs: 5, endedAt: '2026-11-24T04:01:39.000Z' });
  expect(slowest[1]).toMatchObject({ stages: null, cpuMs: null, endedAt: null });
});
