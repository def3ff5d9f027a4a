/** Packets, as they come → one fast-start MP4, in memory. */

import { EncodedAudioPacketSource, EncodedPacket, EncodedVideoPacketSource, Output } from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { SAMPLE_RATE } from '../audio/pcm.ts';
import { PACKET_SAMPLES, type Soundtrack } from '../audio/soundtrack.ts';
import type { CodedPicture } from '../h264/nal-units.ts';
import { FastStartTarget } from './fast-start-target.ts';

/** Of an index, besides its entries, and of an entry: more than they take. */
const INDEX_BYTES = 4_096;
const ENTRY_BYTES = 32;

export interface Mp4WriterOptions {
  readonly fps: number;
  readonly decoderConfig: VideoDecoderConfig;
  /** Null: the file is silent. */
  readonly audio: Soundtrack | null;
  /** Packets of video that there will be. */
  readonly frameCount: number;
  /** What they will take in all, about; 0 when nobody knows. */
  readonly mediaBytes?: number;
}

/**
 * Writes an MP4 with its index in front, sound and picture side by side as a player needs them. The same bytes for the same packets,
 * always: timestamps are set from frame and packet numbers, and no clock is written.
 */
export class Mp4Writer {
  private readonly options: Mp4WriterOptions;
  private readonly target: FastStartTarget;
  private readonly output: Output;
  private readonly video = new EncodedVideoPacketSource('avc');
  private readonly sound: SoundWriter | null;
  private packetCount = 0;

  private constructor(options: Mp4WriterOptions) {
    const { audio, fps, frameCount, mediaBytes = 0 } = options;
    this.options = options;
    const entries = frameCount + (audio?.packets.length ?? 0);
    this.target = new FastStartTarget({
      indexBytes: INDEX_BYTES + ENTRY_BYTES * entries,
      mediaBytes: mediaBytes + (audio?.sizeBytes ?? 0),
    });
    this.output = new Output({ format: this.target.format, target: this.target });
    this.output.addVideoTrack(this.video, { frameRate: fps });
    this.sound = audio === null ? null : new SoundWriter(this.output, audio);
  }

  static async start(options: Mp4WriterOptions): Promise<Mp4Writer> {
    const writer = new Mp4Writer(options);
    await writer.output.start();
    return writer;
  }

  /** Packets of the whole video, in decoding order. */
  async add({ data, isKey, frame }: CodedPicture): Promise<void> {
    const { fps, decoderConfig } = this.options;
    // The muxer writes packets as they come and does not interleave.
    await this.sound?.writeUntil(this.packetCount / fps);
    const packet = new EncodedPacket(data, isKey ? 'key' : 'delta', frame / fps, 1 / fps);
    await this.video.add(packet, this.packetCount === 0 ? { decoderConfig } : undefined);
    this.packetCount += 1;
  }

  /** What lies behind the index so far, as it will in the file. It grows, and does not change. */
  get media(): Uint8Array {
    return this.target.media;
  }

  /** The file. Its end is `media`. */
  async finish(): Promise<Uint8Array> {
    await this.sound?.writeUntil(Number.POSITIVE_INFINITY);
    await this.output.finalize();
    const { bytes } = this.target;
    if (this.packetCount === 0) throw new Failure('OutputInvalid', 'The MP4 came out empty.');
    return bytes;
  }
}

/** Feeds a soundtrack's packets into an MP4, as far as is asked. */
export class SoundWriter {
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
