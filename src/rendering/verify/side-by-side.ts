/** Two frames that should be one, for a person to see what differs. */

import sharp from 'sharp';
import type { Size } from '../geometry.ts';
import { rgbOf } from '../stills/pixels.ts';

/** PNG of two frames (I420) and of where they differ: white. */
export async function sideBySide(left: Uint8Array, right: Uint8Array, size: Size): Promise<Uint8Array> {
  const raw = { width: size.width, height: size.height, channels: 3 } as const;
  const [one, two] = [rgbOf(left, size), rgbOf(right, size)];
  const difference = Buffer.alloc(one.byteLength);
  for (let at = 0; at < one.byteLength; at += 1) {
    difference[at] = Math.min(255, 8 * Math.abs((one[at] ?? 0) - (two[at] ?? 0)));
  }
  const strip = { width: size.width * 3, height: size.height, channels: 3, background: '#000' } as const;
  return await sharp({ create: strip })
    .composite([one, two, difference].map((input, index) => ({ input, raw, left: index * size.width, top: 0 })))
    .png()
    .toBuffer();
}
