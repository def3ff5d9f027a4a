/** How well a text stands out from what is behind it, as WCAG 1.4.3 has it. Pure. */

import type { Size } from '../../rendering/geometry.ts';
import type { Box } from './texts.ts';

type Rgb = readonly [number, number, number];

const luminance = (rgb: Rgb): number => {
  const [r, g, b] = rgb.map((level) => {
    const light = level / 255;
    return light <= 0.04045 ? light / 12.92 : ((light + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/** From 1 to 21. */
export function contrastOf(one: Rgb, other: Rgb): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** What a colour that lets some through looks like over another. */
export const over = ([r, g, b]: Rgb, alpha: number, below: Rgb): Rgb => [
  alpha * r + (1 - alpha) * below[0],
  alpha * g + (1 - alpha) * below[1],
  alpha * b + (1 - alpha) * below[2],
];

/** The colour in the middle of those on the edge of a box (in pixels of the picture), by lightness; null where it is outside. */
export function colourAround(rgb: Uint8Array, { width, height }: Size, box: Box): Rgb | null {
  const [left, right] = [Math.round(box.left), Math.round(box.right)];
  const [top, bottom] = [Math.round(box.top), Math.round(box.bottom)];
  const found: Rgb[] = [];
  const take = (x: number, y: number): void => {
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    const at = 3 * (y * width + x);
    found.push([rgb[at] ?? 0, rgb[at + 1] ?? 0, rgb[at + 2] ?? 0]);
  };
  for (let x = left; x <= right; x++) for (const y of [top, bottom]) take(x, y);
  for (let y = top; y <= bottom; y++) for (const x of [left, right]) take(x, y);
  found.sort((a, b) => luminance(a) - luminance(b));
  return found[Math.floor(found.length / 2)] ?? null;
}

/** WCAG: 4.5, or 3 for text of 24 px and more, or bold from 18.66 px on. */
export const neededContrast = (fontPx: number, isBold: boolean): number => (fontPx >= (isBold ? 18.66 : 24) ? 3 : 4.5);
