/** What the preview has the real engine make, one after the other, in a browser that is started when it is first needed. */

import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { Failure } from '../contracts/failures.ts';
import { type Params, RENDITIONS, type RenditionId } from '../contracts/video.ts';
import type { Size } from '../rendering/geometry.ts';
import type { Renderer } from '../rendering/renderer.ts';
import { rgbOf } from '../rendering/stills/pixels.ts';
import type { Template } from '../templates/template.ts';
import type { ParamSet } from './param-sets.ts';
import { soundFile } from './sound-file.ts';

/** Something that was made. */
export interface Made {
  /** `web-1080p.mp4`, `2-45.jpg`, `sound.m4a`. */
  readonly name: string;
  readonly type: string;
  /** 0 of sound. */
  readonly width: number;
  readonly height: number;
  readonly sizeBytes: number;
}

/** What the page is told of a job. */
export interface Job {
  readonly id: string;
  readonly kind: 'render' | 'sheet' | 'sound';
  readonly state: 'waiting' | 'starting' | 'working' | 'done' | 'failed' | 'cancelled';
  /** Frames, or pictures of a sheet. */
  readonly done: number;
  readonly total: number;
  /** Of a failed one: what happened, and what to do. */
  readonly problem: string | null;
  readonly files: readonly Made[];
}

interface OpenJob {
  told: Job;
  readonly stop: AbortController;
  readonly bytes: Map<string, Uint8Array>;
}

export interface StudioOptions {
  /** Starts the engine with one browser. */
  readonly start: (signal: AbortSignal) => Promise<Renderer>;
  readonly onJob: (job: Job) => void;
}

/** So many of each kind are kept in memory, the newest; videos of the referral template take 3 MB in all renditions. */
const KEPT_JOBS = 8;
const SHEET_RENDITION = RENDITIONS['email-480p'];
const JPEG = { quality: 88 } as const;

type Work = (renderer: Renderer, job: OpenJob) => Promise<void>;

export class Studio implements AsyncDisposable {
  private readonly options: StudioOptions;
  private readonly jobs = new Map<string, OpenJob>();
  private readonly lifetime = new AbortController();
  private renderer: Promise<Renderer> | null = null;
  private queue: Promise<void> = Promise.resolve();

  constructor(options: StudioOptions) {
    this.options = options;
  }

  /** One video in each of some renditions, from one capture. */
  render(template: Template, params: Params, ids: readonly [RenditionId, ...RenditionId[]]): Job {
    const [first, ...rest] = ids;
    const renditions = [RENDITIONS[first], ...rest.map((id) => RENDITIONS[id])] as const;
    return this.add('render', template.frameCount, async (renderer, job) => {
      const { signal } = job.stop;
      const onProgress = ({ frame }: { readonly frame: number }): void => this.tell(job, { done: frame });
      const videos = await renderer.renderLadder({ template, params, renditions }, { signal, onProgress });
      for (const { rendition, bytes, width, height } of videos) {
        this.keep(job, { name: `${rendition.id}.mp4`, type: 'video/mp4', width, height }, bytes);
      }
    });
  }

  /** Pictures of some frames with several params: named by the place of the params and the frame. */
  sheet(template: Template, sets: readonly ParamSet[], frames: readonly number[]): Job {
    return this.add('sheet', sets.length * frames.length, async (renderer, job) => {
      const { signal } = job.stop;
      for (const [row, { params }] of sets.entries()) {
        for (const frame of frames) {
          const shot = await this.shot(renderer, { template, params, frame }, signal);
          this.keep(job, { name: `${row}-${frame}.jpg`, type: 'image/jpeg', ...shot.size }, shot.jpeg);
          this.tell(job, { done: job.told.done + 1 });
        }
      }
    });
  }

  /** What is to be heard with some params, in a file of its own; no file when that is nothing. */
  sound(template: Template, params: Params): Job {
    return this.add('sound', 1, async (renderer, job) => {
      const soundtrack = await renderer.renderSoundtrack({ template, params }, { signal: job.stop.signal });
      if (soundtrack === null) return;
      const made = { name: 'sound.m4a', type: 'audio/mp4', width: 0, height: 0 };
      this.keep(job, made, await soundFile(soundtrack));
    });
  }

