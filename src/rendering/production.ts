/** One capture, from open page to finished videos: encoded while frames come in, given its sound, checked. */

import { createHash } from 'node:crypto';
import { Failure } from '../contracts/failures.ts';
import type { Rendition } from '../contracts/video.ts';
import type { Template } from '../templates/template.ts';
import type { AudioClip } from './audio/clips.ts';
import type { Soundtracks } from './audio/soundtracks.ts';
import { verifyAudio } from './audio/verify.ts';
import type { FrameSource } from './capture/frame-source.ts';
import { FfmpegProcess, type FfmpegRun } from './encode/ffmpeg.ts';
import { FrameFeed } from './encode/frame-feed.ts';
import { type EncoderName, ladderOptions, type Track } from './encode/options.ts';
import { frameSizeOf, type Size } from './geometry.ts';
import { remux } from './mp4/remux.ts';
import type { PreviewOptions } from './stills/preview-plan.ts';
import { type Stills, StillsCollector } from './stills/stills.ts';
import { verifyVideo } from './verify/verify.ts';
import { CaptureWitness } from './verify/witness.ts';

/** What a production is made with; the same for all of a renderer. */
export interface ProductionTools extends Pick<FfmpegRun, 'ffmpeg' | 'limitMs'> {
  readonly encoder: EncoderName;
  readonly soundtracks: Soundtracks;
}

export interface ProductionPlan {
  readonly template: Template;
  /** The first is captured at its own size, the others are scaled from it. */
  readonly renditions: readonly [Rendition, ...Rendition[]];
  /** An animated preview to be made beside the poster. */
  readonly preview?: PreviewOptions | null;
}

export interface ProducedVideo extends Size {
  readonly rendition: Rendition;
  /** The MP4. */
  readonly bytes: Uint8Array;
  /** Hex digest of `bytes`. */
  readonly sha256: string;
}

/** Largest first, so that everything else is scaled down. */
export const captureOrder = (template: Size, renditions: readonly Rendition[]): Rendition[] =>
  renditions.toSorted((a, b) => frameSizeOf(template, b).height - frameSizeOf(template, a).height);

export class Production implements AsyncDisposable {
  private readonly tools: ProductionTools;
  private readonly plan: ProductionPlan;
  private readonly tracks: readonly [Track, ...Track[]];
  private readonly stills: StillsCollector;
  private readonly witness: CaptureWitness;
  private readonly signal: AbortSignal;
  /** Aborted when the production is over, finished or not: nothing that it has begun goes on. */
  private readonly over = new AbortController();
  private readonly ffmpeg: FfmpegProcess;
  private readonly soundtrack: ReturnType<Soundtracks['of']>;

  constructor(tools: ProductionTools, plan: ProductionPlan, clips: readonly AudioClip[], signal: AbortSignal) {
    this.tools = tools;
    this.plan = plan;
    this.signal = AbortSignal.any([signal, this.over.signal]);
    const { template, preview = null } = plan;
    const { fps, frameCount, durationMs, posterFrame } = template;
    const [first, ...rest] = plan.renditions;
    this.tracks = [trackOf(template, first), ...rest.map((rendition) => trackOf(template, rendition))];
    const [{ size }] = this.tracks;
    this.stills = new StillsCollector({ size, fps, frameCount, posterFrame, preview });
    this.witness = new CaptureWitness(size, frameCount);
    const options = ladderOptions({ fps, tracks: this.tracks, encoder: tools.encoder });
    const { ffmpeg, limitMs } = tools;
    this.ffmpeg = FfmpegProcess.start({ ffmpeg, limitMs, ...options }, this.signal);
    // Made beside the capture; whoever waits for it below is told what went wrong.
    this.soundtrack = tools.soundtracks.of(clips, durationMs, this.signal);
    this.soundtrack.catch(() => undefined);
  }

  /** Takes all frames. Ends when the encoder has them, or at the first failure. */
  async take(source: FrameSource, onFrame: (index: number) => void): Promise<void> {
    const { fps, frameCount } = this.plan.template;
    const feed = new FrameFeed(this.ffmpeg, { size: source.size, fps, frameCount });
    let writing = Promise.resolve();
    for await (const frame of source.frames({ start: 0, end: frameCount }, this.signal)) {
      this.stills.consider(frame);
      this.witness.consider(frame);
      // The next frame is captured while ffmpeg takes this one.
      await writing;
      writing = feed.send(frame);
      writing.catch(() => undefined);
      onFrame(frame.index);
    }
    await writing;
  }

  /** Waits for the encoder and assembles the videos, in the order of the plan's renditions. */
  async assemble(): Promise<ProducedVideo[]> {
    const { fps } = this.plan.template;
    const [stream, audio] = await Promise.all([this.ffmpeg.finish(), this.soundtrack]);
    const videos: ProducedVideo[] = [];
    for (const [track, rendition] of this.plan.renditions.entries()) {
      const bytes = await remux(stream, { fps, track, audio });
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      videos.push({ rendition, ...frameSizeOf(this.plan.template, rendition), bytes, sha256 });
    }
    return videos;
  }

  /** Failure `OutputInvalid` when a video is not what was captured. Makes the stills beside that. */
  async prove(videos: readonly ProducedVideo[]): Promise<Stills> {
    const { frameCount, durationMs } = this.plan.template;
    const { ffmpeg, limitMs } = this.tools;
    const { captured } = this.witness;
    const audio = await this.soundtrack;
    const checks = videos.map(async ({ bytes, width, height }) => {
      const expected = { width, height, frameCount, durationMs, captured };
      await verifyVideo(bytes, expected, { ffmpeg, limitMs, signal: this.signal });
      await verifyAudio(bytes, audio);
    });
    const [stills] = await Promise.all([this.stills.finish(this.signal), ...checks]);
    return stills;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.over.abort(new Failure('Cancelled', 'The render is over.'));
    await this.ffmpeg[Symbol.asyncDispose]();
  }
}

const trackOf = (template: Size, { shortSide, crf, maxKbps }: Rendition): Track => ({
  size: frameSizeOf(template, { shortSide }),
  quality: { crf, maxKbps },
});
