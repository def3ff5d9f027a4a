import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { Template } from '../../src/templates/template.ts';
import { type PageUnderTest, startPage, templateOf } from './page-support.ts';
import { failureOf, fixture, ROOT } from './support.ts';

let page: PageUnderTest;
let font: Buffer;
let picture: Buffer;

beforeAll(async () => {
  page = await startPage({ paramsMs: 1_500 });
  font = await readFile(join(ROOT, 'templates/referral/source/fonts/manrope-latin-400-normal.woff2'));
  picture = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#e0a030' } })
    .png()
    .toBuffer();
}, 60_000);
afterAll(async () => {
  await page?.[Symbol.asyncDispose]();
});

/** What is wrong with a template, which does not keep the next one from being drawn. */
async function refusalOf(template: Template): Promise<{ class: string; message: string; detail: string | undefined }> {
  const { failureClass, message, detail } = await failureOf(page.open(template));
  await page.open(await fixture('tiny'));
  await page.picture(3);
  return { class: failureClass, message, detail };
}

const composition = (inner: string): string =>
  `<div data-composition-id="main" data-start="0" data-duration="2" data-width="320" data-height="180">${inner}</div>
   <script>window.__timelines = { main: { duration: () => 2, totalDuration: () => 2, time: () => 0, pause() {}, seek() {}, totalTime() {} } };</script>`;
const stock = { contract: 'stock' } as const;

describe('a sub-composition', () => {
  const host = (file: string) =>
    composition(
      `<div data-composition-id="intro" data-composition-src="${file}" data-start="0" data-duration="1"></div>`,
    );
  const scene = (script: string) => `<template id="intro-template"><div data-composition-id="intro" data-width="320"
      data-height="180"><h1>Intro</h1></div><script>${script}</script></template>`;

  test('in a file of its own is waited for', async () => {
    const build = `window.__timelines.intro = { duration: () => 1, totalDuration: () => 1, time: () => 0, pause() {}, seek() {}, totalTime() {} };`;
    await page.open(await templateOf(host('intro.html'), { 'intro.html': scene(build) }, stock));
    expect(await page.evaluate('document.querySelector("h1").textContent')).toBe('Intro');
  });

  test('that registers no timeline is named', async () => {
    const template = await templateOf(host('intro.html'), { 'intro.html': scene('') }, stock);
    await using impatient = await startPage({ loadMs: 1_500 });
    const failure = await failureOf(impatient.open(template));
    expect(failure).toMatchObject({
      failureClass: 'TemplateNotReady',
      message: expect.stringMatching(/^Template 'made' was not ready within 1500 ms of loading: missing 1 timeline\.$/),
      detail: "timeline window.__timelines['intro']",
    });
  });

  test('whose file is not there is named', async () => {
    expect(await refusalOf(await templateOf(host('outro.html'), {}, stock))).toMatchObject({
      class: 'TemplateInvalid',
      message: "Template 'made' asks for a file that is not in its folder.",
      detail: 'outro.html',
    });
  });
});

describe('a font', () => {
  const face = (file: string) =>
    `<style>@font-face { font-family: Brand; src: url(${file}); font-weight: 400 } body { font: 30px Brand }</style>Text`;
  const declared = { fonts: [{ family: 'Brand', weights: [400] }] };

  test('that loads is there in the first frame', async () => {
    await page.open(await templateOf(face('brand.woff2'), { 'brand.woff2': font }, declared));
    expect(await page.evaluate('document.fonts.check("400 30px Brand") && [...document.fonts][0].status')).toBe(
      'loaded',
    );
  });

  test('that does not decode fails the template, declared or not', async () => {
    const broken = { 'brand.woff2': Buffer.concat([font.subarray(0, 400), Buffer.alloc(3_000, 7)]) };
    expect(await refusalOf(await templateOf(face('brand.woff2'), broken, declared))).toMatchObject({
      class: 'FontMissing',
      message: "Template 'made' declares fonts that did not load from its own files: Brand 400.",
    });
    expect(await refusalOf(await templateOf(face('brand.woff2'), broken))).toEqual({
      class: 'FontMissing',
      message: "Template 'made' loads a font whose file cannot be read.",
      detail: 'Brand',
    });
  });

  test('that a later scene asks for first, and does not decode, fails the video', async () => {
    const html = `${face('brand.woff2').replace('Text', '<p></p>')}
      <script>window.onSeek = (t) => { document.querySelector('p').textContent = t > 1 ? 'Text' : ''; };</script>`;
    await page.open(await templateOf(html, { 'brand.woff2': Buffer.alloc(3_000, 7) }));
    await page.picture(10);
    page.page.assertClean();
    await page.picture(40);
    expect(() => page.page.assertClean()).toThrow(
      /loads a font while frames are drawn, and its file could not be read/,
    );
  });
});

describe('a picture', () => {
  const shown = {
    'an image': '<img src="logo.png">',
    'a background': '<div style="width: 64px; height: 64px; background: url(logo.png)"></div>',
    'an image of an SVG': '<svg><image href="logo.png" width="64" height="64" /></svg>',
    'a background from params':
      '<p style="width: 64px; height: 64px"></p><script>window.onParams = () => { document.querySelector("p").style.background = "url(logo.png)"; };</script>',
  };

  test.each(Object.entries(shown))('as %s is there in the first frame', async (_what, html) => {
    await page.open(await templateOf('<div style="width: 64px; height: 64px"></div>'));
    const without = await page.picture(0);
    const first = new Set<string>();
    for (let time = 0; time < 3; time++) {
      await page.open(await templateOf(html, { 'logo.png': picture }));
      first.add(await page.picture(0));
    }
    expect(first.size).toBe(1);
    expect(first.has(without)).toBe(false);
    expect(first.has(await page.picture(20))).toBe(true);
  });

  test.each(Object.entries(shown))('as %s that is no whole picture fails the template', async (_what, html) => {
    const refusal = await refusalOf(await templateOf(html, { 'logo.png': picture.subarray(0, 60) }));
    expect(refusal.class).toBe('TemplateNotReady');
    expect(refusal.message).toMatch(
      /missing 1 image\.$|'logo\.png' cannot be shown, as the file is no whole picture\.$/,
    );
  });

  test('that seek brings is in the frame that brings it', async () => {
    const html = `<div></div><script>window.onSeek = (t) => {
      document.querySelector('div').style.cssText = t >= 1 ? 'width: 64px; height: 64px; background: url(logo.png)' : '';
    };</script>`;
    await page.open(await templateOf(html, { 'logo.png': picture }));
    const before = await page.picture(31);
    const first = await page.picture(32);
    expect(first).not.toBe(before);
    expect(await page.picture(33)).toBe(first);
  });

  test('that is not there fails the template', async () => {
    expect(await refusalOf(await templateOf('<img src="logo.png">'))).toMatchObject({
      class: 'TemplateInvalid',
      detail: 'logo.png',
    });
  });
});
