/** The soundtracks of a process, in memory: each is mixed and encoded once, however many videos want it, and at once. */

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Failure } from '../../contracts/failures.ts';
import type { FfmpegRun } from '../encode/ffmpeg.ts';
import { CLIPS_SCRIPT } from '../media/declared-clips.ts';
import type { AudioClip } from './clips.ts';
import { decodeClip, decodeOptions } from './decode.ts';
import { MIX_SETTINGS, mix, type Voice } from './mix.ts';
import { lengthOf, type Pcm, SAMPLE_RATE } from './pcm.ts';
import { ENCODE_OPTIONS, encodeSoundtrack, type Soundtrack } from './soundtrack.ts';

export interface SoundtracksOptions extends Pick<FfmpegRun, 'ffmpeg' | 'limitMs'> {
  /** Most bytes that finished soundtracks may take. 32 MiB when left out: some 170 of 12 seconds. */
  readonly maxBytes?: number;
}

/** Everything here that decides how a video sounds, besides ffmpeg's and mediabunny's versions: part of the fingerprint. */
export const AUDIO_SETTINGS: readonly unknown[] = [
  CLIPS_SCRIPT,
  decodeOptions({ channels: 1, delay: 1, start: 0, length: 0, rate: 4 }),
  MIX_SETTINGS,
  ENCODE_OPTIONS,
];

const MAX_BYTES = 32 * 1024 * 1024;
/** Decoded clips that may be wanted again beside others: a minute of stereo takes 23 MB. */
const MAX_PCM_BYTES = 64 * 1024 * 1024;

/** Work that several wait for. */
interface Work {
  readonly result: Promise<Soundtrack | null>;
  readonly abandon: AbortController;
  waiting: number;
}

export class Soundtracks implements AsyncDisposable {
  private readonly ffmpeg: Pick<FfmpegRun, 'ffmpeg' | 'limitMs'>;
  private readonly finished: LRUCache<string, Soundtrack>;
  private readonly decoded = new LRUCache<string, Pcm>({
    maxSize: MAX_PCM_BYTES,
    sizeCalculation: ({ byteLength }) => Math.max(1, byteLength),
  });
  /** What can still be waited for, by key. */
  private readonly underway = new Map<string, Work>();
  /** That, and what was abandoned and has not ended yet. */
  private readonly running = new Set<Promise<unknown>>();
  private readonly lifetime = new AbortController();
  /** The last that was begun: a long one takes much memory, so they are made one after the other. */
  private last: Promise<unknown> = Promise.resolve();

  constructor({ ffmpeg, limitMs, maxBytes = MAX_BYTES }: SoundtracksOptions) {
    this.ffmpeg = { ffmpeg, limitMs };
    this.finished = new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ sizeBytes }) => Math.max(1, sizeBytes) });
  }

  /**
   * The soundtrack of a video of this length; null without clips that sound. Failure `TemplateInvalid` says which clip
   * cannot be decoded; `EncoderFailed` and `ToolMissing` are ffmpeg's. An aborted `signal` leaves the work to others that
   * wait for it; the last one takes it along.
   */
  async of(clips: readonly AudioClip[], durationMs: number, signal: AbortSignal): Promise<Soundtrack | null> {
    signal.throwIfAborted();
    if (clips.length === 0) return null;
    const sampleCount = durationMs * (SAMPLE_RATE / 1000);
    const key = keyOf([sampleCount, clips.map(({ source: { digest }, wrong: _, ...plain }) => ({ digest, ...plain }))]);
    const finished = this.finished.get(key);
    if (finished !== undefined) return finished;
    const work = this.underway.get(key) ?? this.start(key, clips, sampleCount);
    work.waiting += 1;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([work.result, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      work.waiting -= 1;
      if (work.waiting === 0) this.abandon(key, work);
    }
  }

  /** Ends what is under way, and its processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.lifetime.abort(new Failure('Cancelled', 'The soundtracks were closed.'));
    await Promise.allSettled(this.running);
  }

  private start(key: string, clips: readonly AudioClip[], sampleCount: number): Work {
    const abandon = new AbortController();
    const signal = AbortSignal.any([abandon.signal, this.lifetime.signal]);
    const make = async (): Promise<Soundtrack | null> => {
      signal.throwIfAborted();
      const soundtrack = await this.make(clips, sampleCount, signal);
      if (soundtrack !== null) this.finished.set(key, soundtrack);
      return soundtrack;
    };
    const result = this.last.then(make);
    this.last = result.catch(() => undefined);
    this.running.add(result);
    const ended = (): void => {
      this.running.delete(result);
      if (this.underway.get(key) === work) this.underway.delete(key);
    };
    result.then(ended, ended);
    const work: Work = { result, abandon, waiting: 0 };
    this.underway.set(key, work);
    return work;
  }

  /** Nobody joins it from now on; when it has ended already, this changes nothing. */
  private abandon(key: string, work: Work): void {
    if (this.underway.get(key) === work) this.underway.delete(key);
    work.abandon.abort(new Failure('Cancelled', 'Nobody waits for this soundtrack any more.'));
  }

  private async make(
    clips: readonly AudioClip[],
    sampleCount: number,
    signal: AbortSignal,
  ): Promise<Soundtrack | null> {
    const voices: Voice[] = [];
    for (const clip of clips) {
      const pcm = await this.decode(clip, signal);
      if (pcm === null) continue;
      const { start, envelope, limit, loops } = clip;
      voices.push({ pcm, start, envelope, length: loops ? limit : Math.min(limit, lengthOf(pcm)) });
    }
    return voices.length === 0 ? null : await encodeSoundtrack(mix(voices, sampleCount), this.ffmpeg, signal);
  }

  private async decode(clip: AudioClip, signal: AbortSignal): Promise<Pcm | null> {
    const key = keyOf([clip.source.digest, clip.sourceStart, clip.limit, clip.rate]);
    const known = this.decoded.get(key);
    if (known !== undefined) return known;
    const pcm = await decodeClip(clip, this.ffmpeg, signal);
    if (pcm !== null) this.decoded.set(key, pcm);
    return pcm;
  }
}

const keyOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');
