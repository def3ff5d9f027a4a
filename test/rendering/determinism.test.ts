import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import type { Template } from '../../src/templates/template.ts';
import { fixture, nightreel, render, startRenderer } from './support.ts';

let tiny: Template;
let renderer: Renderer;
let expected: string;

beforeAll(async () => {
  tiny = await fixture('tiny');
  renderer = await startRenderer(tiny);
  expected = (await render(renderer, tiny)).sha256;
});
afterAll(() => renderer?.[Symbol.asyncDispose]());

describe('the same params give the same bytes', () => {
  test('the first and the thirtieth time in one page, with other people in between', async () => {
    for (let person = 0; person < 28; person++) {
      const params = { name: `Person ${person}`, colour: `#${(person * 0x050301).toString(16).padStart(6, '0')}` };
      await render(renderer, tiny, { params, rendition: person % 10 === 5 ? 'phone-720p' : 'email-480p' });
    }
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  }, 180_000);

  test('with one browser and with two at once', async () => {
    await using pair = await startRenderer(tiny, { slots: 2 });
    const videos = await Promise.all([1, 2, 3, 4].map(() => render(pair, tiny)));
    expect(new Set(videos.map(({ sha256 }) => sha256))).toEqual(new Set([expected]));
    expect(pair.fingerprint).toEqual(renderer.fingerprint);
  });

  test('in another process, started from another folder', async () => {
    const args = [
      'render',
      tiny.folder,
      '--out',
      `/tmp/nightreel-test-${process.pid}.mp4`,
      '--rendition',
      'email-480p',
      '--json',
    ];
    const { code, stdout, stderr } = await nightreel(args, '/');
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(result).toMatchObject({ sha256: expected, engine: renderer.fingerprint.digest });
  });

  test('after browsers have been replaced', async () => {
    await using short = await startRenderer(tiny, { slots: 2, recycleAfter: 2 });
    const videos = await Promise.all(Array.from({ length: 10 }, () => render(short, tiny)));
    expect(new Set(videos.map(({ sha256 }) => sha256))).toEqual(new Set([expected]));
  }, 120_000);

  test('and different params do not', async () => {
    expect((await render(renderer, tiny, { params: { name: 'Adb', colour: '#3366cc' } })).sha256).not.toBe(expected);
  });
});

test.each(['begin-frame', 'screenshot'] as const)(
  '%s gives the same bytes under the same fingerprint',
  async (capture) => {
    await using other = await startRenderer(tiny, { capture });
    expect([renderer.fingerprint.captureRoute, other.fingerprint.captureRoute]).toEqual(['xvfb', capture]);
    expect(other.fingerprint.digest).toBe(renderer.fingerprint.digest);
    for (const rendition of ['email-480p', 'phone-720p'] as const) {
      const [a, b] = await Promise.all([render(renderer, tiny, { rendition }), render(other, tiny, { rendition })]);
      expect(b.sha256).toBe(a.sha256);
    }
  },
  120_000,
);

test('without chrome-headless-shell, screenshots of a whole Chromium give the same bytes too', async () => {
  const { chromium, ffmpeg } = findTools();
  await using plain = await startRenderer(tiny, { tools: { chromium, ffmpeg } });
  expect(plain.fingerprint).toEqual({ ...renderer.fingerprint, captureRoute: 'screenshot' });
  expect((await render(plain, tiny)).sha256).toBe((await render(renderer, tiny)).sha256);
}, 120_000);

test('the fingerprint says what decided the bytes', () => {
  expect(renderer.fingerprint).toMatchObject({
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    engineRevision: expect.any(Number),
    captureRoute: 'xvfb',
    pixels: expect.stringMatching(/^[0-9a-f]{64}$/),
    chromium: expect.stringMatching(/^\d+\./),
    ffmpeg: expect.stringMatching(/^\S+$/),
    x264: expect.stringMatching(/^core \d+/),
    muxer: expect.stringMatching(/^mediabunny \d/),
    fonts: expect.any(String),
    settings: expect.any(String),
  });
});
