/** A clip's file as ffmpeg can take it from a pipe: its index in front, no pictures in it. */

import {
  ADTS,
  BufferSource,
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacketSink,
  FLAC,
  Input,
  type InputAudioTrack,
  MATROSKA,
  MP3,
  MP4,
  Mp4OutputFormat,
  OGG,
  Output,
  QTFF,
  WAVE,
  WEBM,
} from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { isFastStart } from '../mp4/boxes.ts';

export interface StreamableSound {
  /** What ffmpeg gets. */
  readonly bytes: Uint8Array;
  readonly channels: number;
  /** Of the sound, from the source's own beginning. */
  readonly durationSeconds: number;
  /** How long the source is silent before its sound begins: that of a film may come later than its picture. */
  readonly delaySeconds: number;
}

/** Not HLS: a playlist would name other files. */
const FORMATS = [MP4, QTFF, MATROSKA, WEBM, WAVE, OGG, FLAC, MP3, ADTS];

type Wrong = (what: string, cause?: unknown) => Failure;

/** Null when it is a file with pictures alone. Throws `wrong(…)` for what is no sound, or is cut off. */
export async function streamable(bytes: Uint8Array, wrong: Wrong): Promise<StreamableSound | null> {
  using input = new Input({ formats: FORMATS, source: new BufferSource(bytes) });
  const unreadable = (cause?: unknown): Failure =>
    wrong('its file is damaged, or no MP3, AAC, M4A, MP4, WAV, Ogg, Opus, FLAC or WebM', cause);
  if (!(await input.canRead())) throw unreadable();
  try {
    const track = await input.getPrimaryAudioTrack();
    const hasPictures = (await input.getPrimaryVideoTrack()) !== null;
    if (track === null && hasPictures) return null;
    if (track === null) throw unreadable();
    const [channels, first, end] = [
      await track.getNumberOfChannels(),
      await track.getFirstTimestamp(),
      await track.computeDuration(),
    ];
    const format = await input.getFormat();
    const isMp4 = format === MP4 || format === QTFF;
    // ffmpeg cannot go back in a pipe to an index that lies behind the media.
    const needsCopy = isMp4 && (!isFastStart(bytes) || hasPictures);
    return {
      bytes: needsCopy ? await soundAlone(track, wrong) : bytes,
      channels,
      durationSeconds: end,
      delaySeconds: Math.max(0, first),
    };
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw unreadable(cause);
  }
}

/** The sound of an MP4 as an MP4 of its own, its packets copied. */
async function soundAlone(track: InputAudioTrack, wrong: Wrong): Promise<Uint8Array> {
  const codec = await track.getCodec();
  const decoderConfig = await track.getDecoderConfig();
  const format = new Mp4OutputFormat({ fastStart: 'in-memory' });
  if (codec === null || decoderConfig === null || !format.getSupportedAudioCodecs().includes(codec)) {
    throw wrong(
      'its file holds sound of a kind that cannot be taken out of it. Convert it with `ffmpeg -i FILE -vn -c:a aac FILE.m4a`',
    );
  }
  const target = new BufferTarget();
  const output = new Output({ format, target });
  const source = new EncodedAudioPacketSource(codec);
  output.addAudioTrack(source);
  await output.start();
  for await (const packet of new EncodedPacketSink(track).packets()) await source.add(packet, { decoderConfig });
  await output.finalize();
  return new Uint8Array(target.buffer ?? new ArrayBuffer(0));
}
