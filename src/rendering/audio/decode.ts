/** A clip's file → PCM, by ffmpeg through pipes. The command line is pure; it decides bytes and so the fingerprint. */

import { Failure } from '../../contracts/failures.ts';
import { type FfmpegRun, runFfmpeg } from '../encode/ffmpeg.ts';
import type { AudioClip } from './clips.ts';
import { streamable } from './container.ts';
import { lengthOf, type Pcm, pcmOf, SAMPLE_RATE, samplesOf } from './pcm.ts';

export interface Cut {
  readonly channels: number;
  /** Samples of silence before the source's first. */
  readonly delay: number;
  /** First sample that is wanted, in the source's own time. */
  readonly start: number;
  /** Samples that are wanted, after the change of speed. */
  readonly length: number;
  readonly rate: number;
}

/** What a decoder may add or leave out at the end: some packets of the longest codec. */
const TOLERANCE = SAMPLE_RATE / 5;

/** Samples are counted after resampling, so a cut is exact whatever the source's rate is. */
export function decodeOptions({ channels, delay, start, length, rate }: Cut): { input: string[]; output: string[] } {
  const end = start + Math.ceil(length * rate);
  const filters = [
    // One channel is heard from both sides as loud as it is; ffmpeg's own way takes 3 dB off.
    channels === 1 ? 'pan=stereo|c0=c0|c1=c0' : 'aformat=channel_layouts=stereo',
    `aresample=${SAMPLE_RATE}`,
    ...(delay > 0 ? [`adelay=delays=${delay}S:all=1`] : []),
    `atrim=start_sample=${start}:end_sample=${end}`,
    ...temposOf(rate).map((tempo) => `atempo=${tempo}`),
    `atrim=end_sample=${length}`,
  ];
  return {
    // A file that names other files or addresses gets nothing from them.
    // Without the processor's special abilities it decodes and resamples to the same bytes on every one of its kind.
    input: ['-cpuflags', '0', '-protocol_whitelist', 'pipe', '-threads', '1', '-flags:a', '+bitexact'],
    output: [
      ...['-map', '0:a:0', '-vn', '-sn', '-dn', '-af', filters.join(',')],
      ...['-c:a', 'pcm_f32le', '-flags:a', '+bitexact', '-f', 'f32le'],
    ],
  };
}

/** Whether ffmpeg itself ended with an error; one that hangs, is missing or is cancelled has no such cause. */
const gaveUp = (error: unknown): boolean =>
  error instanceof Failure && error.failureClass === 'EncoderFailed' && error.cause !== undefined;

/** ffmpeg's atempo is good from half to double speed; more takes several. */
function temposOf(rate: number): number[] {
  if (rate === 1) return [];
  if (rate > 2) return [2, ...temposOf(rate / 2)];
  if (rate < 0.5) return [0.5, ...temposOf(rate * 2)];
  return [rate];
}

/**
 * What of a clip's source is wanted, at most `clip.limit` samples. Null when the source holds no sound and need not.
 * Failure `TemplateInvalid` when it cannot be decoded, or is over where the clip begins.
 */
export async function decodeClip(
  clip: AudioClip,
  ffmpeg: Pick<FfmpegRun, 'ffmpeg' | 'limitMs'>,
  signal: AbortSignal,
): Promise<Pcm | null> {
  const { source, sourceStart: start, limit, rate, wrong } = clip;
  const sound = await streamable(source.bytes, wrong);
  if (sound === null && !clip.claimsAudio) return null;
  if (sound === null) throw wrong('its file holds no sound');
  const available = samplesOf(sound.durationSeconds) - start;
  if (available <= 0)
    throw wrong(`it begins in its file where that is over, after ${sound.durationSeconds.toFixed(3)} s`);
  const length = Math.min(limit, Math.round(available / rate));
  const cut = { channels: sound.channels, delay: samplesOf(sound.delaySeconds), start, length, rate };
  const decode = (): Promise<Buffer> => runFfmpeg({ ...ffmpeg, ...decodeOptions(cut) }, sound.bytes, signal);
  const pcm = pcmOf(
    await decode().catch(async (first: unknown) => {
      if (!gaveUp(first)) throw first;
      // Killed by the system, or the file's fault: that one comes back.
      return await decode().catch((second: unknown) => {
        throw gaveUp(second) ? wrong('its file is damaged: ffmpeg cannot decode it', second) : second;
      });
    }),
  );
  if (lengthOf(pcm) < length - TOLERANCE) {
    const missing = (length - lengthOf(pcm)) / SAMPLE_RATE;
    throw wrong(`its file is damaged: ${missing.toFixed(1)} s of what it says to hold cannot be decoded`);
  }
  return pcm;
}
