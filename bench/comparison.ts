/** One template by this engine and by another renderer: the same params, page, frames and browser, one after the other. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findTools } from '../src/config/tools.ts';
import { Failure } from '../src/contracts/failures.ts';
import type { Template } from '../src/templates/template.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import { renderOne, startRenderer } from './engine.ts';
import { losslessOf, type Quality, qualityOf } from './quality.ts';
import { median, rounded } from './statistics.ts';
import { type Measured, measure } from './usage.ts';

export interface Side {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly bytes: number;
  readonly ssim: number;
}

export interface Comparison {
  readonly ours: Side;
  readonly theirs: Side;
  /** Theirs / ours. */
  readonly cpuRatio: number;
  /** Theirs / ours. */
  readonly wallRatio: number;
  /** Ours - theirs. */
  readonly ssimMargin: number;
  /** Ours / theirs. */
  readonly sizeRatio: number;
}

export const comparisonOf = (ours: Side, theirs: Side): Comparison => ({
  ours,
  theirs,
  cpuRatio: rounded(theirs.cpuSeconds / ours.cpuSeconds, 2),
  wallRatio: rounded(theirs.wallSeconds / ours.wallSeconds, 2),
  ssimMargin: rounded(ours.ssim - theirs.ssim, 5),
  sizeRatio: rounded(ours.bytes / theirs.bytes, 3),
});

/** A renderer to compare with. */
export interface Rival {
  /** `hyperframes 0.8.170, default`. */
  readonly title: string;
  /** Once, before anything is timed. `folder` is empty, its own, and goes when the bench ends. */
  prepare(folder: string): Promise<PreparedRival>;
}

export interface PreparedRival {
  /** Its own capture of every frame at its own times, losslessly: numbered PNGs. Returns their pattern for ffmpeg. */
  captureLossless(): Promise<string>;
  /** Renders once; returns the video's file. Several at once count as one each. */
  render(): Promise<Measured<{ readonly file: string; readonly bytes: number; readonly videos: number }>>;
  readonly runs: number;
}

export interface CompareOptions extends BenchContext {
  readonly runs: number;
}

/** Below this a video shows something else, or the same at other times. */
const SAME_PICTURE_DB = 30;

export async function compare(template: Template, rival: Rival, options: CompareOptions): Promise<BenchResult> {
  const { signal, progress, runs } = options;
  const { ffmpeg } = findTools();
  await using folder = await temporaryFolder();
  const inFolder = (name: string): string => join(folder.path, name);
  const prepared = await rival.prepare(inFolder('theirs'));
  progress.expect(runs + prepared.runs + 3);

  progress.step(`${rival.title}: lossless capture`);
  const reference = inFolder('reference.mkv');
  await losslessOf(ffmpeg, { pattern: await prepared.captureLossless(), fps: template.fps, out: reference }, signal);
  const near = async (video: string, who: string): Promise<Quality> => {
    const quality = await qualityOf(ffmpeg, { video, reference }, signal);
    if (quality.psnr >= SAME_PICTURE_DB && quality.frameCount === template.frameCount) return quality;
    const found = `${quality.frameCount} of ${template.frameCount} frames, ${rounded(quality.psnr)} dB`;
    throw new Failure(
      'OutputInvalid',
      `The video of ${who} does not show what ${rival.title} captures of the same page (${found}): figures would compare nothing.`,
    );
  };
  const mp4 = inFolder('ours.mp4');
  const ours = await renderOurs(template, mp4, options, () => near(mp4, 'nightreel'));
  const theirs: Awaited<ReturnType<PreparedRival['render']>>[] = [];
  for (let index = 1; index <= prepared.runs; index++) {
    progress.step(`${rival.title}: ${index} of ${prepared.runs}`);
    theirs.push(await prepared.render());
  }
  const last = theirs.at(-1);
  if (last === undefined) throw new Failure('Internal', 'Nothing was rendered.');
  progress.step('comparing pictures');
  const theirsNear = await near(last.value.file, rival.title);

  const sides = {
    ours: sideOf(ours.done, ours.done[0]?.value ?? Number.NaN, () => 1, ours.near),
    theirs: sideOf(theirs, last.value.bytes, ({ value }) => value.videos, theirsNear),
  };
  const json = comparisonOf(sides.ours, sides.theirs);
  const row = (renderer: string, side: Side, { psnr }: Quality) => ({
    renderer,
    'CPU s': rounded(side.cpuSeconds),
    'wall s': rounded(side.wallSeconds),
    'CPU ms/frame': rounded((1000 * side.cpuSeconds) / template.frameCount),
    KiB: rounded(side.bytes / 1024, 0),
    SSIM: side.ssim,
    'PSNR dB': rounded(psnr),
  });
  const rows = [
    row('nightreel', sides.ours, ours.near),
    row(rival.title, sides.theirs, theirsNear),
    {
      renderer: 'ratio (SSIM: margin)',
      ...{ 'CPU s': json.cpuRatio, 'wall s': json.wallRatio, KiB: json.sizeRatio, SSIM: json.ssimMargin },
    },
  ];
  return { rows, json };
}

/** Warm: the browser is there and the template is loaded before the clock starts, as in a night. Ends with no browser left. */
async function renderOurs(
  template: Template,
  file: string,
  { signal, progress, runs }: CompareOptions,
  check: () => Promise<Quality>,
): Promise<{ readonly done: readonly Measured<number>[]; readonly near: Quality }> {
  progress.step('nightreel: warming up');
  await using renderer = await startRenderer(template, 1);
  await writeFile(file, (await renderOne(renderer, { template }, signal)).bytes);
  const near = await check();
  const done: Measured<number>[] = [];
  for (let index = 1; index <= runs; index++) {
    progress.step(`nightreel: ${index} of ${runs}`);
    done.push(await measure(async () => (await renderOne(renderer, { template }, signal)).sizeBytes));
  }
  return { done, near };
}

function sideOf<T>(
  done: readonly Measured<T>[],
  bytes: number,
  videosOf: (one: Measured<T>) => number,
  { ssim }: Quality,
): Side {
  const seconds = (ms: (one: Measured<T>) => number): number =>
    rounded(median(done.map((one) => ms(one) / videosOf(one))) / 1000, 2);
  return { cpuSeconds: seconds(({ cpuMs }) => cpuMs), wallSeconds: seconds(({ wallMs }) => wallMs), bytes, ssim };
}

async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'nightreel-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Writes the template's page as its author has it: the files that it may ask for. */
export async function exportPage(template: Template, folder: string): Promise<void> {
  for (const [path, bytes] of template.files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}
