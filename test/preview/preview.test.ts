/** What somebody does in the preview, in a real browser: look, edit, scrub, render, and change the template meanwhile. */

import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import sharp from 'sharp';
import { findTools } from '../../src/config/tools.ts';
import type { People } from '../../src/preview/param-sets.ts';
import { until } from '../support/nightreel.ts';
import { ask, TestPreview } from './support.ts';

/** Path of a Firefox that is to show the preview instead. */
const FIREFOX = process.env['NIGHTREEL_TEST_FIREFOX'];
const EVIL = '<img src=x onerror="document.title=1"><b>Ada</b>';
/** The card's bar, and where it ends when it is full: parts of the picture's sides. */
const BAR = { color: [94, 242, 181], right: 0.92, left: 0.08, y: 285 / 360 } as const;

const PEOPLE: People = {
  label: 'people.csv',
  find: async () => ({
    people: ['Grace', 'Katherine'].map((name) => ({
      ...{ recipientId: `r-${name}`, params: { name, referralCount: 1, earnings: 2 }, problem: null },
    })),
    hasMore: false,
  }),
};

let preview: TestPreview;
let browser: Browser;
let page: Page;
const requests: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  preview = await TestPreview.start(new Map([['csv', PEOPLE]]), async (folder) => {
    const path = join(folder, 'template.json');
    const file = JSON.parse(await readFile(path, 'utf8'));
    file.params.properties.tone = { type: 'string', enum: ['calm', 'loud'] };
    await writeFile(path, JSON.stringify(file, null, 2));
    await cp(join(import.meta.dirname, '../fixtures/compositions/audio/beep.mp3'), join(folder, 'beep.mp3'));
    const html = await readFile(join(folder, 'index.html'), 'utf8');
    const beep = '<audio id="beep" src="beep.mp3" data-start="0" data-duration="2" loop></audio>';
    await writeFile(join(folder, 'index.html'), html.replace('<div id="bar">', `${beep}<div id="bar">`));
  });
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

/** The picture once it stands still: on a busy machine parts of it are drawn later than others. */
async function restingPicture(): Promise<Buffer> {
  let last = await picture();
  return await until(async () => {
    const before = last;
    last = await picture();
    return last.equals(before) ? last : null;
  }, 'a picture that stands still');
}

/** Red, green and blue at a place of the picture. */
const colorAt = async (x: number, y: number): Promise<number[]> => await colorOf(await picture(), x, y);

async function colorOf(png: Buffer, x: number, y: number): Promise<number[]> {
  const image = sharp(png);
  const { width, height } = await image.metadata();
  const place = { left: Math.floor(x * width), top: Math.floor(y * height), width: 1, height: 1 };
  return [...(await image.extract(place).removeAlpha().raw().toBuffer())];
}
const isBar = (color: readonly number[]): boolean =>
  color.every((value, at) => Math.abs(value - (BAR.color[at] ?? 0)) < 12);

/** The template is drawn by a process of its own, which may be a picture behind what the page says. */
const showsBarAt = (x: number): Promise<unknown> =>
  until(async () => (isBar(await colorAt(x, BAR.y)) ? true : null), `the bar at ${x}`);

async function type(selector: string, text: string): Promise<void> {
  await page.click(selector);
  await inPage(`document.querySelector(${JSON.stringify(selector)}).select()`);
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
  await showsBarAt(BAR.right);
  await inPage(
    `(() => { const scrub = document.querySelector('#scrub'); scrub.value = 12; scrub.dispatchEvent(new Event('input')); })()`,
  );
  await showsFrame(12);
  // 0.8 of 1.5 seconds: somewhat more than half of the bar is there.
  await until(async () => {
    const seen = await picture();
    const [isThere, isBeyond] = [await colorOf(seen, 0.5, BAR.y), await colorOf(seen, 0.6, BAR.y)].map(isBar);
    return isThere && !isBeyond ? true : null;
  }, 'the bar to end between 0.5 and 0.6');
  await press('ArrowRight');
  await showsFrame(13);
  await press('[');
  await showsFrame(0);
  // As a German keyboard types them on Windows.
  await inPage(
    `document.body.dispatchEvent(new KeyboardEvent('keydown', { key: ']', ctrlKey: true, altKey: true, bubbles: true }))`,
  );
  await showsFrame(15);
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
  const before = await restingPicture();
  await type('#param-name', EVIL);
  await until(async () => ((await picture()).equals(before) ? null : true), 'the name to be seen');
  expect(await page.$$('img:not(header img), main b:not(.people b)')).toHaveLength(0);
  expect(await inPage('document.title')).toBe('Card · Nightreel preview');
});

