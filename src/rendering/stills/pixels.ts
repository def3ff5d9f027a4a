/** Captured I420 (BT.709, limited range) as the RGB that still pictures are made of. Pure. */

import type { Size } from '../geometry.ts';
import { planesOf } from '../verify/picture.ts';

/** Three bytes a pixel, sRGB as the page had it; as large as the frame. */
export function rgbOf(i420: Uint8Array, size: Size): Buffer {
  const [luma, u, v] = planesOf(i420, size);
  return convert({ luma, u, v }, size, 1);
}

/** The same, shrunk: every pixel is the mean of the area that it covers. */
export function smallRgbOf(i420: Uint8Array, size: Size, small: Size): Buffer {
  const [luma, u, v] = planesOf(i420, size);
  const chroma = { width: Math.ceil(size.width / 2), height: Math.ceil(size.height / 2) };
  const planes = { luma: areaMeans(luma, size, small), u: areaMeans(u, chroma, small), v: areaMeans(v, chroma, small) };
  return convert(planes, small, 0);
}

interface Planes {
  readonly luma: Uint8Array;
  readonly u: Uint8Array;
  readonly v: Uint8Array;
}

/** Rec. ITU-R BT.709-6, item 3.4, at 8 bits. `shift`: 1 where chroma has half the resolution, as 4:2:0, else 0. */
function convert({ luma, u, v }: Planes, { width, height }: Size, shift: 0 | 1): Buffer {
  const rgb = new Uint8ClampedArray(width * height * 3);
  const chromaWidth = shift === 1 ? Math.ceil(width / 2) : width;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const chromaRow = (y >> shift) * chromaWidth;
    for (let x = 0; x < width; x++) {
      const light = 1.164384 * ((luma[y * width + x] as number) - 16);
      const blue = (u[chromaRow + (x >> shift)] as number) - 128;
      const red = (v[chromaRow + (x >> shift)] as number) - 128;
      rgb[to] = light + 1.792741 * red;
      rgb[to + 1] = light - 0.213249 * blue - 0.532909 * red;
      rgb[to + 2] = light + 2.112402 * blue;
      to += 3;
    }
  }
  return Buffer.from(rgb.buffer);
}

/** A plane at another size. */
export function areaMeans(plane: Uint8Array, from: Size, to: Size): Uint8Array {
  const result = new Uint8Array(to.width * to.height);
  const row = new Float32Array(from.width);
  const [scaleX, scaleY] = [from.width / to.width, from.height / to.height];
  for (let y = 0; y < to.height; y++) {
    row.fill(0);
    for (let line = Math.floor(y * scaleY); line < Math.min(from.height, Math.ceil((y + 1) * scaleY)); line++) {
      const weight = overlap(line, y * scaleY, (y + 1) * scaleY);
      const start = line * from.width;
      for (let x = 0; x < from.width; x++) row[x] = (row[x] as number) + weight * (plane[start + x] as number);
    }
    for (let x = 0; x < to.width; x++) {
      const [left, right] = [x * scaleX, (x + 1) * scaleX];
      let sum = 0;
      for (let column = Math.floor(left); column < Math.min(from.width, Math.ceil(right)); column++) {
        sum += overlap(column, left, right) * (row[column] as number);
      }
      result[y * to.width + x] = Math.round(sum / (scaleX * scaleY));
    }
  }
  return result;
}

/** How much of the unit from `at` to `at + 1` lies between `from` and `to`. */
const overlap = (at: number, from: number, to: number): number => Math.min(at + 1, to) - Math.max(at, from);
