/** The engine: a template and one recipient's params in, one checked MP4 in memory out. */

import type { EngineFingerprint } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import type { Params, Rendition } from '../contracts/video.ts';
import { inStep } from '../telemetry/tracing.ts';
import type { Template } from '../templates/template.ts';
import type { Soundtrack } from './audio/soundtrack.ts';
import { Soundtracks } from './audio/soundtracks.ts';
import { BrowserPool, type Lease, type PoolState } from './browser/pool.ts';
import { profileRoot, sweepAllProfiles, sweepSharedMemory } from './browser/profiles.ts';
import { findSandbox } from './browser/sandbox.ts';
import type { Frame, FrameRange } from './capture/frame-source.ts';
import {
  type Candidate,
  type CaptureChoice,
  type CaptureTools,
  candidatesFor,
  chooseRoute,
  missingFor,
} from './capture/probe.ts';
import { VirtualDisplay } from './capture/xvfb/display.ts';
import type { EncoderName } from './encode/options.ts';
import { probeToolchain } from './encode/toolchain.ts';
import { type Evidence, newWatch, type Watch } from './evidence.ts';
import { fingerprintOf } from './fingerprint.ts';
import { frameSizeOf, type Size } from './geometry.ts';
import { Inspection } from './inspection.ts';
import type { Log } from './log.ts';
import { Meter } from './measuring/meter.ts';
import type { Clip } from './mp4/clip.ts';
import type { PartSink } from './part-sink.ts';
import { captureOrder, type ProducedVideo, Production, type ProductionTools } from './production.ts';
import type { PreviewOptions } from './stills/preview-plan.ts';
import type { Stills } from './stills/stills.ts';
import { Films } from './video/films.ts';
import { WarmBrowser } from './warm-browser.ts';

export interface RendererOptions {
  readonly tools: CaptureTools & { readonly ffmpeg: string };
  /** `auto` when left out. */
  readonly capture?: CaptureChoice;
  /** Browsers, and so renders at the same time. */
  readonly slots: number;
  /** Warmed in every browser before the first render; others, or all without it, are loaded when they are asked for. */
  readonly template?: Template;
  readonly log: Log;
  /** `x264` when left out; the others need a device of the machine, and give other bytes. */
  readonly encoder?: EncoderName;
  /** Renders after which a browser is replaced. */
  readonly recycleAfter?: number;
  /** Memory above which a browser is replaced. 1.5 GiB when left out. */
  readonly recycleAboveBytes?: number;
  /** How long a template may take to answer new params. */
  readonly paramsLimitMs?: number;
  /** How long a template may take to load. */
  readonly loadLimitMs?: number;
  /** How long one call to Chromium may take before it counts as hung. */
  readonly callLimitMs?: number;
  /** How long ffmpeg may make no headway before it counts as hung. */
  readonly encoderLimitMs?: number;
  /** Ends the start, and not what has been started. */
  readonly signal?: AbortSignal;
}

/** What was rendered last: the next browser is warmed for that. */
interface Latest {
  template: Template | undefined;
  frame: Size | null;
  /** Both sides of the largest frames so far. */
  largest: Size | null;
}

export interface RenderRequest {
  readonly template: Template;
  readonly params: Params;
  readonly rendition: Rendition;
}

/** Several renditions from one capture: all but the largest are scaled from its frames. */
export interface LadderRequest extends Omit<RenderRequest, 'rendition'> {
  readonly renditions: readonly [Rendition, ...Rendition[]];
}

/** One scene, as everybody gets to see it for whom `params` are the same. */
export interface SceneRequest extends RenderRequest {
  readonly scene: FrameRange;
}

export interface RenderOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly frame: number; readonly frameCount: number }) => void;
  /** An animated preview for e-mail to be made as well. */
  readonly preview?: PreviewOptions | null;
  /** Gets what there is to see of a render that fails, before its failure is thrown. */
  readonly onFailure?: (evidence: Evidence) => void;
  /** Takes the file of a single rendition while it is made, in parts, when it is large enough: see `partCount`. */
  readonly parts?: PartSink | null;
}

