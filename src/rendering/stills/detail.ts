/** How much there is to see in a frame, and how much of it moves: a look at some rows of its luma. */

import type { Size } from '../geometry.ts';

export interface Look {
  /** Mean squared step between neighbours: sharp edges count much, the same edges blurred little. */
  readonly detail: number;
  /** Mean change in levels since the frame before; 0 for the first. */
  readonly motion: number;
}

const ROWS = 24;
/** Every so many pixels of a row. */
const STEP = 2;

/** Looks at the frames of one film, in order. About 60 µs a frame at 1080p. */
export class DetailMeter {
  private readonly rowStarts: readonly number[];
  private readonly width: number;
  private readonly before: Uint8Array;
  private hasBefore = false;

  constructor({ width, height }: Size) {
    const rows = Math.min(ROWS, height);
    this.width = width;
    this.rowStarts = Array.from({ length: rows }, (_, row) => Math.floor(((row + 0.5) * height) / rows) * width);
    this.before = new Uint8Array(rows * Math.ceil(width / STEP));
  }

  /** `luma`: the plane, or a whole I420 frame. */
  look(luma: Uint8Array): Look {
    const { before, width } = this;
    let [steps, changes, at] = [0, 0, 0];
    for (const start of this.rowStarts) {
      for (let pixel = start; pixel < start + width - 1; pixel += STEP) {
        const level = luma[pixel] as number;
        const step = level - (luma[pixel + 1] as number);
        steps += step * step;
        const change = level - (before[at] as number);
        changes += change < 0 ? -change : change;
        before[at] = level;
        at += 1;
      }
    }
    const motion = this.hasBefore ? changes / Math.max(1, at) : 0;
    this.hasBefore = true;
    return { detail: steps / Math.max(1, at), motion };
  }
}
