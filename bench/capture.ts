/** What a frame costs by capture route, page and rendition, and which program spends it. */

import { RENDITIONS, type RenditionId } from '../src/contracts/video.ts';
import type { CaptureRoute } from '../src/rendering/browser/flags.ts';
import { frameSizeOf } from '../src/rendering/geometry.ts';
import type { BenchContext, BenchResult } from './bench.ts';
import { openPage, renderOne, startRenderer } from './engine.ts';
import { noteMachine } from './machine.ts';
import { rounded } from './statistics.ts';
import { measure } from './usage.ts';

export interface CaptureOptions extends BenchContext {
  readonly routes: readonly CaptureRoute[];
  /** Of bench/pages or templates/, or folders. */
  readonly pages: readonly string[];
  readonly renditions: readonly RenditionId[];
  /** Renders side by side. */
  readonly slots: readonly number[];
}

export async function run(options: CaptureOptions): Promise<BenchResult> {
  const { signal, progress, routes, pages, renditions, slots } = options;
  await noteMachine(progress, signal);
  progress.expect(routes.length * pages.length * renditions.length * slots.length);
  const rows: BenchResult['rows'] = [];
  for (const route of routes) {
    for (const page of pages) {
      for (const count of slots) rows.push(...(await measureSlots(route, page, count, options)));
    }
  }
  return { rows, json: rows };
}

async function measureSlots(
  route: CaptureRoute,
  page: string,
  slots: number,
  { signal, progress, renditions }: CaptureOptions,
): Promise<BenchResult['rows']> {
  const template = await openPage(page);
  await using renderer = await startRenderer(template, slots, route);
  const rows: BenchResult['rows'] = [];
  for (const rendition of renditions) {
    progress.step(`${route}, ${page}, ${rendition}, ${slots} ${slots === 1 ? 'slot' : 'slots'}`);
    const { height } = frameSizeOf(template, RENDITIONS[rendition]);
    const { value, wallMs, cpuMs, cpuByProgram } = await measure(() =>
      Promise.all(Array.from({ length: slots }, () => renderOne(renderer, { template, rendition }, signal))),
    );
    const frames = slots * template.frameCount;
    const { node = 0, chromium = 0, xvfb = 0, ended = 0 } = cpuByProgram;
    const perFrame = (ms: number): number => rounded(ms / frames);
    rows.push({
      ...{ route: renderer.fingerprint.captureRoute, page, height, slots },
      ...{ 'wall ms/frame': perFrame(wallMs), 'CPU ms/frame': perFrame(cpuMs) },
      ...{ chromium: perFrame(chromium), xvfb: perFrame(xvfb), node: perFrame(node), ffmpeg: perFrame(ended) },
      ...{ KiB: rounded((value[0]?.sizeBytes ?? 0) / 1024, 0), sha256: value[0]?.sha256.slice(0, 8) ?? '' },
    });
  }
  return rows;
}