export interface RenderedVideo {
  readonly rendition: Rendition;
  /** The MP4. */
  readonly bytes: Uint8Array;
  /** Parts that were handed to the sink, which are all of it; 0: none. */
  readonly partCount: number;
  /** JPEG of a telling frame, as large as the frames that were captured. */
  readonly poster: Uint8Array;
  /** Null when none was asked for, or none is small enough. */
  readonly preview: Uint8Array | null;
  readonly width: number;
  readonly height: number;
  readonly frameCount: number;
  readonly durationMs: number;
  readonly sizeBytes: number;
  /** Hex digest of `bytes`. */
  readonly sha256: string;
  readonly stages: RenderStages;
}

/** A scene that was rendered and checked, to be joined with others. */
export interface RenderedScene {
  readonly clip: Clip;
  /** A frame of it that may become the poster, as JPEG, and what it is worth; null when the poster is of another scene. */
  readonly still: { readonly jpeg: Uint8Array; readonly score: number } | null;
  readonly stages: RenderStages;
}

/** Where the time went. Encoding runs beside capturing: `encodeMs` is what was left of it afterwards. */
export interface RenderStages {
  readonly acquireMs: number;
  readonly paramsMs: number;
  readonly captureMs: number;
  readonly encodeMs: number;
  readonly verifyMs: number;
  readonly totalMs: number;
}

type EngineStage = 'acquire' | 'params' | 'capture' | 'encode' | 'verify';

const DEFAULTS = { recycleAfter: 200, paramsLimitMs: 5_000, loadLimitMs: 15_000, callLimitMs: 20_000 } as const;
/** How long a browser gets to finish what a cancelled render had asked of it, before it is replaced instead. */
const QUIET_LIMIT_MS = 1_000;
/** For the picture of a failure: by then it is given up, and the browser as well. */
const SCREENSHOT_LIMIT_MS = 2_000;

export class Renderer implements AsyncDisposable {
  readonly fingerprint: EngineFingerprint;
  private readonly pool: BrowserPool<WarmBrowser>;
  private readonly tools: ProductionTools & { readonly films: Films };
  private readonly latest: Latest;
  private readonly lifetime = new AbortController();
  private readonly renders = new Set<Promise<unknown>>();
  private isDraining = false;

  private constructor(
    fingerprint: EngineFingerprint,
    pool: BrowserPool<WarmBrowser>,
    tools: ProductionTools & { readonly films: Films },
    latest: Latest,
  ) {
    this.fingerprint = fingerprint;
    this.pool = pool;
    this.tools = tools;
    this.latest = latest;
  }

  /** Failure `ToolMissing` says which program is missing or does not do what it must; a broken template is told as such. */
  static async start(options: RendererOptions): Promise<Renderer> {
    const { tools, slots, template, log } = options;
    const settings = { ...DEFAULTS, ...withoutUndefined(options) };
    const swept = (await sweepAllProfiles()) + (await VirtualDisplay.sweep()) + (await sweepSharedMemory());
    if (swept > 0) log.info({ swept }, 'removed what browsers of killed processes had left');

    const latest: Latest = { template, frame: template ?? null, largest: template ?? null };
    const starting = options.signal ?? new AbortController().signal;
    const encoding = { ffmpeg: tools.ffmpeg, limitMs: options.encoderLimitMs };
    const films = new Films(encoding);
    const launch = (candidate: Candidate, signal: AbortSignal): Promise<WarmBrowser> =>
      WarmBrowser.launch(
        {
          ...candidate,
          frame: latest.largest,
          profileRoot: profileRoot(),
          callLimitMs: settings.callLimitMs,
          deadlines: { loadMs: settings.loadLimitMs, paramsMs: settings.paramsLimitMs },
          films,
          log,
        },
        signal,
      );
    const toolchain = await probeToolchain(tools.ffmpeg, starting, options.encoder);
    const capture = options.capture ?? 'auto';
    const candidates = candidatesFor(tools, capture);
    if (candidates.length === 0) throw missingFor(capture);
    const { candidate, browser, pixels } = await chooseRoute(candidates, (one) => launch(one, starting), log, starting);
    // Whatever goes wrong with a browser that nobody owns yet, it does not stay behind.
    const orClose = async <T>(owned: WarmBrowser, work: Promise<T>): Promise<T> => {
      try {
        return await work;
      } catch (error) {
        await owned[Symbol.asyncDispose]();
        throw error;
      }
    };
    const warm = async (cold: WarmBrowser): Promise<WarmBrowser> => {
      const { template: wanted, frame } = latest;
      if (wanted !== undefined) await orClose(cold, cold.open(wanted, wanted.placeholder, frame ?? wanted));
      return cold;
    };
    const fingerprint = await orClose(
      browser,
      fingerprintOf({ route: candidate.route, pixels, chromium: browser.version, toolchain }),
    );
    const pool = await BrowserPool.start(
      {
        slots,
        recycleAfter: settings.recycleAfter,
        recycleAboveBytes: options.recycleAboveBytes,
        launch: async (signal) => {
          try {
            return await warm(await launch(candidate, signal));
          } catch (error) {
            throw asPassing(error);
          }
        },
        log,
      },
      await warm(browser),
    );
    const { whyOff } = await findSandbox();
    if (whyOff !== null) log.warn({ whyOff }, 'Chromium runs without its sandbox here (docs/isolation.md)');
    log.info(
      { slots, route: candidate.route, chromium: browser.version, engine: fingerprint.digest },
      'renderer ready',
    );
    const soundtracks = new Soundtracks(encoding);
    const owned = { ...encoding, encoder: options.encoder ?? 'x264', soundtracks, films };
    return new Renderer(fingerprint, pool, owned, latest);
  }

