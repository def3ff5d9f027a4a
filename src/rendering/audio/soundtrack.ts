/** The one soundtrack of a video, encoded: AAC-LC packets in memory that go into any number of MP4s. */

import { BufferSource, EncodedPacketSink, Input, MP4 } from 'mediabunny';
import { Failure } from '../../contracts/failures.ts';
import { type FfmpegRun, runFfmpeg } from '../encode/ffmpeg.ts';
import { bytesOf, CHANNELS, type Loudness, lengthOf, loudnessOf, type Pcm, pcmOf, SAMPLE_RATE } from './pcm.ts';

export interface Soundtrack {
  /** AAC packets in order, `PACKET_SAMPLES` each. */
  readonly packets: readonly Uint8Array[];
  /** As a decoder is told: `mp4a.40.2` and its AudioSpecificConfig. */
  readonly decoderConfig: AudioDecoderConfig;
  /** Samples at the beginning of the first packet that no player must play: the encoder's run-up. */
  readonly primingSamples: number;
  /** Samples to be played: exactly the length of the video. */
  readonly sampleCount: number;
  /** How loud the mix was that was encoded; a peak of 0 is silence that the template declares. */
  readonly loudness: Loudness;
  readonly sizeBytes: number;
}

export const PACKET_SAMPLES = 1024;
const BIT_RATE = '128k';
/** Below this a mix counts as silent: 80 dB under full scale. */
const AUDIBLE_RMS = 1e-4;
/** Sound that lost 20 dB on its way through the encoder was lost. */
const LEAST_SHARE = 0.1;

/** ffmpeg options for PCM on stdin → AAC in a fragmented MP4 on stdout. `bitexact` makes the encoder the same on every processor. */
export const ENCODE_OPTIONS = {
  input: ['-f', 'f32le', '-ar', String(SAMPLE_RATE), '-ac', String(CHANNELS)],
  output: [
    ...['-c:a', 'aac', '-b:a', BIT_RATE, '-profile:a', 'aac_low', '-threads', '1', '-flags:a', '+bitexact'],
    ...['-fflags', '+bitexact', '-map_metadata', '-1'],
    ...['-movflags', 'frag_keyframe+delay_moov+default_base_moof', '-f', 'mp4'],
  ],
} as const;

/** Encodes a mix, and decodes it again to be sure that what can be heard in the one can be heard in the other. */
export async function encodeSoundtrack(
  mixed: Pcm,
  ffmpeg: Pick<FfmpegRun, 'ffmpeg' | 'limitMs'>,
  signal: AbortSignal,
): Promise<Soundtrack> {
  const loudness = loudnessOf(mixed);
  const encoded = await runFfmpeg({ ...ffmpeg, ...ENCODE_OPTIONS }, bytesOf(mixed), signal);
  if (loudness.rms >= AUDIBLE_RMS) {
    const decoded = await runFfmpeg(
      { ...ffmpeg, input: ['-threads', '1', '-f', 'mp4'], output: ['-c:a', 'pcm_f32le', '-f', 'f32le'] },
      encoded,
      signal,
    );
    const heard = loudnessOf(pcmOf(decoded)).rms;
    if (heard < loudness.rms * LEAST_SHARE) {
      throw new Failure('OutputInvalid', 'The soundtrack came out of the encoder silent, though its clips are not.');
    }
  }
  return { ...(await packetsOf(encoded, lengthOf(mixed))), loudness };
}

async function packetsOf(encoded: Uint8Array, sampleCount: number): Promise<Omit<Soundtrack, 'loudness'>> {
  using input = new Input({ formats: [MP4], source: new BufferSource(encoded) });
  const track = await input.getPrimaryAudioTrack();
  const decoderConfig = await track?.getDecoderConfig();
  if (track === null || !decoderConfig) throw new Failure('OutputInvalid', 'ffmpeg wrote no audio track.');
  const packets: Uint8Array[] = [];
  let primingSamples = 0;
  for await (const packet of new EncodedPacketSink(track).packets()) {
    if (packets.length === 0) primingSamples = Math.round(-packet.timestamp * SAMPLE_RATE);
    packets.push(packet.data);
  }
  // What the edit list says must hold all of the sound; without one, the picture would run ahead of it.
  if (primingSamples <= 0 || packets.length * PACKET_SAMPLES < primingSamples + sampleCount) {
    throw new Failure(
      'OutputInvalid',
      `ffmpeg wrote ${packets.length} audio packets, too few for ${sampleCount} samples.`,
    );
  }
  const sizeBytes = packets.reduce((total, { byteLength }) => total + byteLength, 0);
  return { packets, decoderConfig, primingSamples, sampleCount, sizeBytes };
}
