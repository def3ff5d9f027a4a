/** H.264 levels: what a decoder must be able to do, told in the stream. Pure. */

import { Failure } from '../../contracts/failures.ts';
import type { Size } from '../geometry.ts';

/**
 * Rec. ITU-T H.264 (08/2021), Table A-1: macroblocks a second, macroblocks a frame, macroblocks that a decoder keeps, and
 * kilobits a second, the last for High profile (1.25 times the table's figure: A.3.3).
 */
const LEVELS = [
  ['3.0', 40_500, 1_620, 8_100, 12_500],
  ['3.1', 108_000, 3_600, 18_000, 17_500],
  ['3.2', 216_000, 5_120, 20_480, 25_000],
  ['4.0', 245_760, 8_192, 32_768, 25_000],
  ['4.1', 245_760, 8_192, 32_768, 62_500],
  ['4.2', 522_240, 8_704, 34_816, 62_500],
  ['5.0', 589_824, 22_080, 110_400, 168_750],
  ['5.1', 983_040, 36_864, 184_320, 300_000],
  ['5.2', 2_073_600, 36_864, 184_320, 300_000],
  ['6.0', 4_177_920, 139_264, 696_320, 300_000],
  ['6.1', 8_355_840, 139_264, 696_320, 600_000],
  ['6.2', 16_711_680, 139_264, 696_320, 1_000_000],
] as const;

const MACROBLOCK = 16;
/** Frames that a decoder of our streams keeps: two that others refer to, and the ones that wait to be shown. */
const KEPT_FRAMES = 4;

interface Video extends Size {
  readonly fps: number;
  readonly maxKbps?: number | undefined;
}

/** The lowest level that holds such a video. Failure `TemplateInvalid` when H.264 has none. */
export function levelFor({ width, height, fps, maxKbps = 0 }: Video): string {
  const [across, down] = [Math.ceil(width / MACROBLOCK), Math.ceil(height / MACROBLOCK)];
  const frame = across * down;
  for (const [level, perSecond, perFrame, kept, kbps] of LEVELS) {
    // A.3.1 h: no side longer than the square root of 8 frames' worth.
    const isTooLong = Math.max(across, down) > Math.sqrt(perFrame * 8);
    if (isTooLong || frame > perFrame || frame * fps > perSecond) continue;
    if (frame * KEPT_FRAMES <= kept && maxKbps <= kbps) return level;
  }
  throw new Failure('TemplateInvalid', `A video of ${width}x${height} at ${fps} fps is more than H.264 can hold.`);
}
