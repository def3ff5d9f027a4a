/** Clips side by side, and a soundtrack → one fast-start MP4, in memory, packets copied. */

import { isDeepStrictEqual } from 'node:util';
import { EncodedAudioPacketSource, EncodedPacket, EncodedVideoPacketSource, Mp4OutputFormat, Output } from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { SAMPLE_RATE } from '../audio/pcm.ts';
import { PACKET_SAMPLES, type Soundtrack } from '../audio/soundtrack.ts';
import { zeroCreationTimes } from './boxes.ts';
import { bytesOf, type Clip } from './clip.ts';
import { SizedTarget } from './sized-target.ts';

/** Of an index, besides its entries, and of an entry: more than they take. */
const INDEX_BYTES = 4_096;
const ENTRY_BYTES = 32;

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

  const target = new SizedTarget(sizeOf(clips, audio));
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const video = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(video, { frameRate: fps });
  const sound = audio === null ? null : new SoundWriter(output, audio);
  await output.start();
  let meta: { decoderConfig: VideoDecoderConfig } | undefined = { decoderConfig: first.decoderConfig };
  let before = 0;
  for (const { packets, frameCount } of clips) {
    for (const [decoded, { data, isKey, frame }] of packets.entries()) {
      // The muxer writes packets as they come and does not interleave.
      await sound?.writeUntil((before + decoded) / fps);
      const packet = new EncodedPacket(data, isKey ? 'key' : 'delta', (before + frame) / fps, 1 / fps);
      await video.add(packet, meta);
      meta = undefined;
    }
    before += frameCount;
  }
  await sound?.writeUntil(Number.POSITIVE_INFINITY);
  await output.finalize();
  const { bytes } = target;
  if (bytes.byteLength === 0) throw new Failure('OutputInvalid', 'The MP4 came out empty.');
  zeroCreationTimes(bytes);
  return bytes;
}

/** About: the media, and an index of a few entries for each packet. */
function sizeOf(clips: readonly Clip[], audio: Soundtrack | null): number {
  const packets = clips.flatMap((clip) => clip.packets);
  const media = packets.reduce((total, { data }) => total + data.byteLength, audio?.sizeBytes ?? 0);
  return media + INDEX_BYTES + ENTRY_BYTES * (packets.length + (audio?.packets.length ?? 0));
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

/** Feeds a soundtrack's packets into an MP4, as far as is asked. */
class SoundWriter {
  private readonly source = new EncodedAudioPacketSource('aac');
  private readonly audio: Soundtrack;
  private next = 0;

  constructor(output: Output, audio: Soundtrack) {
    this.audio = audio;
    output.addAudioTrack(this.source);
  }

  /** Every packet that begins at or before this second of the video. */
  async writeUntil(seconds: number): Promise<void> {
    const { packets, primingSamples, sampleCount, decoderConfig } = this.audio;
    for (; this.next < packets.length; this.next += 1) {
      // Below 0 for the encoder's run-up: the muxer makes the edit list from that.
      const start = this.next * PACKET_SAMPLES - primingSamples;
      const data = packets[this.next];
      if (data === undefined || start / SAMPLE_RATE > seconds) return;
      const samples = Math.min(PACKET_SAMPLES, sampleCount - start);
      const packet = new EncodedPacket(data, 'key', start / SAMPLE_RATE, Math.max(0, samples) / SAMPLE_RATE);
      await this.source.add(packet, this.next === 0 ? { decoderConfig } : undefined);
    }
  }
}
