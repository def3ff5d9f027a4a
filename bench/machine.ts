/** Where figures were taken: without it they say nothing. */

import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from './progress.ts';
import { rounded } from './statistics.ts';

/** Share of all processors' time above which somebody else is at work. */
const QUIET = 0.05;
const LOOK_MS = 1_000;

export interface Machine {
  readonly cores: number;
  readonly model: string;
  readonly memoryGib: number;
  /** Share of the processors' time that was used before the bench began. */
  readonly busy: number;
  readonly load1: number;
}

export async function describeMachine(signal: AbortSignal): Promise<Machine> {
  const before = processorTimes();
  await sleep(LOOK_MS, undefined, { signal });
  const after = processorTimes();
  return {
    cores: cpus().length,
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGib: rounded(totalmem() / 2 ** 30, 0),
    busy: rounded((after.busy - before.busy) / Math.max(1, after.all - before.all), 2),
    load1: rounded(loadavg()[0] ?? 0),
  };
}

/** Says where this runs, and warns when it does not run alone. */
export async function noteMachine({ note }: Progress, signal: AbortSignal): Promise<Machine> {
  const machine = await describeMachine(signal);
  const { cores, model, memoryGib, busy, load1 } = machine;
  note(`${cores} cores (${model}), ${memoryGib} GiB, Node ${process.versions.node}, load ${load1}`);
  if (busy > QUIET) {
    note(
      `Warning: ${Math.round(busy * 100)} % of the processors' time is used by something else; figures will be off.`,
    );
  }
  return machine;
}

/** The first line of /proc/stat: user, nice, system, idle, iowait and so on, in ticks. */
function processorTimes(): { readonly busy: number; readonly all: number } {
  const [first = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const times = first.split(/\s+/).slice(1, 9).map(Number);
  const all = times.reduce((sum, time) => sum + time, 0);
  return { all, busy: all - (times[3] ?? 0) - (times[4] ?? 0) };
}
