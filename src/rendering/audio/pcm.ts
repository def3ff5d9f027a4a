/** Sound as numbers, the one form that everything here works on: 48 kHz, two channels, 32-bit float, interleaved. */

export const SAMPLE_RATE = 48_000;
export const CHANNELS = 2;

/** Left and right in turn; full scale is -1 to 1. */
export type Pcm = Float32Array;

/** Samples per channel. */
export const lengthOf = (pcm: Pcm): number => pcm.length / CHANNELS;
export const samplesOf = (seconds: number): number => Math.round(seconds * SAMPLE_RATE);

/** The bytes of little-endian floats as floats, without a copy where they are aligned. */
export function pcmOf(bytes: Uint8Array): Pcm {
  const aligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  const frames = Math.floor(aligned.byteLength / (CHANNELS * Float32Array.BYTES_PER_ELEMENT));
  return new Float32Array(aligned.buffer, aligned.byteOffset, frames * CHANNELS);
}

export const bytesOf = (pcm: Pcm): Uint8Array => new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);

export interface Loudness {
  /** The largest sample, 1 at full scale. */
  readonly peak: number;
  /** Root mean square. */
  readonly rms: number;
}

export function loudnessOf(pcm: Pcm): Loudness {
  let peak = 0;
  let power = 0;
  for (let i = 0; i < pcm.length; i++) {
    const sample = pcm[i] ?? 0;
    const size = sample < 0 ? -sample : sample;
    if (size > peak) peak = size;
    power += sample * sample;
  }
  return { peak, rms: pcm.length === 0 ? 0 : Math.sqrt(power / pcm.length) };
}
