/** Where only a part of the window is shown anew, the picture is the one that all of it would have come to. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { RENDITIONS } from '../../src/contracts/video.ts';
import { frameSizeOf } from '../../src/rendering/geometry.ts';
import { Films } from '../../src/rendering/video/films.ts';
import type { WarmBrowser } from '../../src/rendering/warm-browser.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { fixture, gsapFixture, launchOn, pictureOf, ROOT } from './support.ts';

const never = (): AbortSignal => new AbortController().signal;
const SMALL = { ...RENDITIONS['email-480p'], shortSide: 240 };
/** In a row, from the beginning of each stretch. */
const STRETCH = 24;

const films = new Films({ ffmpeg: findTools().ffmpeg });
let browser: WarmBrowser;

beforeAll(async () => {
  browser = await launchOn('xvfb', { films });
}, 60_000);
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await films[Symbol.asyncDispose]();
});

/** Frames that came out otherwise in a row than alone, and how often one of the row was shown whole. */
async function compared(
  template: Template,
  { starts, rendition = SMALL }: { readonly starts: readonly number[]; readonly rendition?: typeof SMALL },
): Promise<{ different: string[]; whole: number; frames: number }> {
  const source = await browser.open(template, template.example, frameSizeOf(template, rendition));
  const different: string[] = [];
  const asked = jest.spyOn(browser.devtools, 'evaluate');
  let frames = 0;
  let whole = 0;
  for (const start of starts) {
    const end = Math.min(template.frameCount, start + STRETCH);
    const pictures: Buffer[] = [];
    asked.mockClear();
    for await (const { data } of source.frames({ start, end }, never())) pictures.push(Buffer.from(data));
    frames += pictures.length;
    whole += asked.mock.calls.filter(([script]) => script.includes('nightreelStage.renew()')).length;
    for (const [at, picture] of pictures.entries()) {
      // The first that is taken of a page is always shown whole.
      const expected = await pictureOf(source, start + at);
      if (picture.equals(expected)) continue;
      const samples = expected.filter((level, i) => level !== picture[i]).length;
      different.push(`frame ${start + at}: ${samples} samples`);
    }
  }
  asked.mockRestore();
  return { different, whole, frames };
}

/** What may be drawn apart from all else, moving over stripes that show wherever a pixel is off. Of the latter, Chromium makes layers. */
const EFFECTS = {
  oneLayer: {
    'mix-blend-mode': 'mix-blend-mode: difference',
    filter: 'filter: drop-shadow(3px 5px 4px #000) hue-rotate(40deg)',
    mask: 'mask-image: linear-gradient(90deg, #000, transparent)',
    'clip-path': 'clip-path: circle(20px at 40% 50%)',
    'rounded corners': 'border-radius: 20px; overflow: hidden',
    'will-change': 'will-change: transform, opacity; opacity: 0.7; transform: rotate(7deg)',
  },
  several: {
    'backdrop-filter': 'backdrop-filter: blur(4px); background: #fff4',
    perspective: 'transform: perspective(200px) rotateY(50deg); transform-style: preserve-3d',
    translate3d: 'transform: translate3d(0.4px, 0.3px, 0) scale(1.07)',
    fixed: 'position: fixed; opacity: 0.8',
    scroller: 'overflow: scroll; will-change: scroll-position',
  },
};

