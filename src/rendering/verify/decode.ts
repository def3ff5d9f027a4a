/** The few frames of a video that prove it, decoded: some keyframes, and the last frame. One run of ffmpeg. */

import { Failure } from '../../contracts/failures.ts';
import { type FfmpegRun, runFfmpeg } from '../encode/ffmpeg.ts';
import { i420Bytes, type Size } from '../geometry.ts';
import { type CodedPicture, isReference, isSlice, nalUnitsOf } from '../h264/nal-units.ts';
import { type VideoStream, wrong } from './container.ts';

export interface DecodeOptions extends Pick<FfmpegRun, 'ffmpeg' | 'limitMs'> {
  readonly signal: AbortSignal;
}

export interface DecodedFrame {
  /** Number of the frame in the video. */
  readonly frame: number;
  /** I420, as coded. */
  readonly data: Uint8Array;
}

const START_CODE = Uint8Array.of(0, 0, 0, 1);
/** Decoded pictures held at once. */
const DECODED_BYTES = 32 * 1024 * 1024;
const MOST_KEYFRAMES = 8;

/**
 * The first frame, keyframes spread over the film, and the last frame, in this order. Only packets that these need go to
 * ffmpeg: keyframes stand alone, and of the last group of pictures those that nothing refers to are left out.
 */
export async function decodeProof(
  { packets, parameterSets, lengthBytes }: VideoStream,
  size: Size,
  { ffmpeg, limitMs, signal }: DecodeOptions,
): Promise<DecodedFrame[]> {
  const lastGroup = packets.slice(packets.findLastIndex(({ isKey }) => isKey));
  const lastFrame = packets.length - 1;
  const room = Math.floor(DECODED_BYTES / i420Bytes(size)) - 2;
  const keyframes = spread(
    packets.slice(0, packets.length - lastGroup.length).filter(({ isKey }) => isKey),
    Math.min(MOST_KEYFRAMES, Math.max(1, room)),
  );
  const isReferredTo = ({ data }: CodedPicture): boolean =>
    nalUnitsOf(data, lengthBytes).some((nal) => isSlice(nal) && isReference(nal));
  const needed = lastGroup.filter((packet) => packet.frame === lastFrame || isReferredTo(packet));
  const shown = [...keyframes, ...lastGroup.slice(0, 1)].map(({ frame }) => frame);
  const frames = [...new Set([...shown, lastFrame])];

  const stream: Uint8Array[] = parameterSets.flatMap((nal) => [START_CODE, nal]);
  for (const { data } of [...keyframes, ...needed]) {
    for (const nal of nalUnitsOf(data, lengthBytes)) stream.push(START_CODE, nal);
  }
  const decodedCount = keyframes.length + needed.length;
  const pictures = await decodeWith(
    {
      ffmpeg,
      limitMs,
      input: ['-threads', '1', '-f', 'h264'],
      filter: `select='lte(n,${keyframes.length})+eq(n,${decodedCount - 1})'`,
      output: ['-an', '-fps_mode', 'passthrough', '-pix_fmt', 'yuv420p', '-f', 'rawvideo'],
    },
    Buffer.concat(stream),
    signal,
  );
  const bytes = i420Bytes(size);
  if (pictures.byteLength !== frames.length * bytes) throw wrong('cannot be decoded');
  return frames.map((frame, index) => ({ frame, data: pictures.subarray(index * bytes, (index + 1) * bytes) }));
}

/** Every frame, very small and grey, decoded from the file as a player would. */
export async function decodeThumbnails(
  mp4: Uint8Array,
  { width, height }: Size,
  { ffmpeg, limitMs, signal }: DecodeOptions,
): Promise<Uint8Array[]> {
  const all = await decodeWith(
    {
      ffmpeg,
      limitMs,
      input: ['-threads', '1', '-f', 'mp4'],
      filter: `scale=${width}:${height}:flags=area,format=gray`,
      output: ['-an', '-fps_mode', 'passthrough', '-f', 'rawvideo'],
    },
    mp4,
    signal,
  );
  const pixels = width * height;
  if (all.byteLength < pixels) throw wrong('cannot be decoded');
  return Array.from({ length: Math.floor(all.byteLength / pixels) }, (_, index) =>
    all.subarray(index * pixels, (index + 1) * pixels),
  );
}

/**
 * Stays `EncoderFailed` when ffmpeg ends with an error: whether it choked on the video or was killed, the render is worth
 * another attempt.
 */
async function decodeWith(run: FfmpegRun, input: Uint8Array, signal: AbortSignal): Promise<Buffer> {
  try {
    return await runFfmpeg(run, input, signal);
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.failureClass !== 'EncoderFailed') throw cause;
    throw new Failure('EncoderFailed', `The finished video could not be decoded: ${cause.message}`, { cause });
  }
}

/** At most `count` of them, evenly, the first always among them. */
const spread = <T>(items: readonly T[], count: number): T[] =>
  items.length <= count ? [...items] : Array.from({ length: count }, (_, index) => pick(items, index / count));

const pick = <T>(items: readonly T[], part: number): T => items[Math.floor(part * items.length)] as T;
