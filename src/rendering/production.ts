/** One capture, from open page to finished videos or to a scene: encoded while frames come in, given its sound, checked. */

import { createHash } from 'node:crypto';
import { Failure } from '../contracts/failures.ts';
import type { Rendition } from '../contracts/video.ts';
import type { Template } from '../templates/template.ts';
import type { AudioClip } from './audio/clips.ts';
import type { Soundtracks } from './audio/soundtracks.ts';
import { verifyAudio } from './audio/verify.ts';
import type { FrameRange, FrameSource } from './capture/frame-source.ts';
import { FfmpegProcess, type FfmpegRun } from './encode/ffmpeg.ts';
import { FrameFeed } from './encode/frame-feed.ts';
import { type EncoderName, ladderOptions, patternOf, type Track } from './encode/options.ts';
import { frameSizeOf, type Size } from './geometry.ts';
import type { SparseFrames } from './h264/held-pictures.ts';
import { assemble } from './mp4/assemble.ts';
import { type Clip, readClip } from './mp4/clip.ts';
import { type WrittenFile, writeInParts } from './mp4/write-in-parts.ts';
import type { PartSink } from './part-sink.ts';
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
  /** Only these frames, silent, encoded so that they can be joined with others; null or left out: the whole video. */
  readonly scene?: FrameRange | null;
  /** Takes the file of a whole video of one rendition while it is made, in parts, when it is large enough. */
  readonly parts?: PartSink | null;
}

export interface ProducedVideo extends Size {
  readonly rendition: Rendition;
  /** The MP4. */
  readonly bytes: Uint8Array;
  /** Hex digest of `bytes`. */
  readonly sha256: string;
  /** What is in it, to be joined with others; null: it was written packet by packet. */
  readonly clip: Clip | null;
  /** Parts that were handed to the plan's sink, which are all of it; 0: none. */
  readonly partCount: number;
}

/** Largest first, so that everything else is scaled down. */
export const captureOrder = (template: Size, renditions: readonly Rendition[]): Rendition[] =>
  renditions.toSorted((a, b) => frameSizeOf(template, b).height - frameSizeOf(template, a).height);

export class Production implements AsyncDisposable {
  private readonly tools: ProductionTools;
  private readonly plan: ProductionPlan;
  private readonly range: FrameRange;
  private readonly tracks: readonly [Track, ...Track[]];
  /** Null: the poster is of another scene. */
  private readonly stills: StillsCollector | null;
  private readonly witness: CaptureWitness;
  /** Frames on their way to the encoder. */
  private readonly feed: FrameFeed;
  /** Null: in what the encoder makes no frame is missing. */
  private readonly sparse: SparseFrames | null;
  private readonly signal: AbortSignal;
  /** Aborted when the production is over, finished or not: nothing that it has begun goes on. */
  private readonly over = new AbortController();
  private readonly ffmpeg: FfmpegProcess;
  private readonly soundtrack: ReturnType<Soundtracks['of']>;
  /** The file, written while it is encoded; null: it is written afterwards. */
  private readonly written: Promise<WrittenFile> | null;