async function affected(style: string): Promise<Template> {
  const html = `<!doctype html><style>
    body { margin: 0; background: repeating-linear-gradient(33deg, #123 0 7px, #fed 7px 15px) }
    main { position: absolute; inset: 0 }
    .box { position: absolute; width: 83px; height: 67px; background: #d338; color: #fff; font: 30px/47px sans-serif; ${style} }
  </style><main><div class="box">ab<br>cd</div></main><div class="box" id="still">ef</div><script>
    const [main, box, still] = ['main', '.box', '#still'].map((name) => document.querySelector(name));
    still.style.left = '250px'; still.style.top = '90px';
    window.__hf = { duration: 1, seek(t) {
      const n = Math.round(t * 30);
      main.style.transform = 'translate(' + n * 9.3 + 'px, ' + (30.4 + 3.1 * (n % 11)) + 'px) scale(' + (1 + (n % 5) / 9) + ')';
      box.style.visibility = n % 13 === 12 ? 'hidden' : 'visible';
      still.firstChild.data = n % 4 === 3 ? n : 'ef';
    } };
    window.addEventListener('message', () => window.dispatchEvent(new Event('hf-params-ready')));
  </script>`;
  const about = { width: 426, height: 240, fps: 30, frameCount: 30, durationMs: 1000, digest: style };
  return { ...(await fixture('tiny')), ...about, files: new Map([['index.html', Buffer.from(html)]]) };
}

describe('a picture of which only a part was shown anew', () => {
  test('is as if all had been, of a page that is one layer', async () => {
    const template = await loadTemplate(join(ROOT, 'bench/pages/still'));
    const { different, whole, frames } = await compared(template, {
      starts: [0, 80, 170, 260],
      rendition: RENDITIONS['web-1080p'],
    });
    expect(different).toEqual([]);
    // It is: the first of each stretch aside, of which nobody knows what was shown before, frames are shown in part.
    expect(frames).toBe(4 * STRETCH);
    expect(whole).toBeLessThan(12);
  }, 120_000);

  test('is as if all had been, where layers come and go', async () => {
    const template = await loadTemplate(join(ROOT, 'templates/referral'));
    // Lines of text come in from beside the frame, under a scale that grows.
    const { different, whole, frames } = await compared(template, {
      starts: [202, 220],
      rendition: RENDITIONS['web-1080p'],
    });
    expect(different).toEqual([]);
    expect(whole).toBeGreaterThan(2);
    expect(whole).toBeLessThan(frames);
  }, 120_000);

  test('is as if all had been, of every template', async () => {
    for (const name of await readdir(join(ROOT, 'templates'))) {
      const template = await loadTemplate(join(ROOT, 'templates', name));
      const starts = [0, 0.23, 0.47, 0.6, 0.83].map((part) => Math.floor(part * template.frameCount));
      const { different, whole, frames } = await compared(template, { starts, rendition: RENDITIONS['email-480p'] });
      expect({ name, different }).toEqual({ name, different: [] });
      expect(whole).toBeLessThan(frames / 2);
    }
  }, 600_000);

  test.each([
    ...['canvas', 'clocked', 'css-keyframes', 'css-transition', 'frame-loop', 'held', 'smil', 'web-animations'],
  ])(
    'is as if all had been, of the fixture %s',
    async (name) => {
      const template = await fixture(name);
      const starts = [0, Math.floor(template.frameCount / 2)];
      const { different, whole, frames } = await compared(template, { starts });
      expect(different).toEqual([]);
      // A canvas is a layer.
      expect(whole < frames / 2).toBe(name !== 'canvas');
    },
    120_000,
  );

  const effects = Object.entries(EFFECTS).flatMap(([layers, styles]) =>
    Object.entries(styles).map(([effect, style]) => ({ effect, style, isOneLayer: layers === 'oneLayer' })),
  );
  test.each(effects)(
    'is as if all had been, with $effect',
    async ({ style, isOneLayer }) => {
      const { different, whole, frames } = await compared(await affected(style), { starts: [0, 6] });
      expect(different).toEqual([]);
      expect(whole < frames / 2).toBe(isOneLayer);
    },
    60_000,
  );

  test('is as if all had been, of a stock composition on GSAP', async () => {
    await using stock = await gsapFixture('stock');
    const { different, whole, frames } = await compared(stock.template, { starts: [0, 30] });
    expect(different).toEqual([]);
    // It has layers of its own.
    expect(whole).toBeGreaterThan(frames / 2);
  }, 120_000);
});
