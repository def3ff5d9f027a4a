/** The engine: a template and one recipient's params in, one checked MP4 in memory out. */

import { createHash } from 'node:crypto';
import type { EngineFingerprint } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import type { Params, Rendition } from '../contracts/video.ts';
import type { Template } from '../templates/template.ts';
import { BrowserPool, type Lease } from './browser/pool.ts';
import { profileRoot, sweepProfiles } from './browser/profiles.ts';
import {
  type Candidate,
  type CaptureChoice,
  type CaptureTools,
  candidatesFor,
  chooseRoute,
  missingFor,
} from './capture/probe.ts';
import { VirtualDisplay } from './capture/xvfb/display.ts';
import { FfmpegProcess, type FfmpegRun } from './encode/ffmpeg.ts';
import { encodeOptions } from './encode/settings.ts';
import { probeToolchain } from './encode/toolchain.ts';
import { fingerprintOf } from './fingerprint.ts';
import { frameSizeOf, type Size } from './geometry.ts';
import type { Log } from './log.ts';
import { remux } from './mp4/remux.ts';
import { StillsCollector } from './stills/stills.ts';
import { verifyVideo } from './verify/verify.ts';
import { CaptureWitness } from './verify/witness.ts';
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
  /** Renders after which a browser is replaced. */
  readonly recycleAfter?: number;
  /** How long a template may take to answer new params. */
  readonly paramsLimitMs?: number;
  /** How long a template may take to load. */
  readonly loadLimitMs?: number;
  /** How long one call to Chromium may take before it counts as hung. */
  readonly callLimitMs?: number;
  /** How long ffmpeg may make no headway before it counts as hung. */
  readonly encoderLimitMs?: number;
}

type Encoder = Pick<FfmpegRun, 'ffmpeg' | 'limitMs'>;

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

export interface RenderOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly frame: number; readonly frameCount: number }) => void;
}

export interface RenderedVideo {
  /** The MP4. */
  readonly bytes: Uint8Array;
  /** JPEG of a telling frame, as large as the video. */
  readonly poster: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly frameCount: number;
  readonly durationMs: number;
  readonly sizeBytes: number;
  /** Hex digest of `bytes`. */
  readonly sha256: string;
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

const DEFAULTS = { recycleAfter: 200, paramsLimitMs: 5_000, loadLimitMs: 15_000, callLimitMs: 30_000 } as const;
/** How long a browser gets to finish what a cancelled render had asked of it, before it is replaced instead. */
const QUIET_LIMIT_MS = 1_000;

export class Renderer implements AsyncDisposable {
  readonly fingerprint: EngineFingerprint;
  private readonly pool: BrowserPool<WarmBrowser>;
  private readonly encoder: Encoder;
  private readonly latest: Latest;
  private readonly lifetime = new AbortController();
  private readonly renders = new Set<Promise<unknown>>();

  private constructor(
    fingerprint: EngineFingerprint,
    pool: BrowserPool<WarmBrowser>,
    encoder: Encoder,
    latest: Latest,
  ) {
    this.fingerprint = fingerprint;
    this.pool = pool;
    this.encoder = encoder;
    this.latest = latest;
  }

