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
 * (https://www.w3.org/WAI/WCAG22/Understanding/three-flashes-or-below-threshold). It need not hang together, but must change at once.
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
  // Only what becomes lighter, or darker, at the same time is one flash: a crowd of things that move is none.
  const [ups, downs] = [new Uint16Array(frames.length), new Uint16Array(frames.length)];
  for (let cell = 0; cell < cells; cell++) {
    for (const { frame, direction } of changesOf(frames.map((levels) => levels[cell] ?? 0))) {
      const count = direction === 'up' ? ups : downs;
      count[frame] = (count[frame] ?? 0) + 1;
    }
  }
  const large: number[] = [];
  let last: Direction | null = null;
  for (let frame = 0; frame < frames.length; frame++) {
    const [up, down] = [ups[frame] ?? 0, downs[frame] ?? 0];
    if (Math.max(up, down) <= AREA * cells) continue;
    const direction = up > down ? 'up' : 'down';
    if (direction !== last) large.push(frame);
    last = direction;
  }
  return large.find((frame, index) => (large[index + CHANGES] ?? Number.POSITIVE_INFINITY) < frame + fps) ?? null;
}

type Direction = 'up' | 'down';
interface Change {
  readonly frame: number;
  readonly direction: Direction;
}

/** Frames in which one cell has become lighter or darker by a tenth since it last did the opposite. */
function changesOf(levels: readonly number[]): Change[] {
  const found: Change[] = [];
  let [lowest, highest] = [levels[0] ?? 0, levels[0] ?? 0];
  let direction: Direction | null = null;
  for (const [frame, level] of levels.entries()) {
    lowest = Math.min(lowest, level);
    highest = Math.max(highest, level);
    if (direction !== 'up' && level - lowest >= CHANGE && lowest < DARK) {
      [direction, highest] = ['up', level];
      found.push({ frame, direction });
    } else if (direction !== 'down' && highest - level >= CHANGE && level < DARK) {
      [direction, lowest] = ['down', level];
      found.push({ frame, direction });
    } else if (direction === 'up' && level === highest) lowest = level;
    else if (direction === 'down' && level === lowest) highest = level;
  }
  return found;
}
