/** Many sounds → one, pure. */

import { type Envelope, gainAt, isConstant } from './envelope.ts';
import { CHANNELS, lengthOf, loudnessOf, type Pcm, SAMPLE_RATE } from './pcm.ts';

export interface Voice {
  readonly pcm: Pcm;
  /** Sample of the mix at which it begins. */
  readonly start: number;
  /** Samples that it lasts; a `pcm` that is shorter is repeated. */
  readonly length: number;
  readonly envelope: Envelope;
}

/** The envelope is looked up once per millisecond and is a straight line between. */
const GAIN_STEP = SAMPLE_RATE / 1000;
/** Samples on either side of a peak within which the limiter turns down and up again. */
const LIMITER_REACH = SAMPLE_RATE / 100;

/** Constants of the sound that nothing else shows: part of the engine's fingerprint. */
export const MIX_SETTINGS = { GAIN_STEP, LIMITER_REACH } as const;

/** The sum of all voices, exactly `length` samples, within full scale. What is within it by itself is not touched. */
export function mix(voices: readonly Voice[], length: number): Pcm {
  const sum = new Float32Array(length * CHANNELS);
  for (const voice of voices) add(voice, sum);
  if (loudnessOf(sum).peak > 1) limit(sum);
  return sum;
}

function add({ pcm, start, length, envelope }: Voice, sum: Pcm): void {
  const available = lengthOf(pcm);
  const end = Math.min(length, lengthOf(sum) - start);
  const seconds = length / SAMPLE_RATE;
  const constant = isConstant(envelope) ? gainAt(envelope, 0, seconds) : null;
  for (let from = 0; from < end; from += GAIN_STEP) {
    const to = Math.min(from + GAIN_STEP, end);
    const gain = constant ?? gainAt(envelope, from / SAMPLE_RATE, seconds);
    const next = constant ?? gainAt(envelope, (from + GAIN_STEP) / SAMPLE_RATE, seconds);
    const slope = (next - gain) / GAIN_STEP;
    for (let i = from; i < to; i++) {
      const level = gain + slope * (i - from);
      const at = (i % available) * CHANNELS;
      const out = (start + i) * CHANNELS;
      for (let channel = 0; channel < CHANNELS; channel++) {
        sum[out + channel] = (sum[out + channel] ?? 0) + (pcm[at + channel] ?? 0) * level;
      }
    }
  }
}

/**
 * Turns down, both channels alike, where a sample is above full scale, and smoothly so: the gain that each sample needs,
 * its least within reach on either side, then the mean of that over the same reach. That mean is nowhere above what any
 * sample needs, since each of the values in it is at most that.
 */
function limit(sum: Pcm): void {
  const length = lengthOf(sum);
  const needed = new Float32Array(length).fill(1);
  for (let i = 0; i < length; i++) {
    let peak = 0;
    for (let channel = 0; channel < CHANNELS; channel++) {
      peak = Math.max(peak, Math.abs(sum[i * CHANNELS + channel] ?? 0));
    }
    if (peak > 1) needed[i] = 1 / peak;
  }
  const least = slidingLeast(needed, LIMITER_REACH);
  const width = 2 * LIMITER_REACH + 1;
  const at = (i: number): number => least[Math.min(Math.max(i, 0), length - 1)] ?? 1;
  let total = 0;
  for (let i = -LIMITER_REACH; i <= LIMITER_REACH; i++) total += at(i);
  for (let i = 0; i < length; i++) {
    const gain = Math.min(1, total / width);
    for (let channel = 0; channel < CHANNELS; channel++) {
      const out = i * CHANNELS + channel;
      // Rounding of the mean may leave a sample a hair above.
      sum[out] = Math.min(1, Math.max(-1, (sum[out] ?? 0) * gain));
    }
    total += at(i + LIMITER_REACH + 1) - at(i - LIMITER_REACH);
  }
}

/** For each value the least of those at most `reach` away, in one pass: candidates wait in a queue in rising order. */
function slidingLeast(values: Float32Array, reach: number): Float32Array {
  const least = new Float32Array(values.length);
  const queue = new Int32Array(values.length);
  let [head, tail] = [0, 0];
  const valueAt = (position: number): number => values[queue[position] ?? 0] ?? 1;
  for (let i = 0; i < values.length + reach; i++) {
    if (i < values.length) {
      const value = values[i] ?? 1;
      while (tail > head && valueAt(tail - 1) >= value) tail -= 1;
      queue[tail] = i;
      tail += 1;
    }
    const centre = i - reach;
    if (centre < 0) continue;
    while ((queue[head] ?? 0) < centre - reach) head += 1;
    least[centre] = valueAt(head);
  }
  return least;
}
