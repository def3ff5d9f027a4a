import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { animatedFormatOf } from '../../src/rendering/page/animated-image.ts';
import { type PageUnderTest, startPage, templateOf } from './page-support.ts';
import { failureOf, fixture } from './support.ts';

let page: PageUnderTest;

beforeAll(async () => {
  page = await startPage();
}, 60_000);
afterAll(async () => {
  await page?.[Symbol.asyncDispose]();
});

/** Two frames of another colour each, one above the other: how sharp takes an animation. */
async function pictures(): Promise<Record<string, Buffer>> {
  const rows = Buffer.concat([Buffer.alloc(16 * 16 * 3, 20), Buffer.alloc(16 * 16 * 3, 220)]);
  const moving = () => sharp(rows, { raw: { width: 16, height: 32, channels: 3, pageHeight: 16 } });
  const still = () => sharp(rows, { raw: { width: 16, height: 32, channels: 3 } });
  return {
    'moving.gif': await moving()
      .gif({ delay: [100, 100] })
      .toBuffer(),
    'still.gif': await still().gif().toBuffer(),
    'moving.webp': await moving()
      .webp({ delay: [100, 100] })
      .toBuffer(),
    'still.webp': await still().webp().toBuffer(),
    'still.png': await still().png().toBuffer(),
    'moving.png': animatedPng(await still().png().toBuffer()),
    'moving.svg': Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"><animate attributeName="x" to="9" dur="1s"/></rect></svg>',
    ),
    'still.svg': Buffer.from(
      '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    ),
  };
}

/** A PNG with the chunk that makes it an APNG of two frames. */
function animatedPng(png: Buffer): Buffer {
  const control = Buffer.alloc(20);
  control.writeUInt32BE(8, 0);
  control.write('acTL', 4, 'latin1');
  control.writeUInt32BE(2, 8);
  const afterHeader = 8 + 25;
  return Buffer.concat([png.subarray(0, afterHeader), control, png.subarray(afterHeader)]);
}

test('an animated picture is told from a still one by its bytes', async () => {
  const told = Object.entries(await pictures()).map(([name, bytes]) => [name, animatedFormatOf(bytes)]);
  expect(Object.fromEntries(told)).toEqual({
    'moving.gif': 'GIF',
    'still.gif': null,
    'moving.webp': 'WebP',
    'still.webp': null,
    'still.png': null,
    'moving.png': 'PNG',
    'moving.svg': 'SVG',
    'still.svg': null,
  });
  expect(animatedFormatOf(Buffer.alloc(0))).toBeNull();
  expect(animatedFormatOf(Buffer.from('GIF89a'))).toBeNull();
  expect(animatedFormatOf(Buffer.from('<!doctype html><svg><animate/></svg>').subarray(0, 5))).toBeNull();
});

describe('what the wall clock moves fails the template', () => {
  test.each(['moving.gif', 'moving.webp', 'moving.svg'])('%s', async (name) => {
    const files = await pictures();
    for (const html of [
      `<img src="${name}">`,
      `<div style="width: 9px; height: 9px; background: url(${name})"></div>`,
    ]) {
      const failure = await failureOf(page.open(await templateOf(html, files)));
      expect(failure.failureClass).toBe('TemplateInvalid');
      expect(failure.message).toMatch(new RegExp(`^Template 'made' shows '${name}', an animated \\w+: `));
    }
  });

  test.each(['moving.gif', 'moving.png', 'moving.svg'])('%s in a data: address', async (name) => {
    const bytes = (await pictures())[name] ?? Buffer.alloc(0);
    const type = name.endsWith('svg') ? 'svg+xml' : name.slice(-3);
    const address = `data:image/${type};base64,${bytes.toString('base64')}`;
    const html = `<div style="width: 9px; height: 9px; background: url(${address})"></div>`;
    const failure = await failureOf(page.open(await templateOf(html)));
    expect(failure.failureClass).toBe('TemplateInvalid');
    expect(failure.message).toMatch(/^Template 'made' shows a picture in a data: address, an animated \w+: /);
  });

  test('but not one that no frame shows', async () => {
    await page.open(await templateOf('<img src="still.gif">', await pictures()));
    await page.picture(0);
    page.page.assertClean();
  });

  test.each([
    ['a video without a place on the timeline', '<video src="film.webm"></video>', /has a <video> that would play by/],
    ['a marquee', '<marquee>News</marquee>', /has a <marquee>/],
  ])('%s', async (_what, html, message) => {
    const failure = await failureOf(page.open(await templateOf(html, { 'film.webm': Buffer.alloc(64) })));
    expect(failure.failureClass).toBe('TemplateInvalid');
    expect(failure.message).toMatch(message);
  });

  test('a video that a later scene brings fails the render', async () => {
    const html =
      '<script>window.onSeek = (t) => { if (t > 1) document.body.innerHTML = "<video src=film.webm></video>"; };</script>';
    await page.open(await templateOf(html, { 'film.webm': Buffer.alloc(64) }));
    await page.picture(3);
    page.page.assertClean();
    await page.picture(40);
    expect(() => page.page.assertClean()).toThrow(/has a <video>/);
  });

  test('a video clip that a later scene brings fails the render', async () => {
    const html =
      '<script>window.onSeek = (t) => { if (t > 1) document.body.innerHTML = "<video data-start=0 src=film.webm></video>"; };</script>';
    await page.open(await templateOf(html, { 'film.webm': Buffer.alloc(64) }));
    await page.picture(40);
    expect(() => page.page.assertClean()).toThrow(/adds a <video>/);
  });
});

