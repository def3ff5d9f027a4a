/**
 * Flashes of a film, as WCAG 2.3.1 counts them: pairs of opposing changes in relative luminance of a tenth or more, where the darker picture is
 * below 0.80. Pure.
 */

import type { Size } from '../../rendering/geometry.ts';
import { areaMeans } from '../../rendering/stills/pixels.ts';

/** Of a frame: enough to tell how large an area is. */
export const CELLS: Size = { width: 32, height: 18 };
const CHANGE = 0.1;
const DARK = 0.8;
/**
 * Share of a frame that may flash: 21,824 of 1024×768 pixels, a quarter of the 10° of the eye's middle, at a usual distance from a screen
 * (https://www.w3.org/WAI/WCAG22/Understanding/three-flashes-or-below-threshold). Whether it hangs together is not looked at.
 */
const AREA = 21_824 / (1024 * 768);
/** Three flashes are six changes; one more begins a fourth. */
const CHANGES = 6;

/** Relative luminance by cell, of the luma plane of a frame (BT.709, limited range). */
export function luminanceOf(luma: Uint8Array, size: Size): Float64Array {
  return Float64Array.from(areaMeans(luma, size, CELLS), (level) => {
    const light = Math.min(1, Math.max(0, (level - 16) / 219));
    return light <= 0.04045 ? light / 12.92 : ((light + 0.055) / 1.055) ** 2.4;
  });
}

/** The first frame of a second in which more than three flashes are so large; null: there is none. */
export function firstOfFlashes(frames: readonly Float64Array[], fps: number): number | null {
  const cells = frames[0]?.length ?? 0;
  const changes = Array.from({ length: cells }, (_, cell) => changesOf(frames.map((frame) => frame[cell] ?? 0)));
  for (let start = 0; start < frames.length; start++) {
    const flashing = changes.filter(
      (at) => at.filter((frame) => frame >= start && frame < start + fps).length > CHANGES,
    );
    if (flashing.length > AREA * cells) return start;
  }
  return null;
}

/** Frames in which one cell has become lighter or darker by a tenth since it last did the opposite. */
function changesOf(levels: readonly number[]): number[] {
  const found: number[] = [];
  let [lowest, highest] = [levels[0] ?? 0, levels[0] ?? 0];
  let direction: 'up' | 'down' | null = null;
  for (const [frame, level] of levels.entries()) {
    lowest = Math.min(lowest, level);
    highest = Math.max(highest, level);
    if (direction !== 'up' && level - lowest >= CHANGE && lowest < DARK) {
      found.push(frame);
      [direction, highest] = ['up', level];
    } else if (direction !== 'down' && highest - level >= CHANGE && level < DARK) {
      found.push(frame);
      [direction, lowest] = ['down', level];
    } else if (direction === 'up' && level === highest) lowest = level;
    else if (direction === 'down' && level === lowest) highest = level;
  }
  return found;
}
