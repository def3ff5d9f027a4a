/** A picture's luma at a few hundred points: enough to tell frames apart, little enough to keep for every frame. */

import type { Size } from '../geometry.ts';

/** Where to look, as offsets into the luma plane. Spread evenly and on no grid, so that no pattern hides between them. */
export function spreadPoints({ width, height }: Size, count: number): Uint32Array {
  // Steps of the R2 sequence: 1/p and 1/p² of the plastic number p, p³ = p + 1.
  const [stepX, stepY] = [0.7548776662466927, 0.5698402909980532];
  return Uint32Array.from({ length: count }, (_, index) => {
    const x = Math.floor(((0.5 + index * stepX) % 1) * width);
    const y = Math.floor(((0.5 + index * stepY) % 1) * height);
    return y * width + x;
  });
}

/** Luma at `points`, written into `target`. */
export function readPoints(luma: Uint8Array, points: Uint32Array, target: Uint8Array): Uint8Array {
  for (let index = 0; index < points.length; index++) target[index] = luma[points[index] as number] as number;
  return target;
}
