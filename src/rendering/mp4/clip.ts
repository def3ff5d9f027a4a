/** What is encoded of a run of frames, outside of any file: H.264 packets in memory that go into any number of MP4s. */

import {
  BufferSource,
  EncodedPacketSink,
  Input,
  type InputVideoTrack,
  MP4,
  ReadableStreamSource,
  type Source,
} from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { HeldPictures, type SparseFrames } from '../h264/held-pictures.ts';
import type { CodedPicture } from '../h264/nal-units.ts';

export interface Clip {
  /** As a decoder is told: `avc1.…` and its AVCDecoderConfigurationRecord (ISO/IEC 14496-15). */
  readonly decoderConfig: VideoDecoderConfig;
  readonly fps: number;
  readonly frameCount: number;
  /** In decoding order; the first is a keyframe. */
  readonly packets: readonly CodedPicture[];
}

export interface ReadClipOptions {
  readonly fps: number;
  /** Which video track of the stream, counted from 0: one run of ffmpeg may write several renditions. */
  readonly track?: number;
  /** Frames that stand still may be missing (`FrameFeed`): they are put in. Null or left out: none is missing. */
  readonly sparse?: SparseFrames | null;
}

/** Reads a track of the fragmented MP4 that ffmpeg wrote. Failure `OutputInvalid` when the stream has no such track. */
export async function readClip(fragmented: Uint8Array, options: ReadClipOptions): Promise<Clip> {
  const { fps } = options;
  const packets: CodedPicture[] = [];
  const clip = await readTrack(new BufferSource(fragmented), options);
  for await (const packet of clip.packets) packets.push(packet);
  return { decoderConfig: clip.decoderConfig, fps, frameCount: packets.length, packets };
}

/** The same of a stream that is still being written, as far as it is: packets as they come, once. */
export async function streamClip(
  fragmented: ReadableStream<Uint8Array>,
  options: ReadClipOptions,
): Promise<{ readonly decoderConfig: VideoDecoderConfig; readonly packets: AsyncIterable<CodedPicture> }> {
  // What goes wrong with the stream is told to whoever reads from it.
  const source = new ReadableStreamSource(fragmented, { handleUnhandledError: () => undefined });
  return await readTrack(source, options);
}

async function readTrack(source: Source, { fps, track: number = 0, sparse = null }: ReadClipOptions) {
  const input = new Input({ formats: [MP4], source });
  try {
    const { track, decoderConfig } = await videoTrack(input, number);
    const packets = packetsOf(input, track, fps);
    if (sparse === null) return { decoderConfig, packets };
    const held = new HeldPictures(bytesOf(decoderConfig.description));
    return {
      decoderConfig: { ...decoderConfig, description: held.description },
      packets: held.fill(packets, sparse),
    };
  } catch (error) {
    input.dispose();
    throw error;
  }
}

/** In the end, however it comes, the input is closed. */
async function* packetsOf(input: Input, track: InputVideoTrack, fps: number): AsyncGenerator<CodedPicture> {
  using _ = input;
  for await (const { data, type, timestamp } of new EncodedPacketSink(track).packets()) {
    yield { data, isKey: type === 'key', frame: Math.round(timestamp * fps) };
  }
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

/** What a decoder is told besides its codec, as bytes. */
export function bytesOf(description: VideoDecoderConfig['description']): Uint8Array {
  if (description === undefined) return new Uint8Array();
  if (!ArrayBuffer.isView(description)) return new Uint8Array(description);
  return new Uint8Array(description.buffer, description.byteOffset, description.byteLength);
}
