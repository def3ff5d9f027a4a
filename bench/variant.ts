/**
 * What a variant costs at 1080p30: processor time per frame for three kinds of page, wall time with two renders side by
 * side, how soon a page is ready for the next params, warm and from nothing, and the memory of all processes together.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Params } from '../src/contracts/video.ts';
import type { Template } from '../src/templates/template.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import { browserLauncher, openPage, renderOne, startRenderer } from './engine.ts';
import { noteMachine } from './machine.ts';
import { median, quantile, rounded } from './statistics.ts';
import { type Measured, measure, peakMemory } from './usage.ts';

export interface VariantOptions extends BenchContext {
  /** Renders per figure; the median counts. */
  readonly runs: number;
  /** Template of the figures about params. */
  readonly template: string;
}

export interface VariantFigures {
  readonly cpuMsPerFrame: number;
  readonly cpuMsPerStillFrame: number;
  readonly cpuMsPerHeldFrame: number;
  readonly wallMsPerFrame2Slots: number;
  readonly paramsReadyMsP95: number;
  readonly warmMs: number;
  readonly coldMs: number;
  readonly peakRssMb: number;
}

const PAGES = ['moving', 'still', 'held'] as const;
/** Videos that are asked of two slots at once: each slot has two to do, so that one ends while another goes on. */
const SIDE_BY_SIDE = 4;
const PARAMS = 100;
/** From one video's last frame to the next one's params a page has at least the time in which the first is finished and proven. */
const REST_MS = 30;

export async function run(options: VariantOptions): Promise<BenchResult> {
  const { signal, progress, runs } = options;
  await noteMachine(progress, signal);
  const rows: BenchResult['rows'] = [];
  progress.expect(PAGES.length * (runs + 1) + 1 + (runs + 1) + 1 + runs);

  const pages: Record<(typeof PAGES)[number], number> = { moving: Number.NaN, still: Number.NaN, held: Number.NaN };
  let peakRssMb = Number.NaN;
  for (const page of PAGES) {
    const template = await openPage(page);
    await using renderer = await startRenderer(template, 1);
    const done = await repeat(`${page}, one slot`, options, () => renderOne(renderer, { template }, signal));
    const figures = { slots: 1, ...perFrame(done, template.frameCount) };
    rows.push({ page, route: renderer.fingerprint.captureRoute, ...figures });
    pages[page] = figures['CPU ms/frame'];
    if (page === 'moving') {
      progress.step('memory, one slot');
      const peak = await peakMemory(() => renderOne(renderer, { template }, signal));
      peakRssMb = rounded(peak.pssMb, 0);
      Object.assign(rows.at(-1) ?? {}, { MB: peakRssMb, 'MB, shared pages each time': rounded(peak.rssMb, 0) });
    }
  }

  const moving = await openPage('moving');
  let wallMsPerFrame2Slots = Number.NaN;
  {
    await using renderer = await startRenderer(moving, 2);
    const done = await repeat('moving, two slots', options, () =>
      Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => renderOne(renderer, { template: moving }, signal))),
    );
    const figures = { slots: 2, ...perFrame(done, SIDE_BY_SIDE * moving.frameCount) };
    wallMsPerFrame2Slots = figures['wall ms/frame'];
    rows.push({ page: 'moving', route: renderer.fingerprint.captureRoute, ...figures });
  }

  const opened = await measureOpening(await openPage(options.template), options);
  const json: VariantFigures = {
    cpuMsPerFrame: pages.moving,
    cpuMsPerStillFrame: pages.still,
    cpuMsPerHeldFrame: pages.held,
    wallMsPerFrame2Slots,
    ...opened,
    peakRssMb,
  };
  rows.push({ page: options.template, ...{ 'params ready p95, ms': opened.paramsReadyMsP95 } });
  Object.assign(rows.at(-1) ?? {}, { 'warm, ms': opened.warmMs, 'cold, ms': opened.coldMs });
  return { rows, json };
}

/** Once to warm up, then as often as asked. */
async function repeat<T>(
  what: string,
  { runs, progress }: VariantOptions,
  work: () => Promise<T>,
): Promise<readonly Measured<T>[]> {
  progress.step(`${what}: warming up`);
  await work();
  const done: Measured<T>[] = [];
  for (let index = 1; index <= runs; index++) {
    progress.step(`${what}: ${index} of ${runs}`);
    done.push(await measure(work));
  }
  return done;
}

function perFrame(done: readonly Measured<unknown>[], frames: number) {
  const of = (figure: (one: Measured<unknown>) => number): number => rounded(median(done.map(figure)) / frames);
  return { 'CPU ms/frame': of(({ cpuMs }) => cpuMs), 'wall ms/frame': of(({ wallMs }) => wallMs) };
}

/** From params given to the page ready for its first frame: in a warm page, and with a browser that is still to be started. */
async function measureOpening(template: Template, { signal, progress, runs }: VariantOptions) {
  const launch = await browserLauncher(signal);
  const size = { width: template.width, height: template.height };
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    signal.throwIfAborted();
    const startedAt = performance.now();
    await work();
    return performance.now() - startedAt;
  };

  progress.step(`${PARAMS} params in a warm page`);
  const warm: number[] = [];
  {
    await using browser = await launch();
    await browser.open(template, template.placeholder, size);
    const source = await browser.open(template, template.example, size);
    for (let index = 0; index < PARAMS; index++) {
      // As between two videos of a night: the page stood at its last frame, and has been told to go back since.
      const last = { start: template.frameCount - 1, end: template.frameCount };
      for await (const _ of source.frames(last, signal));
      browser.rewind();
      await sleep(REST_MS, undefined, { signal });
      warm.push(await timed(() => browser.open(template, variedParams(template, index), size)));
    }
  }
  const cold: number[] = [];
  for (let index = 1; index <= runs; index++) {
    progress.step(`from nothing: ${index} of ${runs}`);
    const startedAt = performance.now();
    await using browser = await launch();
    await browser.open(template, template.example, size);
    // Its end is not part of it.
    cold.push(performance.now() - startedAt);
  }
  return {
    paramsReadyMsP95: rounded(quantile(warm, 0.95)),
    warmMs: rounded(median(warm)),
    coldMs: rounded(median(cold), 0),
  };
}

/** The example with every text and every whole number changed, within what the schema allows. */
export function variedParams(template: Pick<Template, 'example' | 'validateParams'>, index: number): Params {
  const varied = Object.fromEntries(
    Object.entries(template.example).map(([name, value]) => {
      if (typeof value === 'string') return [name, `${value} ${index}`];
      return [name, Number.isInteger(value) ? Number(value) + index : value];
    }),
  );
  return template.validateParams(varied).ok ? varied : template.example;
}
