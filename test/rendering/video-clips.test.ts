/** Films of <video> elements: the right picture in each frame, on every route and in any order; and what cannot be shown. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openComposition } from '../../bench/compat/compositions.ts';
import { findTools } from '../../src/config/tools.ts';
import { RENDITIONS } from '../../src/contracts/video.ts';
import { CAPTURE_ROUTES, type CaptureRoute } from '../../src/rendering/browser/flags.ts';
import { profileRoot } from '../../src/rendering/browser/profiles.ts';
import type { FrameSource } from '../../src/rendering/capture/frame-source.ts';
import { candidatesFor } from '../../src/rendering/capture/probe.ts';
import { digested } from '../../src/rendering/media/source.ts';
import { type Film, readFilm } from '../../src/rendering/video/film.ts';
import { Films } from '../../src/rendering/video/films.ts';
import { splitPictures } from '../../src/rendering/video/split-pictures.ts';
import { type Playback, pictureAt, stripOf } from '../../src/rendering/video/timing.ts';
import { WarmBrowser } from '../../src/rendering/warm-browser.ts';
import type { Template } from '../../src/templates/template.ts';
import { templateOf } from './page-support.ts';
import { failureOf, keptLog, ROOT, startRenderer } from './support.ts';

const signal = new AbortController().signal;
const films = new Films({ ffmpeg: findTools().ffmpeg });
const browsers = new Map<CaptureRoute, WarmBrowser>();
let counter: Buffer;

async function browserOf(route: CaptureRoute): Promise<WarmBrowser> {
  const known = browsers.get(route);
  if (known !== undefined) return known;
  const [candidate] = candidatesFor(findTools(), route);
  if (candidate === undefined) throw new Error(`route ${route} cannot be tested here`);
  const deadlines = { loadMs: 60_000, paramsMs: 30_000 };
  const options = { ...candidate, films, profileRoot: profileRoot(), callLimitMs: 60_000, deadlines, log: keptLog() };
  const browser = await WarmBrowser.launch(options, signal);
  browsers.set(route, browser);
  return browser;
}

beforeAll(async () => {
  counter = await readFile(join(ROOT, 'test/fixtures/compositions/video/counter.mp4'));
});
afterAll(async () => {
  for (const browser of browsers.values()) await browser[Symbol.asyncDispose]();
  await films[Symbol.asyncDispose]();
});

async function pictureOf(source: FrameSource, index: number): Promise<Buffer> {
  for await (const { data } of source.frames({ start: index, end: index + 1 }, signal)) return Buffer.from(data);
  throw new Error('no frame came');
}

/** The number that a film at its own size shows in eight cells, 20 pixels each; null where it is not white on black. */
function numberIn(picture: Buffer, width: number, { x, y }: { x: number; y: number }, scale = 1): number | null {
  let number = 0;
  for (let bit = 0; bit < 8; bit++) {
    const [row, column] = [y + 76, x + 20 * bit + 10].map((at) => Math.round(at * scale));
    const luma = picture[(row ?? 0) * width + (column ?? 0)] ?? 0;
    if (luma > 200) number |= 1 << bit;
    else if (luma > 22) return null;
  }
  // White all over is the page, and no film counts so far.
  return number === 255 ? null : number;
}

const PLACES = { plain: { x: 0, y: 0 }, fast: { x: 160, y: 0 }, again: { x: 0, y: 90 } } as const;
/** By the attributes of test/fixtures/compositions/video: 30 frames a second in film and video. */
const expected = (frame: number) => ({
  plain: frame,
  fast: frame >= 15 && frame < 42 ? 6 + Math.floor((frame - 15) * 1.5) : null,
  again: frame < 51 ? 45 + (frame % 15) : null,
});
const numbersIn = (picture: Buffer, { width }: Template) =>
  Object.fromEntries(Object.entries(PLACES).map(([id, place]) => [id, numberIn(picture, width, place)]));

