import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Renderer } from '../../src/rendering/renderer.ts';
import type { Template } from '../../src/templates/template.ts';
import { decodeFrame, fixture, gsapFixture, pixelAt, render, startRenderer } from './support.ts';

let tiny: Template;
let renderer: Renderer;

beforeAll(async () => {
  tiny = await fixture('tiny');
  renderer = await startRenderer(tiny);
});
afterAll(() => renderer?.[Symbol.asyncDispose]());

describe('a rendered video', () => {
  test('has the length, size and digest that it says', async () => {
    const video = await render(renderer, tiny, { rendition: 'phone-720p' });
    expect(video).toMatchObject({ width: 1280, height: 720, frameCount: 64, durationMs: 2000 });
    expect(video.sizeBytes).toBe(video.bytes.byteLength);
    expect(video.sha256).toBe(createHash('sha256').update(video.bytes).digest('hex'));
  });

  test('shows the colours of the page', async () => {
    const params = { name: 'Ada', colour: '#3366cc' };
    const { bytes, width } = await render(renderer, tiny, { params, rendition: 'phone-720p' });
    const picture = await decodeFrame(bytes, 10);
    const background = pixelAt(picture, width, 1200, 60);
    // The box, magnified four times, moved 1/3 s to the right.
    const box = pixelAt(picture, width, 290, 480);
    for (const [shown, wanted] of [
      [background, [0x33, 0x66, 0xcc]],
      [box, [0xe0, 0xa0, 0x30]],
    ] as const) {
      for (const channel of [0, 1, 2])
        expect(Math.abs((shown[channel] ?? 0) - (wanted[channel] ?? 0))).toBeLessThanOrEqual(4);
    }
  });

  test('fills the frame of a rendition whose sides are no multiple of the page to the last pixel', async () => {
    const params = { name: 'Ada', colour: '#3366cc' };
    const video = await render(renderer, tiny, { params, rendition: 'email-480p' });
    expect([video.width, video.height]).toEqual([854, 480]);
    const picture = await decodeFrame(video.bytes, 0);
    for (const [x, y] of [
      [0, 0],
      [853, 0],
      [853, 479],
    ] as const) {
      expect(Math.abs((pixelAt(picture, 854, x, y)[2] ?? 0) - 0xcc)).toBeLessThanOrEqual(6);
    }
  });

  test('moves as the page does: frame n is the page at n / fps', async () => {
    const { bytes, width } = await render(renderer, tiny, { rendition: 'phone-720p' });
    const gold = (picture: Buffer, x: number): boolean => (pixelAt(picture, width, x, 480)[0] ?? 0) > 180;
    const centreAt = (frame: number): number => Math.round(4 * (30 + (frame / 32) * 130));
    for (const frame of [0, 31, 63]) {
      const picture = await decodeFrame(bytes, frame);
      expect(gold(picture, centreAt(frame))).toBe(true);
      expect(gold(picture, (centreAt(frame) + 640) % 1280)).toBe(false);
    }
  });

  test('comes with a poster, a JPEG as large as itself', async () => {
    const { poster } = await render(renderer, tiny);
    expect(Buffer.from(poster.subarray(0, 3)).toString('hex')).toBe('ffd8ff');
  });

  test('is reported frame by frame', async () => {
    const seen: number[] = [];
    await render(renderer, tiny, { onProgress: ({ frame, frameCount }) => void seen.push(frame / frameCount) });
    expect(seen).toHaveLength(64);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  test('holds still pictures as often as the template does', async () => {
    const held = await fixture('held');
    const { bytes, frameCount, width } = await render(renderer, held);
    expect(frameCount).toBe(held.frameCount);
    const [before, after, later] = [
      await decodeFrame(bytes, 2),
      await decodeFrame(bytes, 15),
      await decodeFrame(bytes, 17),
    ];
    const y = Math.round(120 * (480 / 180));
    const inBox = (picture: Buffer, x: number): boolean =>
      (pixelAt(picture, width, Math.round(x * (480 / 180)), y)[0] ?? 0) > 180;
    expect([inBox(before, 30), inBox(after, 30), inBox(later, 30)]).toEqual([true, true, false]);
    expect(inBox(later, 95)).toBe(true);
  });
});

describe('templates of other kinds', () => {
  test('a template that is read again is not loaded again where its twin is open', async () => {
    const { sha256 } = await render(renderer, tiny);
    // It has the digest of its twin and no files: a page that loaded it would find nothing.
    const twin: Template = { ...tiny, files: new Map() };
    expect((await render(renderer, twin)).sha256).toBe(sha256);
  });

  test('a stock composition without the message contract gets its params as variables', async () => {
    await using stock = await gsapFixture('stock');
    const grace = await render(renderer, stock.template, { params: { name: 'Grace' } });
    const edsger = await render(renderer, stock.template, { params: { name: 'Edsger' } });
    const again = await render(renderer, stock.template, { params: { name: 'Grace' } });
    expect(grace.sha256).not.toBe(edsger.sha256);
    expect(again.sha256).toBe(grace.sha256);
    // The bar at the bottom, whose timeline GSAP plays, is half way at one second.
    const picture = await decodeFrame(grace.bytes, 32);
    expect(pixelAt(picture, 854, 400, 470)[0]).toBeGreaterThan(180);
    expect(pixelAt(picture, 854, 460, 470)[0]).toBeLessThan(60);
  });

  test('a page that moves by the clock, by animation frames and by chance does so the same way every time', async () => {
    const clocked = await fixture('clocked');
    const first = await render(renderer, clocked);
    await render(renderer, tiny);
    const second = await render(renderer, clocked);
    expect(second.sha256).toBe(first.sha256);
    expect((await decodeFrame(first.bytes, 5)).equals(await decodeFrame(first.bytes, 40))).toBe(false);
  });

  test('a page that opens dialogs is not stopped by them', async () => {
    expect((await render(renderer, await fixture('asks'))).frameCount).toBe(64);
  });
});
