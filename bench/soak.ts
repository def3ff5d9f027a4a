/**
 * Many short renders through one pool: does any fail, does memory stay bounded, are recycled browsers invisible in the time
 * and in the bytes? Every tenth render has the same params and must give the same file.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findTools } from '../src/config/tools.ts';
import { asFailure } from '../src/contracts/failures.ts';
import { unreclaimable } from '../src/rendering/browser/memory.ts';
import { listProcesses, textOf } from '../src/rendering/browser/process-tree.ts';
import { machineSize, slotsFor } from '../src/rendering/browser/sizing.ts';
import { Renderer } from '../src/rendering/renderer.ts';
import { type BenchContext, type BenchResult, tableOf } from './bench.ts';
import { openPage, ROOT, renderOne } from './engine.ts';
import { noteMachine } from './machine.ts';
import { plotSvg } from './plot.ts';
import { createProgress } from './progress.ts';
import { quantile, rounded } from './statistics.ts';
import { variedParams } from './variant.ts';

export interface SoakOptions extends BenchContext {
  readonly renders: number;
  readonly slots: number;
  readonly recycleAfter: number;
  /** One of bench/pages or templates/, or a folder. */
  readonly template: string;
  /** Folder that gets `soak.csv` and `soak.svg`; null: none is written. */
  readonly folder: string | null;
}

/** After one render. Memory: what nobody can take back, in MiB. */
interface Sample {
  readonly render: number;
  readonly wallMs: number;
  readonly workerRssMb: number;
  readonly browsersMb: number;
  /** Browsers started so far. */
  readonly browsers: number;
}

const SAME_EVERY = 10;
const MiB = 1024 * 1024;
const ignore = (): void => undefined;

export async function run(options: SoakOptions): Promise<BenchResult> {
  const { renders, slots, recycleAfter, folder, signal, progress } = options;
  const machine = await noteMachine(progress, signal);
  const template = await openPage(options.template);
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  await using renderer = await Renderer.start({ tools: findTools(), slots, recycleAfter, template, log });
  progress.expect(renders);

  const samples: Sample[] = [];
  const failures: string[] = [];
  const digests = new Map<string, number>();
  const seen = new Set<number>();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < renders) {
      signal.throwIfAborted();
      const index = next++;
      const isSame = index % SAME_EVERY === 0;
      const startedAt = performance.now();
      try {
        const params = isSame ? template.example : variedParams(template, index);
        const { sha256 } = await renderOne(renderer, { template, params, rendition: 'email-480p' }, signal);
        if (isSame) digests.set(sha256, (digests.get(sha256) ?? 0) + 1);
      } catch (error) {
        const { failureClass, message } = asFailure(error);
        failures.push(`render ${index + 1}: ${failureClass}: ${message}`);
      }
      samples.push({ render: index + 1, wallMs: rounded(performance.now() - startedAt), ...lookAtMemory(seen) });
      progress.step(`render ${index + 1}, ${samples.at(-1)?.browsersMb} MiB in browsers`);
    }
  };
  await Promise.all(Array.from({ length: slots }, work));

  for (const failure of failures) progress.note(failure);
  if (folder !== null) await keep(folder, samples);
  const walls = samples.map(({ wallMs }) => wallMs);
  const tenths = chunksOf(samples, Math.max(1, Math.ceil(renders / 10)));
  const rows = tenths.map((some) => ({
    renders: `${some[0]?.render}–${some.at(-1)?.render}`,
    'wall p50, ms': rounded(quantile(wallsOf(some), 0.5), 0),
    'wall p95, ms': rounded(quantile(wallsOf(some), 0.95), 0),
    'worker RSS, MiB': Math.max(...some.map(({ workerRssMb }) => workerRssMb)),
    'browsers, MiB': Math.max(...some.map(({ browsersMb }) => browsersMb)),
    'browsers started': Math.max(...some.map(({ browsers }) => browsers)),
  }));
  const half = samples.slice(Math.floor(samples.length / 2));
  const json = {
    ...{ machine, route: renderer.fingerprint.captureRoute, renders, slots, recycleAfter },
    failures,
    ...{ wallMsP50: quantile(walls, 0.5), wallMsP95: quantile(walls, 0.95) },
    workerRssMb: { peak: peak(samples, 'workerRssMb'), secondHalf: peak(half, 'workerRssMb') },
    browsersMb: { peak: peak(samples, 'browsersMb'), secondHalf: peak(half, 'browsersMb') },
    browsersStarted: seen.size,
    sameParams: { renders: [...digests.values()].reduce((sum, count) => sum + count, 0), digests: [...digests.keys()] },
  };
  return { rows, json };
}

