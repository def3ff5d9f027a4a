/** Every route gives the same pixels of every template, whatever was shown before: nothing else lets one batch use them all. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { RENDITIONS, type Rendition } from '../../src/contracts/video.ts';
import { CAPTURE_ROUTES } from '../../src/rendering/browser/flags.ts';
import { prove } from '../../src/rendering/capture/probe.ts';
import { frameSizeOf } from '../../src/rendering/geometry.ts';
import { Films } from '../../src/rendering/video/films.ts';
import type { WarmBrowser } from '../../src/rendering/warm-browser.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { fixture, gsapFixture, launchOn, pictureOf, ROOT } from './support.ts';

/** Large pictures are as dear on two of the routes as fifty small ones. */
const FRAMES = { templates: { 'email-480p': 50, 'web-1080p': 15 }, fixtures: 50 } as const;
/** For fixtures, which are small themselves. */
const SMALL: Rendition = { ...RENDITIONS['email-480p'], shortSide: 240 };
const films = new Films({ ffmpeg: findTools().ffmpeg });
const browsers = new Map<string, WarmBrowser>();

beforeAll(async () => {
  for (const route of CAPTURE_ROUTES) {
    browsers.set(route, await launchOn(route, { films }));
  }
}, 120_000);

afterAll(async () => {
  for (const browser of browsers.values()) await browser[Symbol.asyncDispose]();
  await films[Symbol.asyncDispose]();
});

/** Frames spread over the whole template. */
const spread = ({ frameCount }: Template, atMost: number): number[] => {
  const count = Math.min(atMost, frameCount);
  return Array.from({ length: count }, (_, i) => Math.floor((i * frameCount) / count));
};

/** The same order always, far from any sorted one. */
const shuffled = (frames: readonly number[]): number[] =>
  frames.map((_, i) => frames[(i * 23 + 7) % frames.length] ?? 0);

function difference(one: Buffer, other: Buffer): string | null {
  if (one.equals(other)) return null;
  let samples = 0;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) samples += 1;
  return `${samples} samples`;
}

async function expectEqualPixels(
  template: Template,
  rendition: Rendition,
  atMost: number = FRAMES.fixtures,
): Promise<void> {
  const size = frameSizeOf(template, rendition);
  const frames = spread(template, atMost);
  const reference = new Map<number, Buffer>();
  const differences: string[] = [];
  for (const [route, browser] of browsers) {
    const source = await browser.open(template, template.example, size);
    const orders =
      route === 'xvfb'
        ? { forward: frames, reverse: frames.toReversed(), random: shuffled(frames) }
        : { forward: frames };
    for (const [order, indices] of Object.entries(orders)) {
      for (const index of indices) {
        const picture = await pictureOf(source, index);
        const known = reference.get(index);
        if (known === undefined) reference.set(index, picture);
        const how = known === undefined ? null : difference(known, picture);
        if (how !== null) differences.push(`${route}, ${order}: frame ${index} differs in ${how}`);
      }
    }
  }
  expect(reference.size).toBe(frames.length);
  expect(differences).toEqual([]);
}

test('the known page gives the same digest on every route', async () => {
  const digests: string[] = [];
  for (const browser of browsers.values()) digests.push(await prove(browser, AbortSignal.timeout(60_000)));
  expect(new Set(digests).size).toBe(1);
}, 60_000);

describe('no pixel differs between routes and orders', () => {
  test.each(['email-480p', 'web-1080p'] as const)(
    'of the templates in templates/, as %s',
    async (rendition) => {
      for (const name of await readdir(join(ROOT, 'templates'))) {
        const template = await loadTemplate(join(ROOT, 'templates', name));
        await expectEqualPixels(template, RENDITIONS[rendition], FRAMES.templates[rendition]);
      }
    },
    600_000,
  );

  const fixtures = [
    ...['asks', 'canvas', 'chance', 'clocked', 'css-keyframes', 'css-transition', 'dates', 'held', 'smil', 'tiny'],
    ...['web-animations', 'with-audio', 'generic-fonts', 'viewport'],
  ];
  test.each(fixtures)(
    'of the fixture %s',
    async (name) => {
      await expectEqualPixels(await fixture(name), SMALL);
    },
    300_000,
  );

  test('of a stock composition on GSAP', async () => {
    await using stock = await gsapFixture('stock');
    await expectEqualPixels(stock.template, RENDITIONS['phone-720p']);
  }, 300_000);
});
