/** The arithmetic of src/rendering/capture/i420/assembly/i420.ts, a pixel at a time, and ITU-R BT.709 itself in floating point. */

import type { PixelLayout } from '../../src/rendering/capture/i420/frame-buffer.ts';

type Weights = readonly [red: number, green: number, blue: number];
const LUMA: Weights = [5983, 20127, 2032];
const U: Weights = [-3298, -11094, 14392];
const V: Weights = [14392, -13072, -1320];

const dot = ([r, g, b]: Weights, [red, green, blue]: Weights): number => r * red + g * green + b * blue;

function reader(pixels: Uint8Array, { width, height, strideBytes, order }: PixelLayout) {
  return (x: number, y: number): Weights => {
    const at = Math.min(y, height - 1) * strideBytes + Math.min(x, width - 1) * 4;
    const [first = 0, second = 0, third = 0] = pixels.subarray(at, at + 3);
    return order === 'rgba' ? [first, second, third] : [third, second, first];
  };
}

function planes(
  pixels: Uint8Array,
  layout: PixelLayout,
  luma: (pixel: Weights) => number,
  chroma: (weights: 'u' | 'v', four: readonly Weights[]) => number,
): Uint8Array {
  const { width, height } = layout;
  const at = reader(pixels, layout);
  const out: number[] = [];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out.push(luma(at(x, y)));
  for (const plane of ['u', 'v'] as const) {
    for (let y = 0; y < height; y += 2) {
      for (let x = 0; x < width; x += 2) {
        out.push(chroma(plane, [at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)]));
      }
    }
  }
  return Uint8Array.from(out);
}

/** What the module must give, byte for byte. */
export const referenceI420 = (pixels: Uint8Array, layout: PixelLayout): Uint8Array =>
  planes(
    pixels,
    layout,
    (pixel) => (dot(pixel, LUMA) + (16 << 15) + (1 << 14)) >> 15,
    (plane, four) => {
      const sum = [0, 1, 2].map((part) => four.reduce((total, pixel) => total + (pixel[part] ?? 0), 0));
      const [red = 0, green = 0, blue = 0] = sum;
      return (dot([red, green, blue], plane === 'u' ? U : V) + (128 << 17) + (1 << 16)) >> 17;
    },
  );

/** Rec. ITU-R BT.709-6, items 3.2 to 3.5, not rounded to integers before the end. */
export const exactI420 = (pixels: Uint8Array, layout: PixelLayout): Uint8Array => {
  const y = ([r, g, b]: Weights): number => (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
  return planes(
    pixels,
    layout,
    (pixel) => Math.round(16 + 219 * y(pixel)),
    (plane, four) => {
      const parts = four.map((pixel) =>
        plane === 'u' ? (pixel[2] / 255 - y(pixel)) / 1.8556 : (pixel[0] / 255 - y(pixel)) / 1.5748,
      );
      return Math.round(128 + (224 * parts.reduce((sum, part) => sum + part, 0)) / 4);
    },
  );
};
