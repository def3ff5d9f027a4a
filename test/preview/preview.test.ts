/** What somebody does in the preview, in a real browser: look, edit, scrub, render, and change the template meanwhile. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import sharp from 'sharp';
import { findTools } from '../../src/config/tools.ts';
import { until } from '../support/nightreel.ts';
import { ask, TestPreview } from './support.ts';

/** Path of a Firefox that is to show the preview instead. */
const FIREFOX = process.env['NIGHTREEL_TEST_FIREFOX'];
const EVIL = '<img src=x onerror="document.title=1"><b>Ada</b>';
/** The card's bar, and where it ends when it is full: parts of the picture's sides. */
const BAR = { color: [94, 242, 181], right: 0.92, left: 0.08, y: 285 / 360 } as const;

let preview: TestPreview;
let browser: Browser;
let page: Page;
const requests: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  preview = await TestPreview.start();
  const args = ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'];
  browser = await puppeteer.launch(
    FIREFOX === undefined
      ? { executablePath: findTools().chromium, pipe: true, args }
      : { browser: 'firefox', executablePath: FIREFOX },
  );
  page = await browser.newPage();
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.setViewport({ width: 1_400, height: 900 });
  await page.goto(preview.server.address, { waitUntil: 'load' });
});
afterAll(async () => {
  await browser?.close();
  await preview?.[Symbol.asyncDispose]();
});

