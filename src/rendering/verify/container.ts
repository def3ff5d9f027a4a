/** The MP4 as a player reads it before it decodes anything. */

import { BufferSource, type EncodedPacket, EncodedPacketSink, Input, type InputVideoTrack, MP4 } from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import type { Size } from '../geometry.ts';
import { type CodedPicture, readAvcConfiguration } from '../h264/nal-units.ts';
import { readSequenceParameters, type SequenceParameters } from '../h264/sequence-parameters.ts';
import { isFastStart } from '../mp4/boxes.ts';

export interface ExpectedContainer extends Size {
  readonly frameCount: number;
  readonly durationMs: number;
}

/** The video track: what its decoder must be told, and its packets in decoding order. */
export interface VideoStream {
  /** Parameter sets, each a NAL unit. */
  readonly parameterSets: readonly Uint8Array[];
  /** Bytes of the length in front of every NAL unit of a packet. */
  readonly lengthBytes: number;
  readonly packets: readonly CodedPicture[];
}

/** H.264 High, 8 bits, 4:2:0. */
const PIXELS = { profile: 100, chromaFormat: 1, bitDepth: 8 } as const;
const BT709 = 1;
/** How far a frame may be from its time, in frames: times are rounded to the track's clock. */
const TIME_TOLERANCE = 0.05;

export const wrong = (what: string, cause?: unknown): Failure =>
  new Failure('OutputInvalid', `The finished video ${what}.`, { cause });

/** Failure `OutputInvalid` for the first thing that is wrong: index, codec, pixels, size, colours, frames, times. */
export async function readContainer(mp4: Uint8Array, expected: ExpectedContainer): Promise<VideoStream> {
  if (!startsFast(mp4)) throw wrong('has its index behind its media: players would have to load all of it first');
  try {
    using input = new Input({ formats: [MP4], source: new BufferSource(mp4) });
    const track = await input.getPrimaryVideoTrack();
    if (track === null) throw wrong('has no video track');
    const configuration = await checkCodec(track, expected);
    await checkColours(track, configuration.parameters);
    return { ...configuration, packets: await checkFrames(track, expected) };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw wrong('cannot be read as an MP4', error);
  }
}

function startsFast(mp4: Uint8Array): boolean {
  try {
    return isFastStart(mp4);
  } catch (error) {
    throw wrong('is cut off or no MP4: its boxes do not fit into its bytes', error);
  }
}

async function checkCodec(track: InputVideoTrack, { width, height }: Size) {
  const config = await track.getDecoderConfig();
  if (config === null || !config.codec.startsWith('avc1.') || !ArrayBuffer.isView(config.description)) {
    throw wrong(`is ${config?.codec ?? 'of an unknown codec'}, not H.264 with its parameters in the index`);
  }
  const { buffer, byteOffset, byteLength } = config.description;
  const record = readAvcConfiguration(new Uint8Array(buffer, byteOffset, byteLength));
  const { sequenceParameters, pictureParameters, lengthBytes } = record;
  const [first] = sequenceParameters;
  if (first === undefined) throw wrong('has no sequence parameter set');
  const parameters = readSequenceParameters(first);
  const { profile, chromaFormat, bitDepth } = parameters;
  if (profile !== PIXELS.profile || chromaFormat !== PIXELS.chromaFormat || bitDepth !== PIXELS.bitDepth) {
    throw wrong(
      `has H.264 profile ${profile}, chroma format ${chromaFormat} and ${bitDepth} bits, not High (100), 4:2:0 (1) and 8`,
    );
  }
  const sizes = [parameters, { width: await track.getDisplayWidth(), height: await track.getDisplayHeight() }];
  for (const size of sizes) {
    if (size.width !== width || size.height !== height) {
      throw wrong(`is ${size.width}x${size.height}, not ${width}x${height}`);
    }
  }
  return { parameterSets: [...sequenceParameters, ...pictureParameters], lengthBytes, parameters };
}

/** The stream and the index must both say BT.709, limited range: players believe now one, now the other. */
async function checkColours(track: InputVideoTrack, { colour }: SequenceParameters): Promise<void> {
  const { primaries, transfer, matrix, fullRange } = await track.getColorSpace();
  const inIndex = `${primaries}/${transfer}/${matrix}, ${fullRange ? 'full' : 'limited'} range`;
  const inStream =
    colour === null
      ? 'no colours'
      : `${colour.primaries}/${colour.transfer}/${colour.matrix}, ${colour.isFullRange ? 'full' : 'limited'} range`;
  const isRight =
    [primaries, transfer, matrix].every((name) => name === 'bt709') &&
    fullRange !== true &&
    colour !== null &&
    [colour.primaries, colour.transfer, colour.matrix].every((code) => code === BT709) &&
    !colour.isFullRange;
  if (!isRight)
    throw wrong(`states its colours as ${inIndex} (stream: ${inStream}), not as BT.709 (1/1/1), limited range`);
}

async function checkFrames(
  track: InputVideoTrack,
  { frameCount, durationMs }: ExpectedContainer,
): Promise<CodedPicture[]> {
  const fps = (frameCount * 1000) / durationMs;
  const packets: EncodedPacket[] = [];
  for await (const packet of new EncodedPacketSink(track).packets()) packets.push(packet);
  if (packets.length !== frameCount) throw wrong(`has ${packets.length} frames, not ${frameCount}`);
  const lasts = Math.round((await track.computeDuration()) * 1000);
  if (lasts !== durationMs) throw wrong(`lasts ${lasts} ms, not ${durationMs}`);

  const seen = new Set<number>();
  for (const { timestamp } of packets) {
    const frame = Math.round(timestamp * fps);
    if (Math.abs(timestamp * fps - frame) > TIME_TOLERANCE || frame < 0 || frame >= frameCount || seen.has(frame)) {
      throw wrong(`shows a frame at ${Math.round(timestamp * 1000)} ms, where none belongs or another one is`);
    }
    seen.add(frame);
  }
  if (packets[0]?.type !== 'key') throw wrong('does not begin with a keyframe');
  return packets.map(({ data, type, timestamp }) => ({
    data,
    isKey: type === 'key',
    frame: Math.round(timestamp * fps),
  }));
}