describe('what cannot be sought is told to its author, with its place, and looks the same every time', () => {
  const warnings = () => page.log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);

  test.each([
    [
      'a timer',
      'let n = 0; setInterval(function blink() { document.body.textContent = n++; }, 20);',
      /^the template has a timer/,
    ],
    [
      'a timer of seek',
      'window.onSeek = (t) => { setTimeout(() => { document.body.textContent = t; }, 0); };',
      /^the template has a timer/,
    ],
    [
      'an animation that begins in a frame',
      'window.onSeek = (t) => { if (t > 0.5 && !window.run) window.run = document.body.animate([{ opacity: 0 }, { opacity: 1 }], 2000); };',
      /^the template starts a CSS animation or Element\.animate while a frame is drawn/,
    ],
  ])('%s', async (_what, script, message) => {
    const before = warnings().length;
    await page.open(await templateOf(`Text<script>${script}</script>`));
    await page.picture(40);
    const first = await page.picture(41);
    for (let round = 0; round < 3; round++) {
      await page.evaluate('new Promise((done) => __HF_VIRTUAL_TIME__.originalSetTimeout(done, 60))');
      expect(await page.picture(41)).toBe(first);
    }
    expect(warnings().slice(before)).toEqual([expect.stringMatching(message)]);
    page.page.assertClean();
  });

  test('where a timer was set is told without a word of the recipient', async () => {
    const html =
      '<script>window.onParams = ({ name }) => { window.timers = { [name]: () => setTimeout(() => 0, 5) }; window.timers[name](); };</script>';
    await using fresh = await startPage();
    await fresh.open(await templateOf(html), { name: 'Rosalind' });
    await fresh.evaluate('new Promise((done) => __HF_VIRTUAL_TIME__.originalSetTimeout(done, 60))');
    await fresh.picture(1);
    expect(JSON.stringify(fresh.page.found)).toMatch(/"kind":"timer".*at index\.html:\d+:\d+/);
    expect(JSON.stringify([fresh.log.lines, fresh.page.found])).not.toContain('Rosalind');
  });

  test('a template that keeps something of every recipient', async () => {
    const html = `<script>window.onParams = () => {
      for (let i = 0; i < 300; i++) document.body.append(document.createElement('i'));
    };</script>`;
    const template = await templateOf(html);
    const before = warnings().length;
    for (let recipient = 0; recipient < 6; recipient++) await page.open(template);
    expect(warnings().slice(before)).toEqual([
      expect.stringMatching(/^the template has become several times as large/),
    ]);
  });
});

test('a caret does not blink, in a field, in text that can be edited, or in a shadow', async () => {
  const html = `<input style="font-size: 60px; caret-color: red !important"><p contenteditable style="font-size: 60px">x</p><section></section>
    <script>
      document.querySelector('section').attachShadow({ mode: 'closed' }).innerHTML = '<input style="font-size: 60px">';
      window.onSeek = (t) => document.querySelector(t < 1 ? 'input' : 'p').focus();
    </script>`;
  await page.open(await templateOf(html.replace(' !important', '')));
  // Longer than the second that a caret takes to go and come back.
  const looksOf = async (frame: number): Promise<number> => {
    const looks = new Set<string>();
    for (const end = performance.now() + 1_300; performance.now() < end; ) looks.add(await page.picture(frame));
    return looks.size;
  };
  expect([await looksOf(3), await looksOf(40)]).toEqual([1, 1]);
  await page.evaluate('document.adoptedStyleSheets = []');
  expect(await looksOf(3)).toBeGreaterThan(1);
}, 30_000);

test('a template of the repository has nothing to be told', async () => {
  await page.open(await fixture('tiny'));
  await page.picture(9);
  expect(page.page.found).toEqual([]);
});