/** What the worker and all browsers below it hold; notes browsers that it has not seen yet. */
function lookAtMemory(seen: Set<number>): Pick<Sample, 'workerRssMb' | 'browsersMb' | 'browsers'> {
  const processes = listProcesses();
  const mine = new Set([process.pid]);
  // A child has mostly a higher pid than its parent, but pids start anew: until nothing is found any more.
  for (let size = 0; size !== mine.size; ) {
    size = mine.size;
    for (const { pid, parent } of processes) if (mine.has(parent)) mine.add(pid);
  }
  let bytes = 0;
  for (const { pid, group, commandLine } of processes) {
    if (!mine.has(pid) || pid === process.pid) continue;
    const command = commandLine();
    if (!/chrom/i.test(command)) continue;
    bytes += unreclaimable(textOf(`/proc/${pid}/status`));
    if (pid === group) seen.add(pid);
  }
  return {
    workerRssMb: rounded(process.memoryUsage.rss() / MiB, 0),
    browsersMb: rounded(bytes / MiB, 0),
    browsers: seen.size,
  };
}

async function keep(folder: string, samples: readonly Sample[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const inOrder = samples.toSorted((a, b) => a.render - b.render);
  const columns = ['render', 'wallMs', 'workerRssMb', 'browsersMb', 'browsers'] as const;
  const lines = [columns.join(','), ...inOrder.map((sample) => columns.map((column) => sample[column]).join(','))];
  await writeFile(join(folder, 'soak.csv'), `${lines.join('\n')}\n`);
  const line = (name: string, figure: (sample: Sample) => number) => ({
    name,
    points: inOrder.map((sample): readonly [number, number] => [sample.render, figure(sample)]),
  });
  const svg = plotSvg({
    title: `${inOrder.length} renders through one pool`,
    x: 'render',
    y: 'MiB',
    lines: [
      line('all browsers', ({ browsersMb }) => browsersMb),
      line('worker (RSS)', ({ workerRssMb }) => workerRssMb),
    ],
  });
  await writeFile(join(folder, 'soak.svg'), svg);
}

const wallsOf = (samples: readonly Sample[]): number[] => samples.map(({ wallMs }) => wallMs);
const peak = (samples: readonly Sample[], figure: 'workerRssMb' | 'browsersMb'): number =>
  Math.max(...samples.map((sample) => sample[figure]));

function chunksOf<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      renders: { type: 'string', default: '1000' },
      slots: { type: 'string', default: String(slotsFor(machineSize())) },
      'recycle-after': { type: 'string', default: '200' },
      template: { type: 'string', default: join(ROOT, 'test/fixtures/templates/tiny') },
      folder: { type: 'string', default: join(ROOT, 'docs/images') },
      json: { type: 'boolean', default: false },
    },
  });
  using progress = createProgress(process.stderr);
  const { rows, json } = await run({
    renders: Number(values.renders),
    slots: Number(values.slots),
    recycleAfter: Number(values['recycle-after']),
    template: values.template,
    folder: values.folder,
    signal: new AbortController().signal,
    progress,
  });
  process.stdout.write(values.json ? `${JSON.stringify(json)}\n` : `${tableOf(rows)}${JSON.stringify(json)}\n`);
}
