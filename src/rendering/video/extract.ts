/** Pictures of a film, by ffmpeg through pipes. The command line is pure; it decides pixels and so the fingerprint. */

import { Failure } from '../../contracts/failures.ts';
import { type FfmpegRun, runFfmpeg } from '../encode/ffmpeg.ts';
import { type Film, NoFilm } from './film.ts';
import { splitPictures } from './split-pictures.ts';
import type { Strip } from './timing.ts';

/** Of a strip, from `first` on. */
export interface Excerpt {
  readonly first: number;
  readonly count: number;
}

/** A multiple of the ticks in which copies count, and fine enough for the tolerance. */
const TICKS = 1_152_000;
/** Codecs that browsers take for standard definition at any size, where the file does not say. */
const STANDARD_DEFINITION: readonly string[] = ['vp9', 'av1'];
const HIGH_DEFINITION_HEIGHT = 720;
/** ffmpeg's scale of 1 to 31; 2 is the best that is not larger than it helps. */
const JPEG_QUALITY = '2';

type Look = Pick<Film, 'codec' | 'shown' | 'isSquare' | 'rotation' | 'isMirrored' | 'hasAlpha' | 'hasMatrix'>;

/**
 * `leadIn`: how much of the input lies before the first picture. Without `bitexact` and `accurate_rnd`, scaler and JPEG encoder come
 * to other bytes on other processors.
 */
export function extractOptions(
  look: Look & Pick<Film, 'toleranceSeconds'>,
  { fps, leadInSeconds, count }: { readonly fps: number; readonly leadInSeconds: number; readonly count: number },
): { input: string[]; output: string[] } {
  const offset = Math.round((leadInSeconds + look.toleranceSeconds) * TICKS);
  const filters = [
    `settb=1/${TICKS}`,
    `setpts=PTS-${offset}`.replace('--', '+'),
    // Each is the last frame that has begun by its moment; the first also shows before it has begun, the last after its end.
    `fps=${fps}:start_time=0:round=up`,
    'tpad=stop=-1:stop_mode=clone',
    ...shapeOf(look),
    ...coloursOf(look),
  ];
  return {
    input: [
      // Scaling comes to other pixels with the processor's special abilities; all else here does not.
      ...(look.isSquare ? [] : ['-cpuflags', '0']),
      ...['-protocol_whitelist', 'pipe', '-threads', '1', '-xerror', '-noautorotate'],
      // ffmpeg's own decoder of these leaves the transparency out.
      ...(look.hasAlpha && look.codec === 'vp9' ? ['-c:v', 'libvpx-vp9'] : []),
      ...(look.hasAlpha && look.codec === 'vp8' ? ['-c:v', 'libvpx'] : []),
    ],
    output: [
      ...['-map', '0:v:0', '-an', '-sn', '-dn', '-vf', filters.join(','), '-frames:v', String(count)],
      ...(look.hasAlpha
        ? ['-c:v', 'png', '-compression_level', '1']
        : ['-c:v', 'mjpeg', '-q:v', JPEG_QUALITY, '-dct', 'int', '-huffman', 'default']),
      ...['-threads', '1', '-flags:v', '+bitexact', '-f', 'image2pipe'],
    ],
  };
}

function shapeOf({ rotation, isMirrored, shown, isSquare }: Look): string[] {
  const turns = { 0: [], 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] }[rotation];
  return [
    ...turns,
    ...(isMirrored ? ['hflip'] : []),
    ...(isSquare ? [] : [`scale=${shown.width}:${shown.height}:flags=bicubic+accurate_rnd+bitexact`, 'setsar=1']),
  ];
}

/** Of a JPEG browsers know that it is BT.601, full range. */
function coloursOf({ codec, shown, rotation, hasAlpha, hasMatrix }: Look): string[] {
  const codedHeight = rotation % 180 === 0 ? shown.height : shown.width;
  const isHigh = codedHeight >= HIGH_DEFINITION_HEIGHT && !STANDARD_DEFINITION.includes(codec);
  return [
    ...(hasMatrix ? [] : [`setparams=colorspace=${isHigh ? 'bt709' : 'smpte170m'}`]),
    `scale=flags=neighbor+accurate_rnd+bitexact,format=${hasAlpha ? 'rgba' : 'gbrp'}`,
    ...(hasAlpha
      ? []
      : ['scale=out_color_matrix=bt601:out_range=pc:flags=neighbor+accurate_rnd+bitexact', 'format=yuvj420p']),
  ];
}

/**
 * Pictures as files, in order: JPEG, or PNG where the film is transparent. Throws `NoFilm` when the film cannot be decoded;
 * Failure `EncoderFailed`, `ToolMissing`: ffmpeg's.
 */
export async function extract(
  { film, fps, mediaStartSeconds }: Strip,
  { first, count }: Excerpt,
  ffmpeg: Pick<FfmpegRun, 'ffmpeg' | 'limitMs'>,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const from = mediaStartSeconds + first / fps;
  const to = from + (count - 1) / fps + film.toleranceSeconds;
  const { bytes, leadInSeconds } = await film.piece(from, to);
  const options = extractOptions(film, { fps, leadInSeconds, count });
  const run = (): Promise<Buffer> => runFfmpeg({ ...ffmpeg, ...options }, bytes, signal);
  const output = await run().catch(async (error: unknown) => {
    if (!gaveUp(error)) throw error;
    // Killed by the system, or the file's fault: that one comes back.
    return await run().catch((again: unknown) => {
      throw gaveUp(again) ? new NoFilm('is damaged, or this ffmpeg has no decoder for it', { cause: again }) : again;
    });
  });
  const pictures = splitPictures(output);
  if (pictures.length < count) throw new NoFilm(`is damaged: at ${from.toFixed(2)} s there is nothing to be shown`);
  return pictures;
}

/** Whether ffmpeg itself ended with an error; one that hangs, is missing or is cancelled has no such cause. */
const gaveUp = (error: unknown): boolean =>
  error instanceof Failure && error.failureClass === 'EncoderFailed' && error.cause !== undefined;