  cancel(id: string): boolean {
    const job = this.jobs.get(id);
    job?.stop.abort(new Failure('Cancelled', 'It was cancelled.'));
    return job !== undefined;
  }

  file(id: string, name: string): { readonly type: string; readonly bytes: Uint8Array } | null {
    const job = this.jobs.get(id);
    const bytes = job?.bytes.get(name);
    const made = job?.told.files.find((one) => one.name === name);
    return bytes === undefined || made === undefined ? null : { type: made.type, bytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lifetime.abort(new Failure('Cancelled', 'The preview was stopped.'));
    await this.queue;
    const renderer = await this.renderer?.catch(() => null);
    await renderer?.[Symbol.asyncDispose]();
  }

  private add(kind: Job['kind'], total: number, work: Work): Job {
    const told: Job = { id: randomUUID(), kind, state: 'waiting', done: 0, total, problem: null, files: [] };
    const job: OpenJob = { told, stop: new AbortController(), bytes: new Map() };
    this.jobs.set(told.id, job);
    const alike = [...this.jobs.values()].filter((one) => one.told.kind === kind);
    for (const { told: old } of alike.slice(0, -KEPT_JOBS)) {
      this.cancel(old.id);
      this.jobs.delete(old.id);
    }
    this.lifetime.signal.addEventListener('abort', () => job.stop.abort(this.lifetime.signal.reason), { once: true });
    this.queue = this.queue.then(() => this.run(job, work));
    return told;
  }

  private async run(job: OpenJob, work: Work): Promise<void> {
    const { signal } = job.stop;
    try {
      signal.throwIfAborted();
      if (this.renderer === null) this.tell(job, { state: 'starting' });
      const renderer = await this.engine();
      signal.throwIfAborted();
      this.tell(job, { state: 'working' });
      await work(renderer, job);
      this.tell(job, { state: 'done' });
    } catch (error) {
      const isCancelled = signal.aborted || (error instanceof Failure && error.failureClass === 'Cancelled');
      this.tell(job, isCancelled ? { state: 'cancelled' } : { state: 'failed', problem: sentenceOf(error) });
    }
  }

  /** The one that runs, else a new one; after a start that failed the next job tries again. */
  private async engine(): Promise<Renderer> {
    this.renderer ??= this.options.start(this.lifetime.signal);
    try {
      return await this.renderer;
    } catch (error) {
      this.renderer = null;
      throw error;
    }
  }

  private async shot(
    renderer: Renderer,
    { template, params, frame }: { readonly template: Template; readonly params: Params; readonly frame: number },
    signal: AbortSignal,
  ): Promise<{ readonly jpeg: Uint8Array; readonly size: Size }> {
    const scene = { start: frame, end: frame + 1 };
    const taken: { readonly rgb: Buffer; readonly size: Size }[] = [];
    await renderer.capture(
      { template, params, rendition: SHEET_RENDITION, scene },
      ({ data }, size) => void taken.push({ rgb: rgbOf(data, size), size }),
      { signal },
    );
    const [{ rgb, size } = missingFrame(frame)] = taken;
    const jpeg = await sharp(rgb, { raw: { ...size, channels: 3 } })
      .jpeg(JPEG)
      .toBuffer();
    return { jpeg, size };
  }

  private keep(job: OpenJob, made: Omit<Made, 'sizeBytes'>, bytes: Uint8Array): void {
    job.bytes.set(made.name, bytes);
    job.told = { ...job.told, files: [...job.told.files, { ...made, sizeBytes: bytes.byteLength }] };
  }

  private tell(job: OpenJob, news: Partial<Job>): void {
    job.told = { ...job.told, ...news };
    this.options.onJob(job.told);
  }
}

function missingFrame(frame: number): never {
  throw new Failure('Internal', `Frame ${frame} was asked for and did not come.`);
}

/** Whoever sits here gave the params: a template's own words may be shown. */
const sentenceOf = (error: unknown): string => {
  if (!(error instanceof Failure)) return `Unexpected: ${error instanceof Error ? error.message : String(error)}`;
  return error.detail === undefined ? error.message : `${error.message} ${error.detail}`;
};