  constructor(tools: ProductionTools, plan: ProductionPlan, clips: readonly AudioClip[], signal: AbortSignal) {
    this.tools = tools;
    this.plan = plan;
    this.signal = AbortSignal.any([signal, this.over.signal]);
    const { template, preview = null, scene = null, parts = null } = plan;
    const { fps, durationMs, posterFrame } = template;
    this.range = scene ?? { start: 0, end: template.frameCount };
    const frameCount = this.range.end - this.range.start;
    const wantedFrame = posterFrame === null ? null : posterFrame - this.range.start;
    const hasPoster = wantedFrame === null || (wantedFrame >= 0 && wantedFrame < frameCount);
    const [first, ...rest] = plan.renditions;
    this.tracks = [trackOf(template, first), ...rest.map((rendition) => trackOf(template, rendition))];
    const [{ size }] = this.tracks;
    this.stills = hasPoster ? new StillsCollector({ size, fps, frameCount, posterFrame: wantedFrame, preview }) : null;
    this.witness = new CaptureWitness(size, frameCount);
    const { ffmpeg, limitMs, encoder } = tools;
    const ladder = { fps, tracks: this.tracks, encoder, isJoinable: scene !== null };
    const pattern = patternOf(ladder);
    this.ffmpeg = FfmpegProcess.start({ ffmpeg, limitMs, ...ladderOptions(ladder) }, this.signal);
    this.feed = new FrameFeed(this.ffmpeg, { size, fps, frameCount, pattern });
    this.sparse = pattern === null ? null : { frameCount, isSent: (frame) => this.feed.isSent(frame) };
    // Made beside the capture; whoever waits for it below is told what went wrong.
    this.soundtrack = tools.soundtracks.of(scene === null ? clips : [], durationMs, this.signal);
    this.soundtrack.catch(() => undefined);
    this.written =
      parts === null || scene !== null || rest.length > 0
        ? null
        : writeInParts(this.ffmpeg.read(), { fps, frameCount, sparse: this.sparse }, this.soundtrack, parts);
    this.written?.catch(() => undefined);
  }

  /** Takes all frames. Ends when the encoder has them, or at the first failure. */
  async take(source: FrameSource, onFrame: (index: number) => void): Promise<void> {
    const { start } = this.range;
    let writing = Promise.resolve();
    for await (const { index, ...picture } of source.frames(this.range, this.signal)) {
      const frame = { ...picture, index: index - start };
      this.stills?.consider(frame);
      this.witness.consider(frame);
      // The next frame is captured while ffmpeg takes this one.
      await writing;
      writing = this.feed.send(frame);
      writing.catch(() => undefined);
      onFrame(frame.index);
    }
    await writing;
  }

  /** Waits for the encoder and assembles the videos, in the order of the plan's renditions. */
  async assemble(): Promise<ProducedVideo[]> {
    const [first] = this.plan.renditions;
    if (this.written !== null) {
      const [file] = await Promise.all([this.written, this.ffmpeg.finish()]);
      return [this.produced(first, { ...file, clip: null })];
    }
    const { fps } = this.plan.template;
    const [stream, audio] = await Promise.all([this.ffmpeg.finish(), this.soundtrack]);
    const videos: ProducedVideo[] = [];
    for (const [track, rendition] of this.plan.renditions.entries()) {
      const clip = await readClip(stream, { fps, track, sparse: this.sparse });
      videos.push(this.produced(rendition, { bytes: await assemble([clip], { audio }), partCount: 0, clip }));
    }
    return videos;
  }

  private produced(rendition: Rendition, file: WrittenFile & { readonly clip: Clip | null }): ProducedVideo {
    const sha256 = createHash('sha256').update(file.bytes).digest('hex');
    return { rendition, ...frameSizeOf(this.plan.template, rendition), sha256, ...file };
  }

  /** Failure `OutputInvalid` when a video is not what was captured. Makes the stills beside that; null: another scene has them. */
  async prove(videos: readonly ProducedVideo[]): Promise<Stills | null> {
    const { fps } = this.plan.template;
    const frameCount = this.range.end - this.range.start;
    const durationMs = Math.round((frameCount * 1000) / fps);
    const { ffmpeg, limitMs } = this.tools;
    const { captured } = this.witness;
    const audio = await this.soundtrack;
    const checks = videos.map(async ({ bytes, width, height }) => {
      // A video of one colour is broken; a scene may well be a pause.
      const expected = { width, height, frameCount, durationMs, captured, mayBeBlank: this.plan.scene != null };
      await verifyVideo(bytes, expected, { ffmpeg, limitMs, signal: this.signal });
      await verifyAudio(bytes, audio);
    });
    const [stills] = await Promise.all([this.stills?.finish(this.signal) ?? null, ...checks]);
    return stills;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.over.abort(new Failure('Cancelled', 'The render is over.'));
    await this.ffmpeg[Symbol.asyncDispose]();
  }
}

const trackOf = (template: Size, { shortSide, qp, maxKbps }: Rendition): Track => ({
  size: frameSizeOf(template, { shortSide }),
  quality: { qp, maxKbps },
});
