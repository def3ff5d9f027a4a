import { describe, expect, test } from '@jest/globals';
import { estimateNight, type MeasuredCosts, type NightSize } from '../../src/planning/estimate.ts';

const costs: MeasuredCosts = { scenes: { hello: 2_000, end: 1_000 }, join: 10, whole: 9_000, wallShare: 0.5 };
const size: NightSize = {
  variants: 1_000,
  missingScenes: { hello: 400, end: 1 },
  frameCount: 360,
  durationMs: 12_000,
};
const options = { workers: 2, pricePerCpuHour: 0.04, start: '2026-11-24T04:00:00Z', deadline: null };

describe('an estimate', () => {
  test('counts what is rendered once, and joining for everybody; and the same without scenes', () => {
    const { scenes, whole, saving, warnings } = estimateNight(size, costs, options);
    expect(scenes?.cpuHours).toBeCloseTo((400 * 2 + 1 + 1_000 * 0.01) / 3600, 6);
    expect(whole.cpuHours).toBeCloseTo(2.5, 6);
    expect(whole.wallHours).toBeCloseTo(2.5 * 0.5 * 0.5, 6);
    expect(whole.money).toBeCloseTo(0.1, 6);
    expect(whole.ends).toBe('2026-11-24T04:37:30.000Z');
    expect(saving).toBeCloseTo(9_000 / 811, 3);
    expect(warnings).toEqual([]);
  });

  test('says whether the deadline holds, and what it would take', () => {
    const early = { ...options, deadline: '2026-11-24T04:05:00Z' };
    const { scenes, whole, warnings } = estimateNight(size, { ...costs, scenes: {} }, early);
    expect([scenes, whole.inTime]).toEqual([null, false]);
    expect(warnings).toEqual([expect.stringContaining('It takes 15 workers like this one')]);
    expect(estimateNight(size, costs, early).scenes?.inTime).toBe(true);
    const past = estimateNight(size, costs, { ...options, deadline: '2026-11-24T03:00:00Z' });
    expect(past.warnings).toEqual([expect.stringContaining('before the start')]);
  });

  test('of nobody is nothing', () => {
    const { scenes, whole, saving, warnings } = estimateNight(
      { ...size, variants: 0, missingScenes: {} },
      costs,
      options,
    );
    expect([scenes?.cpuHours, whole.cpuHours, saving, warnings]).toEqual([0, 0, null, []]);
  });

  test.each([
    [{ ...size, variants: 3, missingScenes: { hello: 2 } }, costs, /Only 3 videos/],
    [{ ...size, durationMs: 600_000, frameCount: 18_000 }, costs, /Videos of 600 s/],
    [size, { ...costs, whole: 100_000 }, /A frame takes 278 ms/],
    [{ ...size, missingScenes: { hello: 1_000, end: 6_000 } }, costs, /save little tonight \(1\.1 times\)/],
  ])('warns with the numbers where this is the wrong tool: %#', (some, price, message) => {
    expect(estimateNight(some, price, options).warnings).toEqual([expect.stringMatching(message)]);
  });
});
