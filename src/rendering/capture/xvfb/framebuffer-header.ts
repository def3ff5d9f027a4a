/** The header of the file that Xvfb keeps a screen in: that of an X window dump, version 7 (XWDFile.h of xorgproto). */

import { readSync } from 'node:fs';
import { Failure } from '../../../contracts/failures.ts';
import type { Size } from '../../geometry.ts';

/** Its fields are 32 bits, most significant byte first; these are the numbers of those that are looked at. */
const FIELD = {
  headerBytes: 0,
  version: 1,
  width: 4,
  height: 5,
  byteOrder: 7,
  bitsPerPixel: 11,
  strideBytes: 12,
  redMask: 14,
  blueMask: 16,
  colours: 19,
} as const;
const HEADER_BYTES = 100;
const COLOUR_BYTES = 12;

/** Where pixels begin and how long rows are. Failure `ToolMissing` when they are not blue, green, red and a spare byte. */
export function readFramebufferHeader(file: number, screen: Size): { strideBytes: number; firstByte: number } {
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(file, header, 0, HEADER_BYTES, 0);
  const field = (name: keyof typeof FIELD): number => header.readUInt32BE(FIELD[name] * 4);
  const isAsExpected =
    field('version') === 7 &&
    field('width') === screen.width &&
    field('height') === screen.height &&
    field('byteOrder') === 0 &&
    field('bitsPerPixel') === 32 &&
    field('redMask') === 0xff0000 &&
    field('blueMask') === 0xff;
  if (!isAsExpected)
    throw new Failure('ToolMissing', 'Xvfb keeps its screen in a format that the engine does not know.');
  return { strideBytes: field('strideBytes'), firstByte: field('headerBytes') + field('colours') * COLOUR_BYTES };
}
