/** Pictures compared. Pure. */

import type { Size } from '../geometry.ts';

/** The three planes of an I420 picture, as views of it. */
export function planesOf(i420: Uint8Array, { width, height }: Size): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const luma = width * height;
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  return [i420.subarray(0, luma), i420.subarray(luma, luma + chroma), i420.subarray(luma + chroma, luma + 2 * chroma)];
}

/** Mean squared difference of two planes of one length, in squared levels. */
export function meanSquaredError(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) {
    const difference = (a[at] as number) - (b[at] as number);
    sum += difference * difference;
  }
  return sum / Math.max(1, a.length);
}

/** Peak signal-to-noise ratio in dB; Infinity for equal planes. */
export const psnr = (squaredError: number): number => 10 * Math.log10((255 * 255) / squaredError);

/** The distance between the darkest and the lightest level. */
export function rangeOf(levels: Uint8Array): number {
  let [lowest, highest] = [255, 0];
  for (const level of levels) {
    if (level < lowest) lowest = level;
    if (level > highest) highest = level;
  }
  return highest - lowest;
}

/** A plane shrunk to cells, each the mean of its part: comparable between renditions of one picture. */
export function cellMeans(plane: Uint8Array, { width, height }: Size, cells: Size): Uint8Array {
  const edge = (index: number, count: number, length: number): number => Math.floor((index * length) / count);
  // Where there are more cells than pixels, neighbours share one.
  const endOf = (index: number, count: number, length: number): number =>
    Math.max(edge(index, count, length) + 1, edge(index + 1, count, length));
  const means = new Uint8Array(cells.width * cells.height);
  for (let row = 0; row < cells.height; row++) {
    const [top, bottom] = [edge(row, cells.height, height), endOf(row, cells.height, height)];
    for (let column = 0; column < cells.width; column++) {
      const [left, right] = [edge(column, cells.width, width), endOf(column, cells.width, width)];
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) sum += plane[y * width + x] as number;
      }
      means[row * cells.width + column] = Math.round(sum / ((bottom - top) * (right - left)));
    }
  }
  return means;
}
