/**
 * Decoded frames against captured ones. Thresholds are from measurements with x264 at CRF 21–24: a frame against itself is
 * 37–50 dB in luma (31 dB where every pixel is noise; still 30 dB at CRF 45), against the frame before or after it 22–34 dB
 * where the template moves. Samples at 1,024 points come within 2 dB of the whole plane.
 */

import type { Size } from '../geometry.ts';
import { wrong } from './container.ts';
import type { DecodedFrame } from './decode.ts';
import { readPoints } from './luma-points.ts';
import { cellMeans, meanSquaredError, planesOf, psnr } from './picture.ts';
import type { Captured } from './witness.ts';

/** A plane that is less like what was captured is another picture, or a ruined one. */
const SAME_PICTURE_DB = 25;
/** A frame that is this much like its own capture is right, whatever else it is like. */
const SURELY_OWN_DB = 40;
/** So much nearer to another frame's capture, a frame is that other one. */
const OTHER_FRAME_DB = 3;
/** Pictures less alike than this are told apart by a person at once. */
const MOVED_DB = 30;
/** Renditions of other sizes are compared in cells of this many. */
const CELLS = { luma: { width: 64, height: 36 }, chroma: { width: 32, height: 18 } };
const PLANES = ['luma', 'blue chroma', 'red chroma'] as const;

export interface Comparison extends Size {
  readonly frameCount: number;
}

/** Failure `OutputInvalid` when the video stands still where the capture moved, or a frame is not the one captured. */
export function compareWithCaptured(decoded: readonly DecodedFrame[], expected: Comparison, captured: Captured): void {
  const isSameSize = captured.width === expected.width && captured.height === expected.height;
  if (isSameSize) compareSamples(decoded, expected, captured);
  const ends = [
    [decoded[0], captured.first],
    [decoded.at(-1), captured.last],
  ] as const;
  for (const [frame, original] of ends) {
    if (frame === undefined) throw wrong('cannot be decoded');
    const shown = comparable(frame.data, expected, isSameSize);
    const planes = comparable(original, captured, isSameSize);
    for (const [index, name] of PLANES.entries()) {
      const likeness = psnr(meanSquaredError(shown[index] as Uint8Array, planes[index] as Uint8Array));
      if (likeness < SAME_PICTURE_DB) {
        throw wrong(`shows another picture at frame ${frame.frame} than was captured (${name}: ${tell(likeness)})`);
      }
    }
  }
}

/** Every decoded frame against the samples of all captured ones: it must be like its own. */
function compareSamples(decoded: readonly DecodedFrame[], { frameCount }: Comparison, captured: Captured): void {
  const shown = decoded.map(({ frame, data }) => ({
    frame,
    luma: readPoints(data, captured.points, new Uint8Array(captured.points.length)),
  }));
  const likeness = (a: Uint8Array, b: Uint8Array): number => psnr(meanSquaredError(a, b));
  const [first] = shown;
  if (first === undefined) throw wrong('cannot be decoded');

  const moved = shown.filter(({ frame }) => likeness(captured.lumaAt(frame), captured.lumaAt(first.frame)) < MOVED_DB);
  if (moved.length > 0 && moved.every(({ luma }) => likeness(luma, first.luma) > SURELY_OWN_DB)) {
    throw wrong(
      `is frozen: it still shows its first picture at frame ${moved[0]?.frame}, though ${captured.changedFrames} of ${frameCount} captured frames were new`,
    );
  }
  for (const { frame, luma } of shown) {
    const own = likeness(luma, captured.lumaAt(frame));
    if (own >= SURELY_OWN_DB) continue;
    let [nearest, best] = [frame, own];
    for (let other = 0; other < frameCount; other++) {
      const found = likeness(luma, captured.lumaAt(other));
      if (found > best) [nearest, best] = [other, found];
    }
    if (best - own > OTHER_FRAME_DB) {
      throw wrong(
        `shows at frame ${frame} what was captured as frame ${nearest} (${tell(best)}, against ${tell(own)} to its own)`,
      );
    }
    if (own < SAME_PICTURE_DB) {
      throw wrong(`shows another picture at frame ${frame} than was captured (luma: ${tell(own)})`);
    }
  }
}

const comparable = (i420: Uint8Array, size: Size, isSameSize: boolean): readonly Uint8Array[] => {
  const planes = planesOf(i420, size);
  if (isSameSize) return planes;
  const chroma = { width: Math.ceil(size.width / 2), height: Math.ceil(size.height / 2) };
  return planes.map((plane, index) =>
    index === 0 ? cellMeans(plane, size, CELLS.luma) : cellMeans(plane, chroma, CELLS.chroma),
  );
};

const tell = (likeness: number): string => `${likeness.toFixed(1)} dB`;
