/** The finished video against what it was to be: wrong output is worse than none. */

import { BufferSource, EncodedPacketSink, Input, MP4 } from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { type FfmpegRun, runFfmpeg } from '../encode/ffmpeg.ts';
import type { Size } from '../geometry.ts';
import { isFastStart } from '../mp4/boxes.ts';

export interface Expected extends Size {
  readonly frameCount: number;
  readonly durationMs: number;
}

/** Frames are decoded to this size to see whether anything is on them. */
const THUMBNAIL = { width: 64, height: 36 };
/** Luma levels that a picture of one colour may vary by: what x264 and scaling leave. */
const BLANK_LEVELS = 3;

export interface VerifyOptions extends Pick<FfmpegRun, 'ffmpeg' | 'limitMs'> {
  readonly signal: AbortSignal;
}

/** Failure `OutputInvalid` names the first thing that is wrong. */
export async function verifyVideo(mp4: Uint8Array, expected: Expected, options: VerifyOptions): Promise<void> {
  const wrong = (what: string): Failure => new Failure('OutputInvalid', `The finished video ${what}.`);
  await verifyContainer(mp4, expected, wrong);
  if (await isBlank(mp4, options)) throw wrong('is blank: every frame is of one colour');
}

async function verifyContainer(mp4: Uint8Array, expected: Expected, wrong: (what: string) => Failure): Promise<void> {
  if (!isFastStart(mp4)) throw wrong('has its index behind its media: players would have to load all of it first');
  using input = new Input({ formats: [MP4], source: new BufferSource(mp4) });
  const track = await input.getPrimaryVideoTrack();
  const config = await track?.getDecoderConfig();
  if (track === null || !config) throw wrong('has no video track');
  // avc1.64….: High profile, that is 8 bits and 4:2:0.
  if (!config.codec.startsWith('avc1.64')) throw wrong(`is ${config.codec}, not H.264 High`);
  const { codedWidth, codedHeight } = config;
  if (codedWidth !== expected.width || codedHeight !== expected.height) {
    throw wrong(`is ${codedWidth}x${codedHeight}, not ${expected.width}x${expected.height}`);
  }
  let frames = 0;
  for await (const _ of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true })) frames += 1;
  if (frames !== expected.frameCount) throw wrong(`has ${frames} frames, not ${expected.frameCount}`);
  const durationMs = Math.round((await input.computeDuration()) * 1000);
  if (durationMs !== expected.durationMs) throw wrong(`lasts ${durationMs} ms, not ${expected.durationMs}`);
}

/** Looks for a picture, one with more than one shade: among the keyframes, and when there is none, among all frames. */
async function isBlank(mp4: Uint8Array, options: VerifyOptions): Promise<boolean> {
  // A film may well fade in from black, and a short one has no second keyframe.
  return (await areFlat(mp4, ['-skip_frame', 'nokey'], options)) && (await areFlat(mp4, [], options));
}

/** Decodes frames as a player would, very small. True when every one is of one colour. */
async function areFlat(
  mp4: Uint8Array,
  selection: readonly string[],
  { ffmpeg, limitMs, signal }: VerifyOptions,
): Promise<boolean> {
  const { width, height } = THUMBNAIL;
  const thumbnails = await runFfmpeg(
    {
      ffmpeg,
      limitMs,
      input: ['-threads', '1', ...selection, '-f', 'mp4'],
      filter: `scale=${width}:${height}:flags=area,format=gray`,
      output: ['-an', '-vsync', '0', '-f', 'rawvideo'],
    },
    mp4,
    signal,
  );
  const pixels = width * height;
  if (thumbnails.byteLength < pixels) throw new Failure('OutputInvalid', 'The finished video cannot be decoded.');
  for (let start = 0; start + pixels <= thumbnails.byteLength; start += pixels) {
    if (rangeOf(thumbnails.subarray(start, start + pixels)) > BLANK_LEVELS) return false;
  }
  return true;
}

function rangeOf(levels: Uint8Array): number {
  let [lowest, highest] = [255, 0];
  for (const level of levels) {
    if (level < lowest) lowest = level;
    if (level > highest) highest = level;
  }
  return highest - lowest;
}