  /** Failure `ToolMissing` says which program is missing or does not do what it must; a broken template is told as such. */
  static async start(options: RendererOptions): Promise<Renderer> {
    const { tools, slots, template, log } = options;
    const settings = { ...DEFAULTS, ...withoutUndefined(options) };
    const root = profileRoot();
    const swept = (await sweepProfiles(root)) + (await VirtualDisplay.sweep());
    if (swept > 0) log.info({ swept }, 'removed what browsers of killed processes had left');

    const latest: Latest = { template, frame: template ?? null, largest: template ?? null };
    const unlimited = new AbortController().signal;
    const launch = (candidate: Candidate, signal: AbortSignal): Promise<WarmBrowser> =>
      WarmBrowser.launch(
        {
          ...candidate,
          frame: latest.largest,
          profileRoot: root,
          callLimitMs: settings.callLimitMs,
          deadlines: { loadMs: settings.loadLimitMs, paramsMs: settings.paramsLimitMs },
          log,
        },
        signal,
      );
    const toolchain = await probeToolchain(tools.ffmpeg, unlimited);
    const capture = options.capture ?? 'auto';
    const candidates = candidatesFor(tools, capture);
    if (candidates.length === 0) throw missingFor(capture);
    const { candidate, browser, pixels } = await chooseRoute(candidates, (one) => launch(one, unlimited), log);
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
        launch: async (signal) => warm(await launch(candidate, signal)),
        log,
      },
      await warm(browser),
    );
    log.info(
      { slots, route: candidate.route, chromium: browser.version, engine: fingerprint.digest },
      'renderer ready',
    );
    const encoder: Encoder = { ffmpeg: tools.ffmpeg, limitMs: options.encoderLimitMs };
    return new Renderer(fingerprint, pool, encoder, latest);
  }

  /** Renders and checks one video. Every failure is a `Failure`; an aborted `signal` ends it with `Cancelled`. */
  async render(request: RenderRequest, options: RenderOptions): Promise<RenderedVideo> {
    const signal = AbortSignal.any([options.signal, this.lifetime.signal]);
    const render = this.renderOnce(request, { ...options, signal });
    this.renders.add(render);
    try {
      return await render;
    } catch (error) {
      if (signal.aborted) throw asCancelled(signal.reason);
      throw asKnown(error);
    } finally {
      this.renders.delete(render);
    }
  }

  /** Cancels what is being rendered and ends every process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.lifetime.abort(new Failure('Cancelled', 'The renderer was closed.'));
    await Promise.allSettled(this.renders);
    await this.pool[Symbol.asyncDispose]();
  }

  private async renderOnce(
    { template, params, rendition }: RenderRequest,
    { signal, onProgress }: RenderOptions,
  ): Promise<RenderedVideo> {
    const lap = stopwatch();
    const { fps, frameCount, durationMs } = template;
    const size = frameSizeOf(template, rendition);
    const stills = new StillsCollector({ size, fps, frameCount, posterFrame: template.posterFrame });
    const witness = new CaptureWitness(size, frameCount);
    await using lease = await this.acquire(size, signal);
    const acquireMs = lap();
    try {
      const source = await lease.member.open(template, params, size);
      this.latest.template = template;
      this.latest.frame = size;
      const paramsMs = lap();
      const { output } = encodeOptions({ fps, crf: rendition.crf });
      const input = [
        '-f',
        'rawvideo',
        '-pix_fmt',
        'yuv420p',
        '-s',
        `${size.width}x${size.height}`,
        '-framerate',
        String(fps),
      ];
      await using encoder = FfmpegProcess.start({ ...this.encoder, input, output }, signal);
      let writing = Promise.resolve();
      for await (const frame of source.frames({ start: 0, end: frameCount }, signal)) {
        stills.consider(frame);
        witness.consider(frame);
        // The next frame is captured while ffmpeg takes this one.
        await writing;
        writing = encoder.write(frame.data);
        writing.catch(() => undefined);
        onProgress?.({ frame: frame.index + 1, frameCount });
      }
      lease.member.assertClean();
      await writing;
      const captureMs = lap();
      lease.release();

      const bytes = await remux(await encoder.finish(), { fps });
      const encodeMs = lap();
      const expected = { ...size, frameCount, durationMs, captured: witness.captured };
      await verifyVideo(bytes, expected, { ...this.encoder, signal });
      const { poster } = await stills.finish(signal);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const verifyMs = lap();
      const totalMs = acquireMs + paramsMs + captureMs + encodeMs + verifyMs;
      return {
        ...{ bytes, poster, ...size, frameCount, durationMs },
        ...{ sizeBytes: bytes.byteLength, sha256 },
        stages: { acquireMs, paramsMs, captureMs, encodeMs, verifyMs, totalMs },
      };
    } catch (error) {
      await this.makeSafe(lease, error);
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

  /** A browser that is broken, or still busy with a render that is over, is not lent again. */
  private async makeSafe(lease: Lease<WarmBrowser>, error: unknown): Promise<void> {
    const isBroken = error instanceof Failure && ['BrowserCrashed', 'BrowserHung'].includes(error.failureClass);
    if (isBroken || !(await lease.member.isIdleWithin(QUIET_LIMIT_MS))) lease.discard();
  }
}

/** Milliseconds, whole, since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const elapsed = Math.round(now - last);
    last = now;
    return elapsed;
  };
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
