/** Frames as the encoder takes them, of both renderers, and how near they are. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BufferSource, Input, MP4 } from 'mediabunny';
import { Failure } from '../../src/contracts/failures.ts';
import { packed } from '../../src/rendering/capture/compositor.ts';
import { FrameBuffer } from '../../src/rendering/capture/i420/frame-buffer.ts';
import { readPng } from '../../src/rendering/capture/png.ts';
import type { Size } from '../../src/rendering/geometry.ts';
import { meanSquaredError, psnr } from '../../src/rendering/verify/picture.ts';
import type { WarmBrowser } from '../../src/rendering/warm-browser.ts';
import type { OpenComposition } from './compositions.ts';

/** Planes of all frames in order: I420, BT.709, limited range. */
export type Frames = readonly Uint8Array[];

export async function capture(
  browser: WarmBrowser,
  { template, params }: OpenComposition,
  signal: AbortSignal,
): Promise<Frames> {
  const source = await browser.open(template, params, template);
  const frames: Uint8Array[] = [];
  for await (const { data } of source.frames({ start: 0, end: template.frameCount }, signal)) frames.push(data.slice());
  browser.assertClean();
  return frames;
}

/** PNGs of a folder in the order of their names, converted as ours are. */
export async function readSequence(folder: string, size: Size): Promise<Frames> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.png')).sort();
  const buffer = new FrameBuffer(packed(size));
  const frames: Uint8Array[] = [];
  for (const name of names) {
    const picture = await readPng((await readFile(join(folder, name))).toString('base64'), size);
    if (picture === null) throw new Failure('OutputInvalid', `${name} is smaller than ${size.width}x${size.height}.`);
    buffer.take(picture);
    frames.push(buffer.next().data.slice());
  }
  return frames;
}

/** How long the video of an MP4 lasts. */
export async function secondsOf(path: string): Promise<number> {
  using input = new Input({ source: new BufferSource(await readFile(path)), formats: [MP4] });
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw new Failure('OutputInvalid', `${path} has no video.`);
  return await track.computeDuration();
}

/** Of all planes together, dB; infinite when they are the same. */
export const psnrOf = (one: Uint8Array, other: Uint8Array): number => psnr(meanSquaredError(one, other));
