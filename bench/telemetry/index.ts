/** What telemetry costs: the same nights by two workers in turn, one that tells everything and one that tells nothing. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../../src/contracts/failures.ts';
import type { BenchContext, BenchResult } from '../bench.ts';
import { openPage } from '../engine.ts';
import { noteMachine } from '../machine.ts';
import { median, rounded } from '../statistics.ts';
import { type Cost, figuresOf, type Pair } from './figures.ts';
import { Listener } from './listener.ts';
import { type Night, peopleOf, Side } from './side.ts';

export interface TelemetryBenchOptions extends BenchContext {
  /** Pairs of nights, after one that does not count. */
  readonly runs: number;
  /** Videos of a night. */
  readonly renders: number;
}

/** Of a render's processor time, telemetry stays below this share. */
const LIMIT_SHARE = 0.02;
const TEMPLATE = 'referral';
const RENDITION = 'phone-720p';
const FIRST_NIGHT = Date.parse('2026-11-02');
const DAY_MS = 86_400_000;

export async function run({ runs, renders, signal, progress }: TelemetryBenchOptions): Promise<BenchResult> {
  const machine = await noteMachine(progress, signal);
  progress.expect(2 + 2 * (runs + 1));
  const { frameCount } = await openPage(TEMPLATE);
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-telemetry-'));
  try {
    await using running = new AsyncDisposableStack();
    const listener = running.use(await Listener.start());
    progress.step('the calls alone');
    const [offCallsMs, onCallsMs] = [await callsMs({}, signal), await callsMs(listener.environment, signal)];
    const start = async (name: string, environment: Readonly<Record<string, string>>): Promise<Side> => {
      const where = { folder: join(folder, name), template: TEMPLATE, rendition: RENDITION };
      return running.use(await Side.start({ ...where, environment, signal }));
    };
    progress.step('starting two stacks and their workers');
    const sides = { off: await start('off', {}), on: await start('on', listener.environment) };

    const nights: Pair[] = [];
    for (let index = 0; index <= runs; index += 1) {
      const date = new Date(FIRST_NIGHT + index * DAY_MS).toISOString().slice(0, 10);
      const people = peopleOf(index, renders);
      const play = async (which: 'off' | 'on'): Promise<Cost> => {
        progress.step(`${which}: ${index === 0 ? 'warming up' : `${index} of ${runs}`}`);
        return perRender(await sides[which].night(date, people), renders);
      };
      // Who is first changes, so that a machine that slows down or speeds up does so for both.
      if (index % 2 === 0) {
        const off = await play('off');
        nights.push({ off, on: await play('on') });
      } else {
        const on = await play('on');
        nights.push({ off: await play('off'), on });
      }
    }
    nights.shift();
    const { traces, metrics, scrapes } = listener.heard;
    if (Math.min(traces, metrics, scrapes) === 0) {
      throw new Failure('Internal', `Telemetry was not on: ${JSON.stringify(listener.heard)} requests arrived.`);
    }

    const figures = figuresOf(nights, LIMIT_SHARE);
    const renderCpuMs = median(nights.map(({ off }) => off.renderCpuMs));
    const json = {
      framesPerRender: frameCount,
      ...figures,
      offCallsMs: rounded(offCallsMs, 3),
      offCallsShare: rounded(offCallsMs / renderCpuMs, 6),
      onCallsMs: rounded(onCallsMs, 3),
      callsOverheadShare: rounded((onCallsMs - offCallsMs) / renderCpuMs, 6),
      ...{ runs, rendersPerRun: renders, heard: listener.heard, busyBefore: machine.busy },
    };
    const rows = nights.map(({ off, on }, index) => ({
      pair: String(index + 1),
      'off, CPU ms/video': rounded(off.cpuMs, 0),
      'of that rendering': rounded(off.renderCpuMs, 0),
      'of that Node.js': rounded(off.nodeMs, 0),
      'on, CPU ms/video': rounded(on.cpuMs, 0),
      'of which Node.js': rounded(on.nodeMs, 0),
      ratio: rounded(on.cpuMs / off.cpuMs, 4),
    }));
    const all = {
      pair: 'median',
      'off, CPU ms/video': json.offCpuMs,
      'of that rendering': json.renderCpuMs,
      'of that Node.js': json.offNodeMs,
      'on, CPU ms/video': json.onCpuMs,
      'of which Node.js': json.onNodeMs,
      ratio: json.ratio,
    };
    const also = [
      { figure: 'calls alone, off, CPU ms/video', value: json.offCallsMs },
      { figure: 'calls alone, on, CPU ms/video', value: json.onCallsMs },
    ];
    const [share, limit] = [json.overheadShare, LIMIT_SHARE].map((part) => `${rounded(part * 100, 2)} %`);
    const missed = json.withinLimit
      ? null
      : `Telemetry took ${share} of a render's processor time; the limit is ${limit}.`;
    return { rows: [...rows, all], also, json, missed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of the calls of one render, in a process of their own. */
async function callsMs(environment: Readonly<Record<string, string>>, signal: AbortSignal): Promise<number> {
  const program = join(import.meta.dirname, 'calls.ts');
  const options = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', program];
  const { stdout } = await promisify(execFile)(process.execPath, options, { env: environment, signal });
  return Number(stdout);
}

function perRender({ cpuMs, nodeMs, renderCpuMs, rendered }: Night, renders: number): Cost {
  if (rendered !== renders) throw new Failure('Internal', `A night rendered ${rendered} videos of ${renders}.`);
  return { cpuMs: cpuMs / renders, nodeMs: nodeMs / renders, renderCpuMs: renderCpuMs / renders };
}
