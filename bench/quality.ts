/** How near a video comes to a lossless capture of the same frames. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Failure } from '../src/contracts/failures.ts';

export interface Quality {
  /** Mean over all frames, planes weighted by their samples; 1 is equal. */
  readonly ssim: number;
  /** Of all frames and planes together, dB. */
  readonly psnr: number;
  readonly frameCount: number;
}

/**
 * Numbered PNGs → one lossless file in what videos are compared in: yuv420p, BT.709, limited range, converted by swscale
 * in its accurate mode, which neither side encodes with.
 */
export async function losslessOf(
  ffmpeg: string,
  { pattern, fps, out }: { readonly pattern: string; readonly fps: number; readonly out: string },
  signal: AbortSignal,
): Promise<void> {
  const filter = 'scale=in_range=pc:out_range=tv:out_color_matrix=bt709:flags=bicubic+accurate_rnd+full_chroma_int';
  const input = ['-framerate', String(fps), '-start_number_range', '10', '-i', pattern];
  const output = ['-vf', `${filter},format=yuv420p`, '-c:v', 'ffv1', '-level', '3', out];
  await promisify(execFile)(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...input, ...output], { signal });
}

export interface QualityRequest {
  readonly video: string;
  readonly reference: string;
  /** ffmpeg's options for a reference that does not say itself what it is: raw frames. */
  readonly input?: readonly string[];
}

/** Frame by frame, by ffmpeg's `ssim` and `psnr`. */
export async function qualityOf(
  ffmpeg: string,
  { video, reference, input = [] }: QualityRequest,
  signal: AbortSignal,
): Promise<Quality> {
  // By number, not by time: files disagree about the last digit of a time.
  const graph =
    '[0:v]settb=1/1000,setpts=N,split[a][b];[1:v]settb=1/1000,setpts=N,split[c][d];[a][c]ssim=shortest=1;[b][d]psnr=shortest=1[out]';
  const args = ['-hide_banner', '-nostdin', '-i', video, ...input, '-i', reference, '-lavfi', graph, '-map', '[out]'];
  const { stdout, stderr } = await promisify(execFile)(
    ffmpeg,
    [...args, '-fps_mode', 'passthrough', '-progress', 'pipe:1', '-f', 'null', '-'],
    { signal, maxBuffer: 64 * 1024 * 1024 },
  );
  return parseQuality(`${stdout}\n${stderr}`);
}

/** The summary lines of ffmpeg's filters and its progress. */
export function parseQuality(text: string): Quality {
  const last = (pattern: RegExp): string | undefined => [...text.matchAll(pattern)].at(-1)?.[1];
  const [ssim, psnr, frames] = [
    last(/SSIM .*All:([\d.]+)/g),
    last(/PSNR .*average:([\d.]+|inf)/g),
    last(/^frame=\s*(\d+)$/gm),
  ];
  if (ssim === undefined || psnr === undefined || frames === undefined) {
    throw new Failure('Internal', `ffmpeg did not say how near the videos are: ${text.slice(-500)}`);
  }
  return {
    ssim: Number(ssim),
    psnr: psnr === 'inf' ? Number.POSITIVE_INFINITY : Number(psnr),
    frameCount: Number(frames),
  };
}
