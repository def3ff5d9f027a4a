/** One fragmented stream, and a soundtrack → one fast-start MP4, in memory, packets copied. */

import {
  BufferSource,
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  type InputVideoTrack,
  MP4,
  Mp4OutputFormat,
  Output,
} from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { SAMPLE_RATE } from '../audio/pcm.ts';
import { PACKET_SAMPLES, type Soundtrack } from '../audio/soundtrack.ts';
import { zeroCreationTimes } from './boxes.ts';

export interface RemuxOptions {
  readonly fps: number;
  /** Which video track of the stream, counted from 0: one run of ffmpeg may write several renditions. */
  readonly track?: number;
  readonly audio?: Soundtrack | null;
}

/**
 * The same packets in one MP4 with its index in front, sound and picture side by side as a player needs them. The same
 * bytes for the same stream, always: timestamps are set from frame and packet numbers, and no clock is written. Failure
 * `OutputInvalid` when the stream has no such track.
 */
export async function remux(fragmented: Uint8Array, options: RemuxOptions): Promise<Uint8Array> {
  const { fps, track: number = 0, audio = null } = options;
  using input = new Input({ formats: [MP4], source: new BufferSource(fragmented) });
  const { track, decoderConfig } = await videoTrack(input, number);

  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const video = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(video, { frameRate: fps });
  const sound = audio === null ? null : new SoundWriter(output, audio);
  await output.start();
  let meta: { decoderConfig: VideoDecoderConfig } | undefined = { decoderConfig };
  let decoded = 0;
  for await (const packet of new EncodedPacketSink(track).packets()) {
    // The muxer writes packets as they come and does not interleave.
    await sound?.writeUntil(decoded / fps);
    const frame = Math.round(packet.timestamp * fps);
    await video.add(new EncodedPacket(packet.data, packet.type, frame / fps, 1 / fps), meta);
    meta = undefined;
    decoded += 1;
  }
  await sound?.writeUntil(Number.POSITIVE_INFINITY);
  await output.finalize();
  if (target.buffer === null) throw new Failure('OutputInvalid', 'The MP4 came out empty.');
  const bytes = new Uint8Array(target.buffer);
  zeroCreationTimes(bytes);
  return bytes;
}

async function videoTrack(
  input: Input,
  number: number,
): Promise<{ track: InputVideoTrack; decoderConfig: VideoDecoderConfig }> {
  const tracks = await input.getVideoTracks();
  const track = tracks[number];
  const decoderConfig = await track?.getDecoderConfig();
  if (track === undefined || !decoderConfig) {
    throw new Failure(
      'OutputInvalid',
      tracks.length === 0
        ? 'ffmpeg wrote no video track.'
        : `ffmpeg wrote ${tracks.length} video tracks, none is number ${number}.`,
    );
  }
  return { track, decoderConfig };
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
