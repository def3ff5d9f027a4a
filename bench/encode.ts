/**
 * What encoding costs: processor time per frame and bytes of x264 set in different ways, at the same quality. One template
 * is captured once, uncompressed; ffmpeg reads those frames, so that neither Chromium nor Node is in the figures.
 *
 *   node bench/encode.ts [--template referral] [--rendition web-1080p] [--json]
 */

import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { findTools } from '../src/config/tools.ts';
import { Failure } from '../src/contracts/failures.ts';
import { isRenditionId, RENDITION_IDS, RENDITIONS, type RenditionId } from '../src/contracts/video.ts';
import { frameHead, streamHead } from '../src/rendering/encode/frame-feed.ts';
import { type EncodeOptions, encodeOptions, ladderOptions, type Track } from '../src/rendering/encode/options.ts';
import { frameSizeOf } from '../src/rendering/geometry.ts';
import type { Template } from '../src/templates/template.ts';
import { type BenchContext, type BenchResult, tableOf } from './bench.ts';
import { browserLauncher, openPage } from './engine.ts';
import { noteMachine } from './machine.ts';
import { plainEnvironment, runMeasured } from './program.ts';
import { createProgress } from './progress.ts';
import { parseQuality, type Quality } from './quality.ts';
import { rounded } from './statistics.ts';

export interface EncodeBenchOptions extends BenchContext {
  /** Of bench/pages or templates/, or a folder. */
  readonly template: string;
  readonly rendition: RenditionId;
}

/** Ways to set x264, each at two rate factors around the quality of ours. */
const RIVALS = {
  'ultrafast as it is': { options: ['-preset', 'ultrafast'], crf: [19, 23] },
  'superfast, tune animation': { options: ['-preset', 'superfast', '-tune', 'animation'], crf: [19, 23] },
  'veryfast as it is': { options: ['-preset', 'veryfast'], crf: [15, 19] },
  'veryfast, tune animation, subme 1': {
    options: ['-preset', 'veryfast', '-tune', 'animation', '-x264-params', 'subme=1'],
    crf: [15, 19],
  },
  'medium as HyperFrames sets it': {
    options: ['-preset', 'medium', '-bf', '0', '-x264-params', 'aq-mode=3:aq-strength=0.8:deblock=1,1'],
    crf: [17, 21],
  },
} as const;

interface Point {
  /** Constant rate factor, or quantiser of ours. */
  readonly rate: number;
  readonly cpuMs: number;
  readonly bytes: number;
  readonly ssim: number;
  readonly psnr: number;
}

