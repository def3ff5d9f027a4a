/** Clips side by side, and a soundtrack → one fast-start MP4, in memory, packets copied. */

import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../contracts/failures.ts';
import type { Soundtrack } from '../audio/soundtrack.ts';
import type { CodedPicture } from '../h264/nal-units.ts';
import { bytesOf, type Clip } from './clip.ts';
import { Mp4Writer } from './mp4-writer.ts';

export interface AssembleOptions {
  /** Of the whole; null: the file is silent. */
  readonly audio: Soundtrack | null;
}

/**
 * The clips one after the other in one MP4 with its index in front, sound and picture side by side as a player needs them. The
 * same bytes for the same clips, always: timestamps are set from frame and packet numbers, and no clock is written. Failure
 * `AssemblyMismatch` when one decoder could not play them all.
 */
export async function assemble(clips: readonly Clip[], { audio }: AssembleOptions): Promise<Uint8Array> {
  const [first] = clips;
  if (first === undefined) throw new Failure('AssemblyMismatch', 'There is no clip to make a video of.');
  const { fps } = first;
  for (const [index, clip] of clips.entries()) assertAlike(first, clip, index);

  const packets = inOneRow(clips);
  const mediaBytes = packets.reduce((total, { data }) => total + data.byteLength, 0);
  const writer = await Mp4Writer.start({
    ...{ fps, decoderConfig: first.decoderConfig, audio },
    ...{ frameCount: packets.length, mediaBytes },
  });
  for (const packet of packets) await writer.add(packet);
  return await writer.finish();
}

/** All packets, numbered through. */
function inOneRow(clips: readonly Clip[]): CodedPicture[] {
  let before = 0;
  return clips.flatMap(({ packets, frameCount }) => {
    const start = before;
    before += frameCount;
    return packets.map((packet) => ({ ...packet, frame: start + packet.frame }));
  });
}

/** A decoder is told once what all of the video is. */
function assertAlike(first: Clip, { decoderConfig, fps, frameCount, packets }: Clip, index: number): void {
  const differs = (what: string): Failure =>
    new Failure('AssemblyMismatch', `Clip ${index + 1} has ${what} than the first one.`);
  if (fps !== first.fps) throw differs('another frame rate');
  const { description: parameters, ...config } = decoderConfig;
  const { description: firstParameters, ...firstConfig } = first.decoderConfig;
  if (!isDeepStrictEqual(config, firstConfig)) throw differs('another size, profile or colours');
  if (Buffer.compare(bytesOf(parameters), bytesOf(firstParameters)) !== 0) throw differs('other parameter sets');
  if (packets.length !== frameCount || packets[0]?.isKey !== true) {
    throw new Failure('AssemblyMismatch', `Clip ${index + 1} does not begin with a keyframe, or lacks frames.`);
  }
}