  get poolState(): PoolState {
    return this.pool.state;
  }

  /** Renders and checks one video. Every failure is a `Failure`; an aborted `signal` ends it with `Cancelled`. */
  async render({ rendition, ...request }: RenderRequest, options: RenderOptions): Promise<RenderedVideo> {
    const [video] = await this.renderLadder({ ...request, renditions: [rendition] }, options);
    if (video === undefined) throw new Failure('Internal', 'A render came to no video.');
    return video;
  }

  /** The same for several renditions of one capture, in the order in which they were asked for. */
  async renderLadder(request: LadderRequest, options: RenderOptions): Promise<RenderedVideo[]> {
    const { frameCount, durationMs } = request.template;
    const { videos, stills, stages } = await this.owned(options, (own) => this.produce(request, own));
    if (stills === null) throw new Failure('Internal', 'A video was rendered without its poster.');
    const { poster, preview } = stills;
    return request.renditions.flatMap((rendition) => {
      const video = videos.find((one) => one.rendition === rendition);
      if (video === undefined) return [];
      const { bytes, partCount, width, height, sha256 } = video;
      const about = { frameCount, durationMs, sizeBytes: bytes.byteLength, sha256, stages };
      return [{ rendition, bytes, partCount, poster, preview, width, height, ...about }];
    });
  }

  /** Renders and checks one scene, silent. `params`: the scene's own, see `partsOf`. */
  async renderScene({ rendition, ...request }: SceneRequest, options: RenderOptions): Promise<RenderedScene> {
    const produced = await this.owned(options, (own) => this.produce({ ...request, renditions: [rendition] }, own));
    const { videos, stills, stages } = produced;
    const [video] = videos;
    if (!video?.clip) throw new Failure('Internal', 'A scene came to no video.');
    const still = stills === null ? null : { jpeg: stills.poster, score: stills.posterScore };
    return { clip: video.clip, still, stages };
  }

  /** What is to be heard of the whole of a template with these params; null: nothing. */
  async renderSoundtrack(
    { template, params }: Pick<RenderRequest, 'template' | 'params'>,
    options: Pick<RenderOptions, 'signal' | 'onFailure'>,
  ): Promise<Soundtrack | null> {
    return await this.owned(options, async ({ signal, watch }) => {
      const frame = this.latest.frame ?? template;
      await using lease = await this.acquire(frame, signal);
      using used = Meter.current?.browser(lease.member.processGroups);
      watch.stage = 'params';
      try {
        await lease.member.open(template, params, frame);
        const clips = await lease.member.clips(template);
        lease.member.assertClean();
        used?.[Symbol.dispose]();
        watch.messages = lease.member.messages;
        lease.release();
        watch.stage = 'encode';
        return await this.tools.soundtracks.of(clips, template.durationMs, signal);
      } catch (error) {
        await this.makeSafe(lease, error, watch);
        throw error;
      }
    });
  }