describe('each frame shows the very frame of the film that belongs to it', () => {
  const reference = new Map<number, Buffer>();

  test.each(CAPTURE_ROUTES)(
    'on route %s, forward and in any order, with the same pixels',
    async (route) => {
      await using composition = await openComposition('video');
      const { template, params } = composition;
      const browser = await browserOf(route);
      const source = await browser.open(template, params, template);
      const judge = (frame: number, picture: Buffer): void => {
        expect({ frame, ...numbersIn(picture, template) }).toEqual({ frame, ...expected(frame) });
        const known = reference.get(frame) ?? picture;
        reference.set(frame, known);
        expect(picture.equals(known)).toBe(true);
      };
      const range = route === 'xvfb' ? { start: 0, end: 60 } : { start: 12, end: 18 };
      for await (const { index, data } of source.frames(range, signal)) judge(index, Buffer.from(data));
      for (const frame of [51, 42, 41, 3, 59, 50]) judge(frame, await pictureOf(source, frame));
      browser.assertClean();
    },
    120_000,
  );

  test('and a film that is turned, or transparent, on every route', async () => {
    await using composition = await openComposition('films');
    const { template, params } = composition;
    const pictures = new Map<number, Buffer>();
    for (const route of CAPTURE_ROUTES) {
      const source = await (await browserOf(route)).open(template, params, template);
      for (const frame of [30, 2]) {
        const picture = await pictureOf(source, frame);
        expect(picture.equals(pictures.get(frame) ?? picture)).toBe(true);
        pictures.set(frame, picture);
      }
    }
    expect(new Set([...pictures.values()].map((picture) => picture.toString('latin1'))).size).toBe(2);
  }, 120_000);
});

describe('a warm template', () => {
  const html = `<video id="film" data-start="0.25" data-duration="1" style="position: absolute; left: 0; top: 0" muted></video>
    <script>window.onParams = ({ film }) => { document.querySelector('#film').src = film; };</script>`;

  test('gives each recipient another film, decoded once for all, and the size of its file', async () => {
    const browser = await browserOf('xvfb');
    const template = await templateOf(html, { 'a.mp4': counter, 'b.mp4': Buffer.concat([counter, free()]) });
    const size = { width: template.width, height: template.height };
    const seen: (number | null)[] = [];
    const decoded: number[] = [];
    for (const film of ['a.mp4', 'b.mp4', 'a.mp4']) {
      const source = await browser.open(template, { film }, size);
      const picture = await pictureOf(source, 24);
      seen.push(numberIn(picture, template.width, { x: 0, y: 0 }));
      decoded.push(films.decodedPieces);
    }
    browser.assertClean();
    expect(seen).toEqual([15, 15, 15]);
    expect((decoded[1] ?? 0) - (decoded[0] ?? 0)).toBe(1);
    expect(decoded[2]).toBe(decoded[1]);
  }, 60_000);

  test('has a scene rendered from its first frame on, in the rendition that is asked for', async () => {
    const template = await templateOf(html, { 'a.mp4': counter }, { placeholder: { film: 'a.mp4' } });
    await using renderer = await startRenderer(template, { capture: 'screenshot' });
    const rendition = RENDITIONS['email-480p'];
    const numbers: (number | null)[] = [];
    await renderer.capture(
      { template, params: { film: 'a.mp4' }, rendition, scene: { start: 38, end: 41 } },
      ({ data }, { width }) => {
        numbers.push(numberIn(Buffer.from(data), width, { x: 0, y: 0 }, width / template.width));
      },
      { signal },
    );
    expect(numbers).toEqual([28, 29, null]);
  }, 60_000);

  test('can draw its film into a canvas, and ask how long and large it is', async () => {
    const browser = await browserOf('xvfb');
    const drawn = `<video id="film" src="a.mp4" data-start="0" data-duration="2" style="visibility: hidden" muted></video>
      <canvas width="160" height="90" style="position: absolute; left: 0; top: 0"></canvas>
      <script>
        const film = document.querySelector('#film');
        window.facts = [film.readyState, film.videoWidth, film.videoHeight, film.duration];
        window.onSeek = () => document.querySelector('canvas').getContext('2d').drawImage(film, 0, 0);
      </script>`;
    const template = await templateOf(drawn, { 'a.mp4': counter });
    const source = await browser.open(template, {}, template);
    for (const frame of [40, 7]) {
      expect(numberIn(await pictureOf(source, frame), template.width, { x: 0, y: 0 })).toBe(
        Math.floor((frame * 30) / 32),
      );
    }
    const facts = await browser.devtools.evaluate('nightreelStage.document.defaultView.facts');
    expect(facts).toEqual([4, 160, 90, 2]);
    browser.assertClean();
  }, 60_000);
});

