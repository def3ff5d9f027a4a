/** Which pictures of two videos differ. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const SHOWN_RANGES = 12;

/** A digest of every decoded picture, in order. */
export async function pictureDigests(ffmpeg: string, path: string, signal: AbortSignal): Promise<string[]> {
  const input = ['-v', 'error', '-nostdin', '-i', path, '-map', '0:v:0'];
  const args = [...input, '-fps_mode', 'passthrough', '-f', 'framemd5', '-'];
  const { stdout } = await promisify(execFile)(ffmpeg, args, { signal, maxBuffer: 64 * 1024 * 1024 });
  // '0, 512, 512, 512, 622080, c2c8…': the digest comes last.
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(line.lastIndexOf(',') + 1).trim());
}

/** Numbers of the pictures that are not the same, those that only one has included. */
export const differingFrames = (one: readonly string[], other: readonly string[]): number[] =>
  Array.from({ length: Math.max(one.length, other.length) }, (_, frame) => frame).filter(
    (frame) => one[frame] !== other[frame],
  );

/** `3, 7–12, 40`; of very many ranges the first ones. */
export function framesText(frames: readonly number[]): string {
  const ranges: { readonly first: number; last: number }[] = [];
  for (const frame of frames) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last === frame - 1) range.last = frame;
    else ranges.push({ first: frame, last: frame });
  }
  const shown = ranges.slice(0, SHOWN_RANGES).map(({ first, last }) => (first === last ? first : `${first}–${last}`));
  return [...shown, ...(ranges.length > SHOWN_RANGES ? ['…'] : [])].join(', ');
}