  /** Draws the frames of a scene, in order, and hands each to `onFrame`, until whose return its data are valid. */
  async capture(
    { template, params, rendition, scene }: SceneRequest,
    onFrame: (frame: Frame, size: Size) => void,
    options: Pick<RenderOptions, 'signal'>,
  ): Promise<void> {
    await this.owned(options, async ({ signal, watch }) => {
      const size = frameSizeOf(template, rendition);
      await using lease = await this.acquire(size, signal);
      try {
        const source = await lease.member.open(template, params, size);
        for await (const frame of source.frames(scene, signal)) onFrame(frame, size);
        lease.member.assertClean();
      } catch (error) {
        await this.makeSafe(lease, error, watch);
        throw error;
      }
    });
  }

  /** Lends a browser to whoever looks at a template, for as long as `look` takes. */
  async inspect<T>(
    { template, rendition }: Pick<RenderRequest, 'template' | 'rendition'>,
    look: (page: Inspection) => Promise<T>,
    options: Pick<RenderOptions, 'signal'>,
  ): Promise<T> {
    return await this.owned(options, async ({ signal, watch }) => {
      const size = frameSizeOf(template, rendition);
      await using lease = await this.acquire(size, signal);
      try {
        return await look(new Inspection(lease.member, template, size, signal));
      } catch (error) {
        await this.makeSafe(lease, error, watch);
        throw error;
      }
    });
  }

  /** Refuses new renders with `WorkerLost`; ends when those under way are over. */
  async drain(): Promise<void> {
    this.isDraining = true;
    await Promise.all([this.pool.drain(), Promise.allSettled(this.renders)]);
  }

  /** Cancels what is being rendered and ends every process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.lifetime.abort(new Failure('Cancelled', 'The renderer was closed.'));
    await Promise.allSettled(this.renders);
    await this.pool[Symbol.asyncDispose]();
    await this.tools.soundtracks[Symbol.asyncDispose]();
    await this.tools.films[Symbol.asyncDispose]();
  }

  /** Does what was asked for as long as this renderer lives; what goes wrong is told as a `Failure`. */
  private async owned<Options extends Pick<RenderOptions, 'signal' | 'onFailure'>, T>(
    options: Options,
    work: (options: Options & { readonly watch: Watch }) => Promise<T>,
  ): Promise<T> {
    if (this.isDraining) throw new Failure('WorkerLost', 'This worker is being stopped and takes no new renders.');
    const signal = AbortSignal.any([options.signal, this.lifetime.signal]);
    const watch = newWatch();
    const render = work({ ...options, signal, watch });
    this.renders.add(render);
    try {
      return await render;
    } catch (error) {
      options.onFailure?.(watch);
      if (signal.aborted) throw asCancelled(signal.reason);
      throw asKnown(error);
    } finally {
      this.renders.delete(render);
    }
  }

  private async produce(
    { template, params, renditions: wanted, scene = null }: LadderRequest & { readonly scene?: FrameRange | null },
    { signal, onProgress, onFailure, preview = null, parts = null, watch }: RenderOptions & { readonly watch: Watch },
  ): Promise<{ videos: ProducedVideo[]; stills: Stills | null; stages: RenderStages }> {
    const took = new Map<EngineStage, number>();
    const stage = async <T>(name: EngineStage, work: () => Promise<T>): Promise<T> => {
      watch.stage = name;
      return await inStep(name, work, (durationMs) => {
        took.set(name, Math.round(durationMs));
        Meter.current?.addStage(name, durationMs);
      });
    };
    const frameCount = scene === null ? template.frameCount : scene.end - scene.start;
    const [largest = wanted[0], ...smaller] = captureOrder(template, wanted);
    const size = frameSizeOf(template, largest);
    await using lease = await stage('acquire', () => this.acquire(size, signal));
    using used = Meter.current?.browser(lease.member.processGroups);
    try {
      const { member } = lease;
      const { source, clips } = await stage('params', async () => {
        const opened = await member.open(template, params, size);
        return { source: opened, clips: scene === null ? await member.clips(template) : [] };
      });
      this.latest.template = template;
      this.latest.frame = size;
      const plan = { template, renditions: [largest, ...smaller] as const, preview, scene, parts };
      await using production = new Production(this.tools, plan, clips, signal);
      await stage('capture', async () => {
        await production.take(source, (index) => {
          watch.lastFrame = index + (scene?.start ?? 0);
          onProgress?.({ frame: index + 1, frameCount });
        });
        member.assertClean();
        member.rewind();
      });
      used?.[Symbol.dispose]();
      watch.messages = member.messages;
      lease.release();

      const videos = await stage('encode', () => production.assemble());
      const stills = await stage('verify', () => production.prove(videos));
      Meter.current?.addFrames(frameCount);
      return { videos, stills, stages: stagesOf(took) };
    } catch (error) {
      await this.makeSafe(lease, error, watch, onFailure !== undefined && !signal.aborted);
      throw error;
    }
  }