export async function run(options: EncodeBenchOptions): Promise<BenchResult> {
  const { signal, progress, rendition: id } = options;
  await noteMachine(progress, signal);
  const template = await openPage(options.template);
  const rendition = RENDITIONS[id];
  const size = frameSizeOf(template, rendition);
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-encode-'));
  try {
    progress.expect(2 + 2 * Object.keys(RIVALS).length + 2);
    progress.step(`capture ${template.frameCount} frames of ${size.width}x${size.height}`);
    const frames = join(folder, 'frames.yuv');
    await capture(template, size, frames, signal);
    const bench = new Encodes({ ...options, template, folder, frames });

    progress.step('ours');
    const track: Track = { size, quality: { qp: rendition.qp, maxKbps: rendition.maxKbps } };
    const ours = await bench.point(encodeOptions({ fps: template.fps, ...track }), rendition.qp);
    const rows = [rowOf('ours', ours)];
    for (const [name, { options: x264, crf }] of Object.entries(RIVALS)) {
      const points: Point[] = [];
      for (const factor of crf) {
        progress.step(`${name}, crf ${factor}`);
        points.push(await bench.point(bench.rival(track, [...x264, '-crf', String(factor)]), factor));
      }
      rows.push(rowOf(name, atQualityOf(ours, points)));
    }

    const smaller = RENDITION_IDS.map((one) => RENDITIONS[one])
      .filter(({ shortSide }) => shortSide < rendition.shortSide)
      .sort((one, other) => other.shortSide - one.shortSide)
      .map(({ qp, maxKbps, ...one }): Track => ({ size: frameSizeOf(template, one), quality: { qp, maxKbps } }));
    const ladder = smaller.length === 0 ? null : await bench.ladder([track, ...smaller]);
    const atEqualSsim = [...rows];
    if (ladder !== null) rows.push(...ladder.rows);
    const json = { template: template.id, rendition: id, atEqualSsim, ladder: ladder?.json ?? null };
    return { rows, json };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const rowOf = (name: string, { rate, cpuMs, bytes, ssim, psnr }: Point): BenchResult['rows'][number] => ({
  encode: name,
  'QP, CRF': rounded(rate),
  'CPU ms/frame': rounded(cpuMs),
  KiB: Math.round(bytes / 1024),
  SSIM: rounded(ssim, 5),
  PSNR: rounded(psnr, 2),
});

/** Every frame as the encoder gets it, one after the other in a file. */
async function capture(
  template: Template,
  size: { readonly width: number; readonly height: number },
  path: string,
  signal: AbortSignal,
): Promise<void> {
  await using browser = await (await browserLauncher(signal))();
  const source = await browser.open(template, template.example, size);
  await using file = await open(path, 'w');
  const settings = { size, fps: template.fps };
  await file.write(streamHead(settings));
  for await (const { index, data } of source.frames({ start: 0, end: template.frameCount }, signal)) {
    await file.write(frameHead(index, settings));
    await file.write(data);
  }
}

interface EncodesOptions extends BenchContext {
  readonly template: Template;
  readonly folder: string;
  readonly frames: string;
}

class Encodes {
  private readonly options: EncodesOptions;
  private readonly ffmpeg = findTools().ffmpeg;

  constructor(options: EncodesOptions) {
    this.options = options;
  }

  /** Several renditions of the same frames: in one run, and each by itself. */
  async ladder(tracks: readonly [Track, ...Track[]]): Promise<BenchResult> {
    const { fps } = this.options.template;
    const { length } = tracks;
    this.options.progress.step(`${length} renditions in one run`);
    const together = await this.cost(ladderOptions({ fps, tracks }));
    this.options.progress.step('each of them alone, from the same frames');
    let apart = 0;
    for (const one of tracks) apart += await this.cost(this.scaled(tracks[0], one));
    return {
      rows: [
        { encode: `${length} renditions in one run`, 'CPU ms/frame': rounded(together) },
        { encode: `${length} renditions, a run each`, 'CPU ms/frame': rounded(apart) },
      ],
      json: { renditions: length, cpuMsTogether: rounded(together), cpuMsApart: rounded(apart) },
    };
  }

  /** Another setting of x264, on one thread like ours, with as many keyframes. */
  rival(track: Track, x264: readonly string[]): EncodeOptions {
    const { fps } = this.options.template;
    const { input } = encodeOptions({ fps, ...track });
    const output = ['-c:v', 'libx264', ...x264, '-profile:v', 'high', '-g', String(2 * fps), '-threads', '1'];
    return { input, output: [...output, '-f', 'mp4'] };
  }

  /** One rendition of frames that are larger. */
  scaled(from: Track, to: Track): EncodeOptions {
    const { fps } = this.options.template;
    const { width, height } = to.size;
    const { input, output } = encodeOptions({ fps, ...to });
    const isSame = from.size.width === width;
    // Of two filters, ffmpeg takes the last.
    return { input, output: isSame ? output : [...output, '-vf', `fps=${fps},scale=${width}:${height}`] };
  }

  /** CPU-ms per frame. */
  async cost(encode: EncodeOptions): Promise<number> {
    return (await this.encode(encode)).cpuMs;
  }

  async point(encode: EncodeOptions, rate: number): Promise<Point> {
    const { template } = this.options;
    const { file, cpuMs } = await this.encode(encode);
    const { ssim, psnr, frameCount } = await this.qualityOf(file, encode.input);
    if (frameCount !== template.frameCount) {
      throw new Failure('Internal', `${frameCount} frames were compared, not ${template.frameCount}.`);
    }
    return { rate, cpuMs, bytes: (await stat(file)).size, ssim, psnr };
  }

  /** Against the frames as they were captured, by ffmpeg's `ssim` and `psnr`. */
  private async qualityOf(file: string, input: readonly string[]): Promise<Quality> {
    const { signal, frames } = this.options;
    const number = 'settb=1/1000,setpts=N,split';
    const graph = `[0:v]${number}[a][b];[1:v]${number}[c][d];[a][c]ssim[out];[b][d]psnr,nullsink`;
    const args = ['-hide_banner', '-nostdin', '-i', file, ...input, '-i', frames, '-lavfi', graph, '-map', '[out]'];
    const { stdout, stderr } = await promisify(execFile)(
      this.ffmpeg,
      [...args, '-fps_mode', 'passthrough', '-progress', 'pipe:1', '-f', 'null', '-'],
      { signal, maxBuffer: 64 * 1024 * 1024 },
    );
    return parseQuality(`${stdout}\n${stderr}`);
  }

  private async encode({ input, output }: EncodeOptions): Promise<{ file: string; cpuMs: number }> {
    const { signal, folder, frames, template } = this.options;
    const file = join(folder, 'encoded.mp4');
    const args = ['-v', 'error', '-nostdin', '-y', ...input, '-i', frames, ...output, file];
    const run = { command: this.ffmpeg, args, environment: plainEnvironment(folder) };
    const { cpuMs } = await runMeasured(run, signal);
    return { file, cpuMs: cpuMs / template.frameCount };
  }
}

/** Between (or a little beyond) two points: where the quality is that of `wanted`. SSIM in its logarithm, as sizes are. */
function atQualityOf(wanted: Point, points: readonly Point[]): Point {
  const [one, other] = points;
  if (one === undefined || other === undefined) throw new Failure('Internal', 'Two points make a line.');
  const distance = ({ ssim }: Point): number => Math.log(1 - ssim);
  const share = (distance(wanted) - distance(one)) / (distance(other) - distance(one));
  const between = (of: (point: Point) => number): number => of(one) + (of(other) - of(one)) * share;
  return {
    rate: between(({ rate }) => rate),
    cpuMs: between(({ cpuMs }) => cpuMs),
    bytes: Math.exp(between(({ bytes }) => Math.log(bytes))),
    ssim: wanted.ssim,
    psnr: between(({ psnr }) => psnr),
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      template: { type: 'string', default: 'referral' },
      rendition: { type: 'string', default: 'web-1080p' },
      json: { type: 'boolean', default: false },
    },
  });
  const { template, rendition, json } = values;
  if (!isRenditionId(rendition)) {
    throw new Failure('EnvironmentInvalid', `--rendition is one of ${RENDITION_IDS.join(', ')}.`);
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  using progress = createProgress(process.stderr);
  const result = await run({ template, rendition, signal: stop.signal, progress });
  process.stdout.write(json ? `${JSON.stringify(result.json)}\n` : tableOf(result.rows));
}
