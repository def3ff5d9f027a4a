/** What template.json says of how much moves decides how a page is drawn, and of its pixels what nobody sees. */

import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { RENDITIONS } from '../../src/contracts/video.ts';
import { frameSizeOf } from '../../src/rendering/geometry.ts';
import type { WarmBrowser } from '../../src/rendering/warm-browser.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { launchOn, pictureOf, ROOT } from './support.ts';

const FRAMES = [0, 77, 359];

async function pictures(browser: WarmBrowser, template: Template, repaints: Template['repaints']): Promise<Buffer[]> {
  const drawn = { ...template, repaints };
  const source = await browser.open(drawn, drawn.example, frameSizeOf(drawn, RENDITIONS['web-1080p']));
  const taken: Buffer[] = [];
  for (const frame of FRAMES) taken.push(await pictureOf(source, frame));
  return taken;
}

test('a page is drawn in one piece or in tiles, which nobody can tell apart, and the same each time', async () => {
  await using browser = await launchOn('xvfb');
  const template = await loadTemplate(join(ROOT, 'bench/pages/moving'));
  const inOne = await pictures(browser, template, 'all');
  const inTiles = await pictures(browser, template, 'parts');
  for (const [at, picture] of inOne.entries()) {
    const offs = picture.map((level, i) => Math.abs(level - (inTiles[at]?.[i] ?? 0)));
    // Else it was drawn in the same way.
    expect(offs.filter((off) => off > 0).length).toBeGreaterThan(offs.length / 100);
    expect(offs.filter((off) => off > 1).length).toBeLessThan(offs.length / 1000);
  }
  const again = await pictures(browser, template, 'all');
  expect(again.map((picture, at) => picture.equals(inOne[at] ?? Buffer.alloc(0)))).toEqual(FRAMES.map(() => true));
}, 60_000);
