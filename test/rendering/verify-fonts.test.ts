import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { findTools } from '../../src/config/tools.ts';
import { DevTools } from '../../src/rendering/browser/devtools.ts';
import { fontWarnings, inspectFonts, readFontUse } from '../../src/rendering/verify/fonts.ts';

const FONTS = new URL('../../templates/referral/source/fonts/', import.meta.url);

let browser: Browser;
let page: Page;
let devtools: DevTools;
let faces: string;

beforeAll(async () => {
  const { headlessShell, chromium } = findTools();
  browser = await puppeteer.launch({
    executablePath: headlessShell ?? chromium,
    headless: headlessShell === undefined ? true : 'shell',
    args: ['--no-sandbox'],
  });
  page = await browser.newPage();
  devtools = new DevTools({
    session: await page.createCDPSession(),
    broken: new AbortController().signal,
    callLimitMs: 60_000,
  });
  const face = async (family: string, weight: number, file: string): Promise<string> => {
    const data = (await readFile(new URL(file, FONTS))).toString('base64');
    return `@font-face { font-family: '${family}'; font-weight: ${weight}; src: url(data:font/woff2;base64,${data}); }`;
  };
  faces = [
    await face('Brand', 400, 'manrope-latin-400-normal.woff2'),
    await face('Brand', 800, 'manrope-latin-800-normal.woff2'),
    await face('Spare', 700, 'noto-sans-thai-thai-700-normal.woff2'),
  ].join('\n');
});
afterAll(() => browser?.close());

/** A page of these elements, with its fonts loaded. */
async function show(body: string, css = ''): Promise<void> {
  await page.setContent(`<style>${faces} body { font: 400 20px Brand; } ${css}</style><body>${body}</body>`);
  await page.evaluate('Promise.all([...document.fonts].map((font) => font.load())).then(() => null)');
}

const used = (families: readonly string[] = ['Brand']) => readFontUse(devtools, families);
const BRAND = (glyphs: number) => [{ font: 'Brand', glyphs }];

describe('text is counted by the font that draws it', () => {
  test('all of it in the declared family, whatever the weight', async () => {
    await show('<p>four</p><p style="font-weight:800">heavy <b>text</b></p><p>   </p>');
    const use = await used();
    // A blank is a glyph, where it is not collapsed.
    expect(use).toEqual({ declared: BRAND(4 + 6 + 4), system: [] });
    expect(fontWarnings(use)).toEqual([]);
  });

  test('what the family lacks goes to a font of the machine', async () => {
    await show('<p>Ada Ω≈∂</p>');
    const { declared, system } = await used();
    expect(declared[0]?.glyphs).toBeGreaterThanOrEqual(3);
    expect(system.reduce((sum, { glyphs }) => sum + glyphs, 0)).toBeGreaterThanOrEqual(1);
    expect(fontWarnings({ declared, system })).toEqual([
      expect.stringMatching(/^Text is drawn with fonts of this machine: .+ \(\d glyphs?\)\. Another machine/),
    ]);
  });

  test('a misspelt family leaves the declared one unused', async () => {
    await show('<p style="font-family: Brnad, sans-serif">hello</p>');
    const use = await used();
    expect(use.declared).toEqual(BRAND(0));
    expect(use.system).toEqual([{ font: expect.any(String), glyphs: 5 }]);
    expect(fontWarnings(use)[0]).toBe(
      "No text is drawn with 'Brand', which template.json declares. Look for another spelling in font-family, or leave the declaration out.",
    );
  });

  test('a family that no text asks for is told, beside one that is used', async () => {
    await show('<p>hello</p>');
    const use = await used(['Brand', 'Spare']);
    expect(use.declared).toEqual([...BRAND(5), { font: 'Spare', glyphs: 0 }]);
    expect(fontWarnings(use)).toEqual([expect.stringContaining("with 'Spare',")]);
  });

  test('in shadow trees, frames, generated content and SVG', async () => {
    await show(
      '<svg><text y="20">svg</text></svg><div id="host"></div><p class="mark"></p>',
      '.mark::before { content: "mark"; }',
    );
    await page.evaluate("host.attachShadow({ mode: 'open' }).innerHTML = '<span>shadow</span>'");
    expect((await used()).declared).toEqual(BRAND(3 + 6 + 4));
    await show(`<iframe srcdoc="<p>framed</p>"></iframe>`);
    expect((await used([])).system.reduce((sum, { glyphs }) => sum + glyphs, 0)).toBe(6);
  });

  test('not where it is not laid out', async () => {
    await show('<p style="display:none">hidden</p><script>const text = 1;</script><p>seen</p>');
    expect((await used()).declared).toEqual(BRAND(4));
  });
});

test('text of every moment counts, each font by the moment that shows most of it', async () => {
  await show('<p id="line"></p>');
  const asked: number[] = [];
  const use = await inspectFonts({
    devtools,
    families: ['Brand', 'Spare'],
    frameCount: 80,
    seek: async (frame) => {
      asked.push(frame);
      const [text, font] = [frame < 40 ? 'a' : 'abc', frame > 70 ? 'serif' : 'Brand'];
      await page.evaluate(`line.textContent = '${text}'; line.style.fontFamily = '${font}'`);
    },
  });
  expect(asked).toEqual([5, 15, 25, 35, 45, 55, 65, 75]);
  expect(use).toEqual({
    declared: [...BRAND(3), { font: 'Spare', glyphs: 0 }],
    system: [{ font: expect.any(String), glyphs: 3 }],
  });
});

test('a film of one frame is looked at once, and DevTools are as they were', async () => {
  await show('<p>once</p>');
  const asked: number[] = [];
  const seek = async (frame: number): Promise<void> => void asked.push(frame);
  expect((await inspectFonts({ devtools, families: ['Brand'], frameCount: 1, seek })).declared).toEqual(BRAND(4));
  expect(asked).toEqual([0]);
  // What needs the DOM agent is refused again.
  await expect(devtools.session.send('CSS.getPlatformFontsForNode', { nodeId: 1 })).rejects.toThrow();
  expect(devtools.session.listenerCount('CSS.fontsUpdated')).toBe(0);
});