const inPage = async <T>(script: string): Promise<T> => (await page.evaluate(script)) as T;
const textOf = (selector: string): Promise<string> =>
  inPage(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`);
const holds = (script: string): Promise<unknown> =>
  until(async () => ((await inPage<boolean>(script)) ? true : null), script);
const showsFrame = (frame: number): Promise<unknown> =>
  holds(`document.querySelector('#stage').dataset.frame === '${frame}'`);

/** What of the page is the picture. */
async function picture(): Promise<Buffer> {
  const box = await (await page.$('#holder'))?.boundingBox();
  if (!box) throw new Error('there is no picture');
  return Buffer.from(await page.screenshot({ clip: box }));
}

/** Red, green and blue at a place of the picture. */
async function colorAt(x: number, y: number): Promise<number[]> {
  const image = sharp(await picture());
  const { width, height } = await image.metadata();
  const place = { left: Math.floor(x * width), top: Math.floor(y * height), width: 1, height: 1 };
  return [...(await image.extract(place).removeAlpha().raw().toBuffer())];
}
const isBar = (color: readonly number[]): boolean =>
  color.every((value, at) => Math.abs(value - (BAR.color[at] ?? 0)) < 12);

async function type(selector: string, text: string): Promise<void> {
  await page.click(selector, { count: 3 });
  await page.keyboard.press('Backspace');
  await page.type(selector, text);
}
const press = async (...keys: Parameters<Page['keyboard']['press']>[0][]): Promise<void> => {
  await inPage('document.activeElement.blur()');
  for (const key of keys) await page.keyboard.press(key);
};

test('the first picture is of the example at its beginning, and starts no engine', async () => {
  await showsFrame(0);
  expect(await inPage(`document.querySelector('#set').selectedOptions[0].textContent`)).toBe('Example');
  expect(await inPage(`document.querySelector('#param-name').value`)).toBe('Ada');
  expect(await textOf('#title')).toBe('Card');
  expect(preview.engines()).toBe(0);
});

test('the template cannot look out of its frame', async () => {
  const frame = page.frames().find((one) => one !== page.mainFrame());
  const seen = await frame?.evaluate(`(() => {
    try { return [window.parent === window, window.frameElement, String(window.top.location.href)]; } catch (error) { return error.name; }
  })()`);
  expect(seen).toBe('SecurityError');
});

test('time moves by keys, by scrubbing and by playing, and the picture with it', async () => {
  expect(isBar(await colorAt(BAR.left + 0.02, BAR.y))).toBe(false);
  await press('End');
  await showsFrame(29);
  expect(isBar(await colorAt(BAR.right, BAR.y))).toBe(true);
  await inPage(
    `(() => { const scrub = document.querySelector('#scrub'); scrub.value = 12; scrub.dispatchEvent(new Event('input')); })()`,
  );
  await showsFrame(12);
  // 0.8 of 1.5 seconds: somewhat more than half of the bar is there.
  expect(isBar(await colorAt(0.5, BAR.y))).toBe(true);
  expect(isBar(await colorAt(0.6, BAR.y))).toBe(false);
  await press('ArrowRight');
  await showsFrame(13);
  await press('[');
  await showsFrame(0);
  await page.click('#play');
  await holds(`Number(document.querySelector('#stage').dataset.frame) > 3`);
  await press(' ');
  expect(await inPage(`document.querySelector('#play').getAttribute('aria-label')`)).toBe('Play');
  await press('?');
  expect(await inPage(`document.querySelector('#help').open`)).toBe(true);
  await page.keyboard.press('Escape');
});

test('an edited param changes the picture, and markup in it is text', async () => {
  await press('Home');
  await showsFrame(0);
  const before = await picture();
  expect((await picture()).equals(before)).toBe(true);
  await type('#param-name', EVIL);
  await until(async () => ((await picture()).equals(before) ? null : true), 'the name to be seen');
  expect(await page.$$('img:not(header img), main b:not(.people b)')).toHaveLength(0);
  expect(await inPage('document.title')).toBe('Card · Nightreel preview');
});

test('what does not fit is said beside its field, and the picture stays', async () => {
  const before = await picture();
  await type('#param-referralCount', '-1');
  await holds(`document.querySelector('#param-referralCount-error').textContent.includes('>= 0')`);
  expect(await inPage(`document.querySelector('#param-referralCount').getAttribute('aria-invalid')`)).toBe('true');
  expect(await textOf('#trouble')).toContain('not valid');
  await type('#param-referralCount', '7');
  await holds(`document.querySelector('#trouble').hidden`);
  // At its beginning the card has counted nobody yet.
  expect((await picture()).equals(before)).toBe(true);
});

test('saved files are shown at once, and frame and params stay', async () => {
  await inPage(
    `(() => { const scrub = document.querySelector('#scrub'); scrub.value = 20; scrub.dispatchEvent(new Event('input')); })()`,
  );
  await showsFrame(20);
  const html = await preview.read('index.html');
  await preview.write('index.html', html.replaceAll('#5ef2b5', '#ff0000'));
  await until(async () => ((await colorAt(0.5, BAR.y))[1] ?? 255) < 20 || null, 'a red bar');
  expect(await inPage(`document.querySelector('#stage').dataset.frame`)).toBe('20');
  expect(await inPage(`document.querySelector('#param-name').value`)).toBe(EVIL);

  const json = await preview.read('template.json');
  await preview.write('template.json', json.slice(0, -10));
  await holds(`document.querySelector('#trouble').textContent.includes('is not JSON')`);
  expect(((await colorAt(0.5, BAR.y))[1] ?? 255) < 20).toBe(true);
  await preview.write('template.json', json.replace('"title": "Card"', '"title": "Mended"'));
  await holds(`document.querySelector('#title').textContent === 'Mended' && document.querySelector('#trouble').hidden`);
  await preview.write('index.html', html);
  await until(async () => isBar(await colorAt(0.5, BAR.y)) || null, 'the bar as it was');
  expect(await inPage(`document.querySelector('#stage').dataset.frame`)).toBe('20');
});

test('what is shown is rendered, plays in the page and can be downloaded', async () => {
  await page.click('input[value="phone-720p"]');
  await page.click('input[value="web-1080p"]');
  await page.click('#render');
  await page.waitForSelector('.films video', { timeout: 60_000 });
  expect(preview.engines()).toBe(1);
  expect(await textOf('.card h3')).toBe('Edited');
  expect(await textOf('.films figcaption')).toMatch(/^email-480p854×480 · \d+ KBDownload$/);
  await inPage(`document.querySelector('.films video').play()`);
  await holds(
    `document.querySelector('.films video').currentTime > 0.2 && document.querySelector('.films video').videoWidth === 854`,
  );
  const address = await inPage<string>(`document.querySelector('.films a').href`);
  const file = await ask(preview.url, new URL(address).pathname, {
    headers: { host: preview.url.host, range: 'bytes=4-7' },
  });
  expect([file.status, file.text]).toEqual([206, 'ftyp']);
});

test('a contact sheet has a picture of each set at each moment, drawn by the engine', async () => {
  await page.click('#tab-sheet');
  await inPage(
    `document.querySelectorAll('#sheet .choices input').forEach((box, at) => { box.checked = at === 0 || at === 2; })`,
  );
  await type('#moments', '0, 1.94');
  await page.click('#make-sheet');
  await holds(`[...document.querySelectorAll('.sheet img')].filter((one) => one.naturalWidth === 854).length === 4`);
  expect(preview.engines()).toBe(1);
  expect(await inPage(`document.querySelector('.sheet img').alt`)).toBe('Edited at 0:00.00');
  await page.click('.sheet tr:last-child td:last-child button');
  await showsFrame(29);
  expect(await inPage(`document.querySelector('#param-name').value`)).toBe('Friend');
});

test('a render can be cancelled', async () => {
  await page.click('#tab-renders');
  await page.click('input[value="web-1080p"]');
  await page.click('#render');
  await holds(`(() => {
    document.querySelector('.card .progress button:not([hidden])')?.click();
    return document.querySelector('.card .progress').dataset.state === 'cancelled';
  })()`);
  expect(await page.$$('.card:first-child video')).toHaveLength(0);
});

test('nothing was asked of anything but this machine, and nothing complained', () => {
  const others = requests.filter(
    (url) => !url.startsWith('data:') && !/^(127\.0\.0\.1|[0-9a-f]{32}\.localhost)$/.test(new URL(url).hostname),
  );
  expect(others).toEqual([]);
  expect(requests.length).toBeGreaterThan(20);
  expect(complaints).toEqual([]);
});