  /** A browser whose window is large enough; those that are too small go, and their successors are made for this size. */
  private async acquire(size: Size, signal: AbortSignal): Promise<Lease<WarmBrowser>> {
    const { largest } = this.latest;
    this.latest.largest = {
      width: Math.max(size.width, largest?.width ?? 0),
      height: Math.max(size.height, largest?.height ?? 0),
    };
    for (;;) {
      const lease = await this.pool.acquire(signal);
      if (lease.member.fits(size)) return lease;
      lease.discard();
      lease.release();
    }
  }

  /**
   * A browser that is broken, or still busy with a render that is over, is not lent again.
   * @param isShown whether a picture is wanted, which the browser must still be there for.
   */
  private async makeSafe(lease: Lease<WarmBrowser>, error: unknown, watch: Watch, isShown = false): Promise<void> {
    let isBroken = error instanceof Failure && ['BrowserCrashed', 'BrowserHung'].includes(error.failureClass);
    // Once it is given back it is somebody else's.
    if (watch.stage === 'params' || watch.stage === 'capture') {
      watch.messages = lease.member.messages;
      if (isShown && !isBroken) {
        const taken = await withinLimit(SCREENSHOT_LIMIT_MS, lease.member.screenshot());
        if (taken === LATE) isBroken = true;
        else watch.screenshot = taken;
      }
    }
    if (isBroken || !(await lease.member.isIdleWithin(QUIET_LIMIT_MS))) lease.discard();
  }
}

function stagesOf(took: ReadonlyMap<EngineStage, number>): RenderStages {
  const ms = (stage: EngineStage): number => took.get(stage) ?? 0;
  return {
    acquireMs: ms('acquire'),
    paramsMs: ms('params'),
    captureMs: ms('capture'),
    encodeMs: ms('encode'),
    verifyMs: ms('verify'),
    totalMs: took.values().reduce((sum, one) => sum + one, 0),
  };
}

const LATE = Symbol('late');

/** What comes in time, and without trouble. */
async function withinLimit<T>(limitMs: number, work: Promise<T>): Promise<T | typeof LATE> {
  const { promise: late, resolve } = Promise.withResolvers<typeof LATE>();
  const timer = setTimeout(resolve, limitMs, LATE);
  try {
    return await Promise.race([work.catch((): typeof LATE => LATE), late]);
  } finally {
    clearTimeout(timer);
  }
}

const asCancelled = (reason: unknown): Failure =>
  reason instanceof Failure ? reason : new Failure('Cancelled', 'The render was cancelled.', { cause: reason });

/** What Chromium or a library says may quote what it was asked to do, and so a recipient. */
const asKnown = (error: unknown): Failure => {
  if (error instanceof Failure) return error;
  const [type, detail] = error instanceof Error ? [error.name, error.message] : ['not an error', String(error)];
  return new Failure('Internal', `The render failed in a way that the engine does not know (${type}).`, {
    detail,
    cause: error,
  });
};

const withoutUndefined = (options: RendererOptions): Partial<typeof DEFAULTS> =>
  Object.fromEntries(
    Object.keys(DEFAULTS).flatMap((name) => {
      const value = options[name as keyof typeof DEFAULTS];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** One like it has worked here: a browser that does not come up now was killed as it started, or there was no room for it. */
function asPassing(error: unknown): unknown {
  if (!(error instanceof Failure) || error.failureClass !== 'ToolMissing') return error;
  return new Failure('BrowserCrashed', `A browser did not come up, as others did before. ${error.message}`, {
    cause: error,
  });
}
