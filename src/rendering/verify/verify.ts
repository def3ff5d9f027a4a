/** The finished video against what it was to be: wrong output is worse than none. */

import type { Size } from '../geometry.ts';
import { compareWithCaptured } from './compare.ts';
import { type ExpectedContainer, readContainer, wrong } from './container.ts';
import { type DecodedFrame, type DecodeOptions, decodeProof, decodeThumbnails } from './decode.ts';
import { cellMeans, planesOf, rangeOf } from './picture.ts';
import type { Captured } from './witness.ts';

export interface Expected extends ExpectedContainer {
  /** What a `CaptureWitness` saw. Without it, pictures are only looked at, not compared. */
  readonly captured?: Captured;
  /** Whether every frame may be of one colour; else that is wrong. */
  readonly mayBeBlank?: boolean;
}

export type VerifyOptions = DecodeOptions;

/** Frames are shrunk to this size to see whether anything is on them. */
const THUMBNAIL = { width: 64, height: 36 };
/** Luma levels that a picture of one colour may vary by: what x264 and scaling leave. */
const BLANK_LEVELS = 3;

/**
 * Failure `OutputInvalid` names the first thing that is wrong: of the MP4 itself, of the pictures in it, or between these
 * and what was captured. Pictures are compared at the first and the last frame and at up to eight keyframes; what lies
 * between is not decoded. 270 CPU-ms for 12 s at 1080p, ffmpeg's start included, and 20 µs a frame for the witness: 1.7 %
 * of that render. Sound is `verifyAudio`'s.
 */
export async function verifyVideo(mp4: Uint8Array, expected: Expected, options: VerifyOptions): Promise<void> {
  const stream = await readContainer(mp4, expected);
  const decoded = await decodeProof(stream, expected, options);
  if (expected.mayBeBlank !== true && (await isBlank(mp4, decoded, expected, options)))
    throw wrong('is blank: every frame is of one colour');
  if (expected.captured !== undefined) compareWithCaptured(decoded, expected, expected.captured);
}

/** Looks for a picture, one with more than one shade: among the frames at hand, and when there is none, among all. */
async function isBlank(
  mp4: Uint8Array,
  decoded: readonly DecodedFrame[],
  size: Size,
  options: VerifyOptions,
): Promise<boolean> {
  const isFlat = (thumbnail: Uint8Array): boolean => rangeOf(thumbnail) <= BLANK_LEVELS;
  const thumbnailOf = ({ data }: DecodedFrame): Uint8Array => cellMeans(planesOf(data, size)[0], size, THUMBNAIL);
  if (!decoded.every((frame) => isFlat(thumbnailOf(frame)))) return false;
  // A film may well fade in from black and out again, and a short one has no second keyframe.
  return (await decodeThumbnails(mp4, THUMBNAIL, options)).every(isFlat);
}
