import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FrameBuffer, I420_MODULE, type PixelLayout } from '../../src/rendering/capture/i420/frame-buffer.ts';
import { i420Bytes } from '../../src/rendering/geometry.ts';
import { exactI420, referenceI420 } from './i420-reference.ts';
import { ROOT } from './support.ts';

const converted = (pixels: Uint8Array, layout: PixelLayout): Uint8Array => {
  const buffer = new FrameBuffer(layout);
  buffer.pixels.set(pixels);
  return buffer.next().data;
};

const anyPicture = fc
  .record({
    width: fc.integer({ min: 1, max: 41 }),
    height: fc.integer({ min: 1, max: 9 }),
    margin: fc.integer({ min: 0, max: 3 }),
    order: fc.constantFrom('bgra', 'rgba'),
  })
  .chain(({ width, height, margin, order }) => {
    const strideBytes = (width + margin) * 4;
    const bytes = strideBytes * height;
    return fc.record({
      layout: fc.constant<PixelLayout>({ width, height, strideBytes, order }),
      pixels: fc.uint8Array({ minLength: bytes, maxLength: bytes }),
    });
  });

describe('pixels to I420', () => {
  test('the module does what the reference does for every size, odd ones too, in both pixel orders', () => {
    fc.assert(
      fc.property(anyPicture, ({ pixels, layout }) => {
        expect(Buffer.from(converted(pixels, layout)).equals(referenceI420(pixels, layout))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('no sample is more than one level from BT.709 in floating point', () => {
    fc.assert(
      fc.property(anyPicture, ({ pixels, layout }) => {
        const exact = exactI420(pixels, layout);
        const worst = converted(pixels, layout).reduce(
          (most, level, i) => Math.max(most, Math.abs(level - (exact[i] ?? 0))),
          0,
        );
        expect(worst).toBeLessThanOrEqual(1);
      }),
    );
  });

  test.each([
    ['black', [0, 0, 0], [16, 128, 128]],
    ['white', [255, 255, 255], [235, 128, 128]],
    ['grey', [128, 128, 128], [126, 128, 128]],
    ['red', [255, 0, 0], [63, 102, 240]],
    ['green', [0, 255, 0], [173, 42, 26]],
    ['blue', [0, 0, 255], [32, 240, 118]],
  ] as const)('%s comes out as BT.709 has it', (_name, [red, green, blue], expected) => {
    const layout: PixelLayout = { width: 16, height: 2, strideBytes: 64, order: 'rgba' };
    const pixels = Uint8Array.from({ length: 128 }, (_, i) => [red, green, blue, 255][i % 4] ?? 0);
    const planes = converted(pixels, layout);
    expect([planes[0], planes[32], planes[40]]).toEqual(expected);
    expect(planes).toHaveLength(i420Bytes(layout));
  });

  test('a picture that is the same as the last is told as such, and its planes stay', () => {
    const buffer = new FrameBuffer({ width: 8, height: 2, strideBytes: 32, order: 'bgra' });
    buffer.pixels.fill(200);
    const first = buffer.next();
    const planes = Buffer.from(first.data);
    buffer.pixels.fill(200);
    const second = buffer.next();
    buffer.pixels.fill(201);
    const third = buffer.next();
    expect([first.isRepeat, second.isRepeat, third.isRepeat]).toEqual([false, true, false]);
    expect(Buffer.from(second.data).length).toBe(planes.length);
    expect(planes.equals(Buffer.from(third.data))).toBe(false);
  });

  test('rows that are too short for their pixels are refused', () => {
    expect(() => new FrameBuffer({ width: 8, height: 2, strideBytes: 31, order: 'bgra' })).toThrow(/8x2 .* 31 bytes/);
  });

  test('the committed module is what its source builds to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-wasm-'));
    try {
      const built = join(folder, 'i420.wasm');
      await promisify(execFile)(join(ROOT, 'scripts/build-wasm.sh'), [built]);
      expect((await readFile(built)).equals(I420_MODULE)).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 60_000);
});
