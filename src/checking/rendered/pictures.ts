/** Frames with a mark on them, for whoever reads a finding. */

import sharp from 'sharp';
import { pageScaleOf, type Size } from '../../rendering/geometry.ts';
import { rgbOf } from '../../rendering/stills/pixels.ts';
import type { Box } from './texts.ts';

/** Around what is marked, in pixels of the frame. */
const MARGIN = 4;

/** PNG of a frame (I420) with a red frame around some places of the template's page. */
export async function marked(i420: Uint8Array, size: Size, page: Size, boxes: readonly Box[]): Promise<Uint8Array> {
  const { width, height } = size;
  const scale = pageScaleOf(page, size);
  const rectangles = boxes.map(({ left, top, right, bottom }) => {
    // Of what lies outside, the edge of the frame is marked.
    const [x, y] = [clamped(left * scale - MARGIN, width), clamped(top * scale - MARGIN, height)];
    const [toX, toY] = [clamped(right * scale + MARGIN, width), clamped(bottom * scale + MARGIN, height)];
    return `<rect x="${x}" y="${y}" width="${Math.max(2, toX - x)}" height="${Math.max(2, toY - y)}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g fill="none" stroke="#ff2020" stroke-width="3">${rectangles.join('')}</g></svg>`;
  return await sharp(rgbOf(i420, size), { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
}

const clamped = (at: number, length: number): number => Math.round(Math.min(length - 2, Math.max(2, at)));