describe('what cannot be shown fails with a sentence', () => {
  const clip = (attributes: string): string => `<video data-start="0" data-duration="1" ${attributes}></video>`;
  const damaged = (): Buffer => {
    const bytes = Buffer.from(counter);
    bytes.fill(0x5a, 2_000, 12_000);
    return bytes;
  };

  test.each([
    [
      'a file that is not there',
      clip('src="none.mp4"'),
      /asks for a file that is not in its folder|not in the template/,
    ],
    ['a file that is no film', clip('src="noise.mp4"'), /video clip 1 of 1: its file is damaged, or no MP4/],
    ['a film whose pictures are damaged', clip('src="damaged.mp4"'), /video clip 1 of 1: its file is damaged/],
    ['a film that is cut off', clip('src="cut.mp4"'), /video clip 1 of 1: its file holds no pictures, or is cut off/],
    ['a film in the address', clip('src="data:video/mp4;base64,AAAA"'), /its address names no file/],
    ['a speed out of range', clip('src="a.mp4" data-playback-rate="20"'), /data-playback-rate is not a number/],
    [
      'a beginning behind the end, without a length',
      '<video src="a.mp4" data-start="0" data-media-start="5"></video>',
      /begins in its file where that is over, after 2\.000 s/,
    ],
  ])('%s', async (_what, html, message) => {
    const files = { 'a.mp4': counter, 'noise.mp4': Buffer.alloc(500, 7), 'damaged.mp4': damaged() };
    const template = await templateOf(html, { ...files, 'cut.mp4': counter.subarray(0, 9_000) });
    const browser = await browserOf('screenshot');
    const failure = await failureOf(browser.open(template, {}, template));
    expect(failure.failureClass).toBe('TemplateInvalid');
    expect(failure.message).toMatch(message);
  });
});

describe('the picture of a moment', () => {
  const film = { leadSeconds: 0, endSeconds: 2, toleranceSeconds: 0 } as Film;
  const playback = (changes: Partial<Playback> & { readonly mediaStartSeconds?: number } = {}): Playback => ({
    strip: stripOf(film, 30, changes.mediaStartSeconds ?? 0),
    ...{ startSeconds: 0, endSeconds: 10, rate: 1, loops: false },
    ...changes,
  });

  test('is held when the film ends before its clip', () => {
    expect([58, 59, 60, 200].map((frame) => pictureAt(playback(), frame))).toEqual([58, 59, 59, 59]);
    expect(pictureAt(playback({ mediaStartSeconds: 9 }), 0)).toBe(0);
  });

  test('comes again in a loop, from where the clip begins in its film', () => {
    const loop = playback({ loops: true, mediaStartSeconds: 1, rate: 2 });
    expect([0, 14, 15, 16].map((frame) => pictureAt(loop, frame))).toEqual([0, 28, 0, 2]);
  });

  test('is there from the first to before the last frame, also where times are no whole frames', () => {
    const clip = playback({ startSeconds: 0.7, endSeconds: 1.1 });
    expect([20, 21, 32, 33].map((frame) => pictureAt(clip, frame))).toEqual([null, 0, 11, null]);
    expect(pictureAt(playback({ startSeconds: 1 / 3 - 1e-5 }), 10)).toBe(0);
  });

  test('is none where the sound is a second or more ahead of the pictures', () => {
    const late = playback({ strip: stripOf({ ...film, leadSeconds: 1.5 }, 30, 0) });
    expect([0, 15, 16].map((frame) => pictureAt(late, frame))).toEqual([null, null, 16]);
  });
});

test('pictures are parted where one ends, and one that is cut off is none', async () => {
  const film = await readFilm(digested(counter));
  const strip = stripOf(film, 30, 0);
  const [first, second] = [await films.picture(strip, 0), await films.picture(strip, 1)];
  const both = Buffer.concat([first, second]);
  expect(splitPictures(both).map(({ byteLength }) => byteLength)).toEqual([first.byteLength, second.byteLength]);
  expect(splitPictures(both.subarray(0, -3))).toHaveLength(1);
});

test('what is decoded is kept up to a limit, the least recently used goes first', async () => {
  await using small = new Films({ ffmpeg: findTools().ffmpeg, maxBytes: 400_000 });
  const film = await small.read(digested(counter));
  const strip = stripOf(film, 30, 0);
  for (const index of [0, 1, 50, 51]) await small.picture(strip, index);
  expect(small.decodedPieces).toBe(2);
  for (const mediaStart of [0.1, 0.2, 0.3, 0.4]) await small.picture(stripOf(film, 30, mediaStart), 0);
  await small.picture(strip, 0);
  expect(small.decodedPieces).toBe(7);
});

/** A box that no reader minds: the file has other bytes. */
function free(): Buffer {
  const box = Buffer.alloc(16);
  box.writeUInt32BE(16);
  box.write('free', 4, 'latin1');
  return box;
}
