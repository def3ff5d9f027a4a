/** What is found by drawing: each flaw by its own rule, and nothing else. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Finding } from '../../src/checking/finding.ts';
import type { Measures } from '../../src/checking/measures.ts';
import { firstOfFlashes } from '../../src/checking/rendered/flashes.ts';
import { RENDERED_CHECKS } from '../../src/checking/rendered/index.ts';
import { momentsInScenes, restsOf } from '../../src/checking/rendered/moments.ts';
import { grows, isHeavy, weightOf } from '../../src/checking/rendered/night.ts';
import { afterEachOther, shuffled } from '../../src/checking/rendered/orders.ts';
import { RENDITIONS } from '../../src/contracts/video.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import { samplesOf } from '../../src/templates/extremes.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { never } from '../rendering/browser-support.ts';
import { fixture, ROOT, startRenderer } from '../rendering/support.ts';

/** Small: what is found does not hang on it. */
const rendition = { ...RENDITIONS['email-480p'], shortSide: 120 };
/** Gives a page the params of a hundred people: for those that it is about. */
const SLOW = 'weight';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await startRenderer(await fixture('tiny'));
}, 60_000);
afterAll(() => renderer?.[Symbol.asyncDispose]());

const templates = readdirSync(join(ROOT, 'templates'));
const flawed = (name: string): Promise<Template> =>
  loadTemplate(join(ROOT, 'test/fixtures/broken-templates/drawn', name));

async function check(
  template: Template,
  params: readonly Record<string, unknown>[],
  without = [SLOW],
  onMeasured: (measures: Measures) => void = () => undefined,
  by = renderer,
): Promise<Finding[]> {
  const input = {
    template,
    renderer: by,
    rendition,
    samples: params,
    signal: never,
    onStep: () => undefined,
    onMeasured,
  };
  const findings: Finding[] = [];
  for (const { id, run } of RENDERED_CHECKS) if (!without.includes(id)) findings.push(...(await run(input)));
  return findings;
}

const checkAll = (
  template: Template,
  without?: string[],
  onMeasured?: (measures: Measures) => void,
  by?: Renderer,
): Promise<Finding[]> =>
  check(
    template,
    samplesOf(template).map(({ params }) => ({ ...params })),
    without,
    onMeasured,
    by,
  );
const allBut = (wanted: string): string[] => RENDERED_CHECKS.map(({ id }) => id).filter((id) => id !== wanted);

const ruleAndPlace = ({ rule, severity, file, line }: Finding) => [rule, severity, file, line];

