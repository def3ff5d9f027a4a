import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { measure } from '../../bench/usage.ts';
import { parseStat } from '../../src/rendering/browser/process-tree.ts';
import { usedBetween } from '../../src/rendering/measuring/group-times.ts';
import { Meter } from '../../src/rendering/measuring/meter.ts';
import { WorkerTime } from '../../src/rendering/measuring/worker-share.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import type { Template } from '../../src/templates/template.ts';
import { failureOf, fixture, render, startRenderer } from './support.ts';

describe('the line of proc(5) about a process', () => {
  const line = (name: string): string =>
    `4321 (${name}) S 1 4300 4300 0 -1 4194560 2134 0 0 0 150 50 30 20 20 0 7 0 998877 1234567 890 18446744073709551615`;

  test('gives its group, its time and that of the children that it has waited for', () => {
    expect(parseStat(line('node'))).toEqual({
      ...{ pid: 4321, parent: 1, group: 4300, identity: '4321@998877', isEnded: false },
      ...{ ownMs: 2000, reapedMs: 500 },
    });
  });

  test('may hold a name with blanks and parentheses', () => {
    expect(parseStat(line('a) S 9 (b'))).toMatchObject({ parent: 1, ownMs: 2000 });
  });

  test('of a process that has gone is none', () => {
    expect(parseStat('')).toBeNull();
  });
});

describe('what groups of processes used between two looks', () => {
  const at = (identity: string, ownMs: number, reapedMs = 0) => ({ identity, ownMs, reapedMs });

  test('is what those that were there all the time used, and all of those that came', () => {
    expect(usedBetween([at('a', 1000)], [at('a', 1500), at('b', 70, 30)])).toBe(600);
  });

  test('holds what a process used that came and ended, as its parent waited for it', () => {
    expect(usedBetween([at('a', 1000)], [at('a', 1000, 400)])).toBe(400);
  });

  test('holds of one that ended only what it used after the first look', () => {
    expect(usedBetween([at('a', 1000), at('b', 900)], [at('a', 1000, 950)])).toBe(50);
  });

  test('is not negative when nobody waited for one that ended', () => {
    expect(usedBetween([at('a', 1000), at('b', 900)], [at('a', 1010)])).toBe(10);
    expect(usedBetween([at('a', 1000)], [])).toBe(0);
  });
});

describe('the time of a process that several work in', () => {
  test('is divided evenly among those who are at work, and what is used while nobody is belongs to nobody', () => {
    let usedMs = 100;
    const time = new WorkerTime(() => usedMs);
    usedMs = 130;
    const first = time.begin();
    usedMs = 140;
    const second = time.begin();
    usedMs = 160;
    expect([first.usedMs(), second.usedMs()]).toEqual([20, 10]);
    second[Symbol.dispose]();
    usedMs = 165;
    first[Symbol.dispose]();
    usedMs = 500;
    expect([first.usedMs(), second.usedMs()]).toEqual([25, 10]);
  });
});

describe('a render that is measured', () => {
  let tiny: Template;
  let renderer: Renderer;

  beforeAll(async () => {
    tiny = await fixture('tiny');
    renderer = await startRenderer(tiny, { slots: 2 });
    // Both browsers warm, and this process, too: what the first renders cost beside that would not be theirs.
    await Promise.all([render(renderer, tiny), render(renderer, tiny)]);
  });
  afterAll(() => renderer?.[Symbol.asyncDispose]());

  const measured = async (): Promise<Meter> => {
    using meter = new Meter();
    await meter.measured(() => render(renderer, tiny, { rendition: 'phone-720p' }));
    return meter;
  };
  const totalOf = ({ cpuMs }: Meter): number => (cpuMs?.browser ?? 0) + (cpuMs?.encoder ?? 0) + (cpuMs?.worker ?? 0);

  test('says what its browser, its encoder and the worker used: most of what all processes together used meanwhile, and no more', async () => {
    const { value: meter, cpuMs: allMs } = await measure(measured);
    const { browser = 0, encoder = 0, worker = 0 } = meter.cpuMs ?? {};
    for (const part of [browser, encoder, worker]) expect(part).toBeGreaterThan(0);
    expect(totalOf(meter)).toBeGreaterThan(allMs * 0.6);
    // Each look at a process is 20 ms off at most.
    expect(totalOf(meter)).toBeLessThan(allMs + 300);
  });

  test('says how long each stage took, and how many frames it captured', async () => {
    const measures = (await measured()).measures({ bytes: 1234, endedAt: 5678 });
    expect(Object.keys(measures.stages)).toEqual(['acquire', 'params', 'capture', 'encode', 'verify']);
    expect(measures.stages.capture).toBeGreaterThan(0);
    expect(measures).toMatchObject({ frames: tiny.frameCount, bytes: 1234, endedAt: 5678 });
    for (const number of [...Object.values(measures.stages), measures.cpuMs])
      expect(number).toEqual(expect.any(Number));
    expect(Number.isInteger(measures.cpuMs)).toBe(true);
    expect('videos' in measures).toBe(false);
  });

  test('does not answer for one that runs beside it', async () => {
    const { value: meters, cpuMs: allMs } = await measure(() => Promise.all([measured(), measured()]));
    const [first, second] = meters.map(totalOf) as [number, number];
    expect(first + second).toBeGreaterThan(allMs * 0.6);
    expect(first + second).toBeLessThan(allMs + 600);
    expect(Math.max(first, second)).toBeLessThan(3 * Math.min(first, second));
  });

  test('that fails has cost what it used until then', async () => {
    using meter = new Meter();
    const stop = new AbortController();
    await failureOf(
      meter.measured(() =>
        render(renderer, tiny, { signal: stop.signal, onProgress: ({ frame }) => frame === 40 && stop.abort() }),
      ),
    );
    expect(meter.cpuMs?.browser).toBeGreaterThan(0);
    expect(meter.cpuMs?.encoder).toBeGreaterThanOrEqual(0);
    expect(meter.measures({ bytes: 0, endedAt: 0 })).toMatchObject({ stages: {}, frames: 0 });
    expect(meter.measures({ bytes: 0, videos: 3, endedAt: 0 })).toMatchObject({ videos: 3 });
  });
});