test('what does not fit is said beside its field, and the picture stays', async () => {
  const before = await restingPicture();
  await type('#param-referralCount', '-1');
  await holds(`document.querySelector('#param-referralCount-error').textContent.includes('>= 0')`);
  expect(await inPage(`document.querySelector('#param-referralCount').getAttribute('aria-invalid')`)).toBe('true');
  expect(await textOf('#trouble')).toContain('not valid');
  await type('#param-referralCount', '7');
  await holds(`document.querySelector('#trouble').hidden`);
  // At its beginning the card has counted nobody yet.
  await until(async () => ((await picture()).equals(before) ? true : null), 'the picture as it was');
});

test('what is not edited stays as it is, whatever the form has for it', async () => {
  const params = { name: 'two\nlines', referralCount: 7, earnings: 1, tone: 'angry' };
  const whole = async () => JSON.parse(await inPage<string>(`document.querySelector('#whole').value`));
  const setAll = (value: object) =>
    inPage(`(() => {
      const whole = document.querySelector('#whole');
      whole.value = ${JSON.stringify(JSON.stringify(value))};
      whole.dispatchEvent(new Event('input'));
    })()`);
  const toneOf = () => inPage(`document.querySelector('#param-tone').selectedOptions[0]?.textContent`);
  await setAll(params);
  expect(await toneOf()).toBe('angry (not in the list)');
  expect(await inPage(`document.querySelector('#param-name').value`)).toBe(params.name);
  await type('#param-earnings', '2');
  expect(await whole()).toEqual({ ...params, earnings: 2 });
  await inPage(`document.querySelector('#param-name').focus()`);
  await page.keyboard.type('!');
  expect((await whole()).name.replace('!', '')).toBe(params.name);
  await page.select('#param-tone', '1');
  expect(await whole()).toMatchObject({ tone: 'loud' });
  await inPage(`document.querySelector('[aria-label="Give tone"]').click()`);
  expect(await whole()).not.toHaveProperty('tone');
  await setAll({ name: EVIL, referralCount: 7, earnings: 60 });
  await holds(`document.querySelector('#trouble').hidden`);
});