describe('drawing finds', () => {
  test.each([
    ['leaks', 'leaked-state', 'error', "'hf-params'"],
    ['keeps-direction', 'leaked-state', 'error', "'hf-params'"],
    ['counts-frames', 'order-dependent', 'error', '<body'],
    ['timed', 'timer', 'error', 'setTimeout(() =>'],
    ['overflows', 'text-overflow', 'error', '<p id="name">'],
    ['grows-wide', 'text-overflow', 'error', '<p id="name">'],
    ['tall-list', 'text-overflow', 'error', '<ul id="list">'],
    ['ends-in-dots', 'text-shortened', 'warning', '<p id="name">'],
    ['overlaps', 'text-overlap', 'warning', '<p id="name">'],
    ['lacks-letters', 'missing-glyph', 'error', '<p id="name">'],
    ['pale', 'low-contrast', 'warning', '<p id="name">'],
    ['trusts-html', 'params-as-markup', 'error', '.innerHTML'],
    ['other-script', 'font-fallback', 'warning', '<p id="name">'],
    ['no-own-font', 'system-font', 'warning', null],
    ['never-answers', 'never-ready', 'error', '<body'],
    ['throws', 'does-not-draw', 'error', 'throw new RangeError'],
    ['flashes', 'flashes', 'warning', '<body'],
  ])(
    '%s: %s, and nothing else',
    async (name, rule, severity, source) => {
      const template = await flawed(name);
      const findings = await checkAll(template);
      const line = source === null ? null : template.html.split('\n').findIndex((text) => text.includes(source)) + 1;
      expect(findings.map(ruleAndPlace)).toEqual([[rule, severity, source === null ? null : 'index.html', line]]);
      for (const { what, why, fix } of findings) for (const text of [what, why, fix]) expect(text).toMatch(/[.:!]$/);
    },
    120_000,
  );

  test('fonts of this machine, also where no picture is drawn before one is asked for', async () => {
    await using still = await startRenderer(await fixture('tiny'), { capture: 'begin-frame' });
    const findings = await checkAll(await flawed('other-script'), allBut('missing-glyph'), undefined, still);
    expect(findings.map(({ rule }) => rule)).toEqual(['font-fallback']);
  }, 60_000);

  test('who came before, which param it was, and shows it', async () => {
    const template = await flawed('leaks');
    const [leak] = await checkAll(template, allBut('warm-equals-cold'));
    expect(leak?.what).toMatch(
      /^Frame \d of '.+' is another picture directly after 'largest numbers', who differs in 'level'/,
    );
    expect(
      Buffer.from(leak?.picture ?? [])
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  }, 60_000);

  test('a page that keeps something of everybody', async () => {
    const measured: Measures[] = [];
    const findings = await checkAll(await flawed('grows'), [], (measures) => void measured.push(measures));
    expect(findings.map(ruleAndPlace)).toEqual([['grows', 'warning', 'index.html', 17]]);
    expect(measured).toMatchObject([
      {
        frame: { width: 320, height: 180, cpuMs: expect.any(Number) },
        night: { rendition: 'email-480p', cpuHours: expect.any(Number) },
        paramsReadyMs: expect.any(Number),
        growth: { people: 100, nodes: 102 },
      },
    ]);
  }, 120_000);

  test('a frame that takes too long, and an answer that comes too late', async () => {
    const heavy = await checkAll(await flawed('heavy'), allBut('weight'));
    expect(heavy.map(ruleAndPlace)).toEqual([['heavy', 'warning', 'index.html', 11]]);
    const late = await checkAll(await flawed('dawdles'), allBut('params-ready'));
    expect(late.map(ruleAndPlace)).toEqual([['params-slow', 'error', 'index.html', 17]]);
  }, 120_000);

  test('nothing in a template that has no flaw', async () => {
    expect((await checkAll(await flawed('sound'), [])).map(ruleAndPlace)).toEqual([]);
  }, 120_000);

  test.each(templates)(
    'no error in the template %s',
    async (name) => {
      const whole = await loadTemplate(join(ROOT, 'templates', name));
      // All of the film, a frame a second of it: another digest, as its page must be loaded for that.
      const frameCount = Math.floor(whole.durationMs / 1000);
      const template = { ...whole, fps: 1, frameCount, scenes: [], digest: `${name}, one a second` };
      const wanted = ['example', 'longest texts, in words', 'HTML'];
      const samples = samplesOf(whole).filter(({ label }) => wanted.includes(label));
      const params = samples.map((sample) => ({ ...sample.params }));
      const findings = await check(template, params, [SLOW, 'overflow']);
      // Where text comes to rest, which no second may meet.
      findings.push(...(await check(whole, params, allBut('overflow'))));
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    },
    240_000,
  );
});

test('every sample comes after every other and after itself', () => {
  const order = afterEachOther(4);
  const pairs = order.slice(1).map((to, index) => `${order[index]}${to}`);
  expect([pairs.length, new Set(pairs).size]).toEqual([16, 16]);
  expect([afterEachOther(1), afterEachOther(0)]).toEqual([[0, 0], []]);
});

test('every scene is looked at, however short it is and however many there are', () => {
  const film = (count: number, length: number) => ({
    frameCount: count * length,
    scenes: Array.from({ length: count }, (_, index) => {
      const about = { id: `scene-${index}`, params: [] };
      return { ...about, start: index * length, end: (index + 1) * length };
    }),
  });
  const six = film(6, 4);
  const moments = momentsInScenes(six, 3);
  expect(six.scenes.every(({ start, end }) => moments.some((frame) => frame >= start && frame < end))).toBe(true);
  expect(momentsInScenes(film(40, 9), 3)).toHaveLength(12);
  expect(momentsInScenes({ frameCount: 16, scenes: [] }, 3)).toEqual([2, 8, 13]);
  expect(restsOf(film(2, 8), 12)).toEqual([
    [4, 6],
    [12, 14],
  ]);
  expect(restsOf({ frameCount: 4, scenes: [] }, 12)).toEqual([
    [0, 1, 2],
    [1, 2, 3],
  ]);
  const order = Array.from({ length: 9 }, (_, index) => index);
  expect(shuffled(order)).not.toEqual(order);
  expect([...shuffled(order)].sort()).toEqual(order);
  expect(shuffled(order)).toEqual(shuffled(order));
});

test('flashes are large changes that come at once, more than three in a second', () => {
  const film = (level: (frame: number, cell: number) => number) =>
    Array.from({ length: 30 }, (_, frame) => Float64Array.from({ length: 576 }, (_, cell) => level(frame, cell)));
  expect(
    firstOfFlashes(
      film((frame) => (Math.floor(frame / 3) % 2 === 0 ? 0 : 1)),
      30,
    ),
  ).toBe(3);
  // Three flashes; small ones; a wave of light that moves; bright ones.
  expect(
    firstOfFlashes(
      film((frame) => (Math.floor(frame / 5) % 2 === 0 ? 0 : 1)),
      30,
    ),
  ).toBeNull();
  expect(
    firstOfFlashes(
      film((frame, cell) => (cell < 12 ? frame % 2 : 0)),
      30,
    ),
  ).toBeNull();
  expect(
    firstOfFlashes(
      film((frame, cell) => ((frame + cell) % 30 < 2 ? 1 : 0)),
      30,
    ),
  ).toBeNull();
  expect(
    firstOfFlashes(
      film((frame) => (frame % 2 === 0 ? 0.85 : 1)),
      30,
    ),
  ).toBeNull();
});

test('a night is heavy when a frame is, or when there are too many of them', () => {
  expect(weightOf(40, 360)).toEqual({ cpuHours: 40, hours: 2.5 });
  expect(isHeavy(40, weightOf(40, 360))).toBe(false);
  expect(isHeavy(151, weightOf(15, 10))).toBe(true);
  expect(isHeavy(60, weightOf(40, 1800))).toBe(true);
  expect([
    grows({ before: 10, middle: 60, after: 110 }, 25),
    grows({ before: 10, middle: 110, after: 111 }, 25),
  ]).toEqual([true, false]);
});
