import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { type PageUnderTest, startPage } from './page-support.ts';
import { fixture, gsapFixture, ROOT } from './support.ts';

let page: PageUnderTest;

beforeAll(async () => {
  page = await startPage();
}, 60_000);
afterAll(async () => {
  await page?.[Symbol.asyncDispose]();
});

/** Frames of a whole video, some of them neighbours, in an order that is none. */
const scattered = (frameCount: number): number[] => {
  const last = frameCount - 1;
  const at = (part: number) => Math.round(last * part);
  return [at(0.61), 0, at(0.33), last, at(0.62), at(0.1), at(0.5), at(0.51), at(0.97), at(0.34), at(0.77), at(0.25)];
};

async function assertAnyOrder(template: Template, looks = 5): Promise<void> {
  const frames = scattered(template.frameCount);
  const forward = [...new Set(frames)].sort((a, b) => a - b);
  const expected = new Map<number, string>();
  await page.open(template);
  for (const frame of forward) expected.set(frame, await page.picture(frame));
  expect(new Set(expected.values()).size).toBeGreaterThanOrEqual(looks);
  const orders = { reverse: forward.toReversed(), scattered: frames, repeated: frames.flatMap((one) => [one, one]) };
  for (const [order, sequence] of Object.entries(orders)) {
    const different: number[] = [];
    for (const frame of sequence) if ((await page.picture(frame)) !== expected.get(frame)) different.push(frame);
    expect({ order, different }).toEqual({ order, different: [] });
  }
  // Chromium keeps the scale at which it drew an animated layer first; a page that begins with the last frame has another.
  if (template.id === 'web-animations') return;
  // And in a page that was loaded for it, the last frame first.
  await page.open({ ...template, digest: `${template.digest} again` });
  for (const frame of forward.toReversed().slice(0, 4)) {
    expect({ frame, picture: await page.picture(frame) }).toEqual({ frame, picture: expected.get(frame) });
  }
}

describe('frames look the same in whatever order they are drawn', () => {
  test.each([
    'tiny',
    'clocked',
    'css-keyframes',
    'css-transition',
    'web-animations',
    'frame-loop',
    'canvas',
    'smil',
    'chance',
    'dates',
  ])(
    '%s',
    async (name) => {
      await assertAnyOrder(await fixture(name), name === 'css-transition' ? 2 : 5);
    },
    120_000,
  );

  test('a stock composition with GSAP', async () => {
    await using stock = await gsapFixture('stock');
    await assertAnyOrder(stock.template);
  }, 120_000);

  test.each(['templates/referral', 'test/fixtures/project/templates/card'])(
    '%s',
    async (folder) => {
      await assertAnyOrder(await loadTemplate(`${ROOT}/${folder}`));
    },
    240_000,
  );
});

describe('what the browser has shown before does not show in a frame', () => {
  test('at an edge that is smoothed beyond the box of what moved', async () => {
    await page.open(await fixture('clocked'));
    // Long enough to be painted: in this page nothing has been moved yet.
    await sleep(200);
    const first = await page.picture(0);
    await page.picture(31);
    expect(await page.picture(0)).toBe(first);
  });

  test('in a group that was translucent before', async () => {
    await page.open(await loadTemplate(`${ROOT}/templates/referral`));
    const first = await page.picture(172);
    // A digit rolls in, half seen, and stands.
    for (const frame of [187, 180]) await page.picture(frame);
    expect(await page.picture(172)).toBe(first);
  }, 60_000);

  test('at tiles of a layer that was larger before', async () => {
    await page.open(await loadTemplate(`${ROOT}/templates/referral`));
    // Where lines of text are still beside the frame, so that Chromium makes several layers, under a scale that grows.
    const frames = [216, 219, 222, 225, 228];
    const forward: string[] = [];
    for (const frame of frames) forward.push(await page.picture(frame));
    const backward: string[] = [];
    for (const frame of frames.toReversed()) backward.unshift(await page.picture(frame));
    expect(backward).toEqual(forward);
    await page.picture(228);
    expect(await page.picture(222)).toBe(forward[2]);
  }, 60_000);
});

test('of all these only the transition is told to its author', () => {
  const told = page.log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
  expect([...new Set(told)]).toEqual([
    expect.stringMatching(/^the template starts a CSS transition while a frame is drawn\./),
  ]);
});
