import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  ALL_ROWS,
  FrameBuffer,
  I420_MODULE,
  type Picture,
  type PixelLayout,
} from '../../src/rendering/capture/i420/frame-buffer.ts';
import { i420Bytes } from '../../src/rendering/geometry.ts';
import { exactI420, referenceI420 } from './i420-reference.ts';
import { ROOT } from './support.ts';

const converted = (pixels: Uint8Array, layout: PixelLayout): Uint8Array => {
  const buffer = new FrameBuffer(layout);
  buffer.take(pictureOf(pixels));
  return buffer.next().data;
};

const pictureOf = (pixels: Uint8Array, touchedRows = ALL_ROWS): Picture => ({
  read: (target, at) => target.set(pixels.subarray(at, at + target.byteLength)),
  touchedRows,
});

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
    const layout = { width: 8, height: 2, strideBytes: 32, order: 'bgra' } as const;
    const buffer = new FrameBuffer(layout);
    const shown = [200, 200, 201, 201].map((grey) => {
      buffer.take(pictureOf(new Uint8Array(64).fill(grey)));
      const { data, isRepeat } = buffer.next();
      return { planes: Buffer.from(data).toString('hex'), isRepeat };
    });
    expect(shown.map(({ isRepeat }) => isRepeat)).toEqual([false, true, false, true]);
    const [one, two, three, four] = shown.map(({ planes }) => planes);
    expect([two === one, three === two, four === three]).toEqual([true, false, true]);
    buffer.forget();
    buffer.take(pictureOf(new Uint8Array(64).fill(201)));
    expect(buffer.next().isRepeat).toBe(false);
  });

  test.each([
    ['no row', { start: 0, end: 0 }],
    ['rows below it', { start: 2, end: 9 }],
  ])('a picture that was touched on %s is not read; the first always is', (_which, touchedRows) => {
    const buffer = new FrameBuffer({ width: 8, height: 2, strideBytes: 32, order: 'bgra' });
    const reads: number[] = [];
    const shown = [10, 20, 30].map((grey) => {
      const { read } = pictureOf(new Uint8Array(64).fill(grey));
      buffer.take({ read: (target, at) => reads.push(grey) && read(target, at), touchedRows });
      const { data, isRepeat } = buffer.next();
      return { planes: Buffer.from(data).toString('hex'), isRepeat };
    });
    expect(reads).toEqual([10]);
    expect(shown.map(({ isRepeat }) => isRepeat)).toEqual([false, true, true]);
    expect(new Set(shown.map(({ planes }) => planes)).size).toBe(1);
  });

  test('a change is seen wherever it is, and what did not change stays', () => {
    // Larger than what is compared at a time, and no multiple of it.
    const layout = { width: 500, height: 400, strideBytes: 2048, order: 'bgra' } as const;
    const bytes = layout.strideBytes * layout.height;
    const buffer = new FrameBuffer(layout);
    const pixels = Buffer.from(Uint8Array.from({ length: bytes }, (_, at) => (at * 31) % 251));
    buffer.take(pictureOf(pixels));
    buffer.next();
    // On even rows and columns and by much: both luma and chroma tell.
    const place = fc.record({ row: fc.integer({ min: 0, max: 199 }), column: fc.integer({ min: 0, max: 249 }) });
    fc.assert(
      fc.property(
        fc.array(place, { maxLength: 3 }),
        fc.nat({ max: 400 }),
        fc.nat({ max: 400 }),
        (places, one, other) => {
          for (const { row, column } of places) {
            const at = 2 * row * layout.strideBytes + 8 * column + 1;
            pixels[at] = 255 - (pixels[at] ?? 0);
          }
          // As much around them as may be.
          const rows = [one, other, ...places.flatMap(({ row }) => [2 * row, 2 * row + 1])];
          buffer.take(pictureOf(pixels, { start: Math.min(...rows), end: Math.max(...rows) }));
          const { data, isRepeat } = buffer.next();
          const odd = places.filter(
            ({ row, column }) =>
              places.filter((other) => other.row === row && other.column === column).length % 2 === 1,
          );
          expect(isRepeat).toBe(odd.length === 0);
          expect(Buffer.from(data).equals(Buffer.from(converted(pixels, layout)))).toBe(true);
        },
      ),
    );
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