test('after an error the picture comes back with the next frame that can be drawn', async () => {
  await type('#param-name', 'Thrower');
  await press('Home');
  await showsFrame(0);
  await holds(`document.querySelector('#trouble').hidden`);
  await press('End');
  await holds(`document.querySelector('#trouble').textContent.includes('no scene for Thrower')`);
  await press('Home', 'ArrowRight');
  await showsFrame(1);
  await holds(`document.querySelector('#trouble').hidden`);
  await type('#param-name', EVIL);
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
  await until(async () => ((await colorAt(0.5, BAR.y))[1] ?? 255) < 20 || null, 'the red bar still');
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

test('a contact sheet as it is offered has as many sets as there is room for', async () => {
  await page.click('#tab-sheet');
  expect(await textOf('#sheet-count')).toMatch(/^12 of \d\d sets: a sheet has room for no more/);
  expect(await page.$$('#sheet .choices input:checked')).toHaveLength(12);
  expect(await page.$$('#sheet .choices input:not(:checked):not(:disabled)')).toHaveLength(0);
  await page.click('#make-sheet');
  await holds(`document.querySelectorAll('.sheet td').length === 12 * 4 + 1`);
  await holds(`document.querySelectorAll('.sheet img').length > 0`);
  await page.click('#sheet .progress button');
  await holds(`document.querySelector('#sheet .progress').dataset.state === 'cancelled'`);
  expect(await textOf('#sheet > .error')).toBe('');
});

test('people and edited params are drawn beside each other, and a click on a picture shows it', async () => {
  await page.click('.people summary');
  await holds(`document.querySelectorAll('.people .add').length === 2`);
  const chosen = () =>
    inPage(
      `[...document.querySelectorAll('#sheet .choices input:checked')].map((one) => one.parentElement.textContent.trim())`,
    );
  for (const at of [0, 1]) await inPage(`document.querySelectorAll('.people .add')[${at}].click()`);
  // They take the place of the last of the template's own.
  expect(await page.$$('#sheet .choices input:checked')).toHaveLength(12);
  await inPage(
    `document.querySelectorAll('#sheet .choices input:checked').forEach((box, at) => at < 10 && box.click())`,
  );
  expect(await chosen()).toEqual(['r-Grace', 'r-Katherine']);
  await page.click('#add-shown');
  expect(await chosen()).toEqual(['r-Grace', 'r-Katherine', 'Edited']);
  await type('#moments', '0, 1.94');
  await page.click('#make-sheet');
  await holds(`[...document.querySelectorAll('.sheet img')].filter((one) => one.naturalWidth === 854).length === 6`);
  expect(preview.engines()).toBe(1);
  expect(await inPage(`[...document.querySelectorAll('.sheet img')].map((one) => one.alt)`)).toContain(
    'Edited at 0:00.00',
  );
  await page.click('.sheet tr:nth-child(2) td:last-child button');
  await showsFrame(29);
  expect(await inPage(`document.querySelector('#param-name').value`)).toBe('Katherine');
});

test('the sound is the engine’s own mix, is heard while the picture plays, and is where the picture is', async () => {
  await press('Home');
  expect(await textOf('#sound')).toBe('Sound off');
  await page.click('#sound');
  await holds(`document.querySelector('#sound').dataset.state === 'on'`);
  expect(await inPage(`document.querySelector('#transport audio').paused`)).toBe(true);
  await page.click('#play');
  await holds(`(() => {
    const audio = document.querySelector('#transport audio');
    const seconds = Number(document.querySelector('#scrub').value) / 15;
    return !audio.paused && audio.duration === 2 && seconds > 0.5 && Math.abs(audio.currentTime - seconds) < 0.25;
  })()`);
  await page.select('#speed', '0.5');
  expect(await inPage(`document.querySelector('#transport audio').paused`)).toBe(true);
  await page.select('#speed', '1');
  await press(' ');
  await page.click('#sound');
  expect(await inPage(`document.querySelector('#transport audio').hasAttribute('src')`)).toBe(false);
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

test('a template that asks for things elsewhere gets nowhere, in none of the ways there are', async () => {
  let connections = 0;
  const elsewhere = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  const { port } = elsewhere.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  await using other = await TestPreview.start(new Map(), async (folder) => {
    const file = JSON.parse(await readFile(join(folder, 'template.json'), 'utf8'));
    file.scenes = Array.from({ length: 10 }, (_, at) => ({
      id: `s${at}`,
      start: `${(at * 0.2).toFixed(1)}s`,
      duration: '0.2s',
    }));
    await writeFile(join(folder, 'template.json'), JSON.stringify(file));
    const html = await readFile(join(folder, 'index.html'), 'utf8');
    await writeFile(join(folder, 'index.html'), html.replace('<head>', `<head>${asking(url, port)}`));
  });
  const tab = await browser.newPage();
  try {
    await tab.goto(other.server.address, { waitUntil: 'load' });
    const told = async () => (await tab.evaluate(`document.querySelector('#notes').textContent`)) as string;
    await until(
      async () => ((await told()).includes(`something at ${url.slice(0, -1)}.`) ? true : null),
      'a note of it',
    );
    await until(
      async () => ((await tab.evaluate(`document.querySelector('#stage').dataset.frame`)) === '0' ? true : null),
      'a picture',
    );
    // Each of its ten scenes has a place on a contact sheet.
    expect(await tab.evaluate(`document.querySelector('#moments').value.split(', ').length`)).toBe(10);
    await sleep(500);
    expect(connections).toBe(0);
  } finally {
    await tab.close();
    const own = connect(port, '127.0.0.1');
    await once(own, 'connect');
    own.destroy();
    elsewhere.close();
  }
  // It would have been seen.
  await until(async () => connections || null, 'a connection of the test itself');
});

/** What a page may try, so that something of it or of its reader reaches a server. */
const asking = (url: string, port: number): string => `
<link rel="dns-prefetch preconnect" href="${url}"><link rel="prefetch" href="${url}"><link rel="manifest" href="${url}">
<style>@import "${url}a.css"; body { background: url(${url}b.png) }</style>
<script>
  fetch('${url}').catch(() => undefined);
  navigator.sendBeacon('${url}', 'seen');
  new Image().src = '${url}c.png';
  const link = document.head.appendChild(document.createElement('link'));
  Object.assign(link, { rel: 'preconnect', href: '${url}' });
  if (window.RTCPeerConnection) {
    const peer = new RTCPeerConnection({
      iceServers: [{ urls: 'turn:127.0.0.1:${port}?transport=tcp', username: 'a', credential: 'b' }],
    });
    peer.createDataChannel('a');
    peer.createOffer().then((offer) => peer.setLocalDescription(offer));
  }
  addEventListener('DOMContentLoaded', () => {
    document.body.append(Object.assign(document.createElement('iframe'), { src: '${url}', hidden: true }));
    location.href = '${url}';
  });
</script>`;
