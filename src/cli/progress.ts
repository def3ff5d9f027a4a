/** How far a batch is, for people: one bar on a terminal, a line now and then anywhere else. */

import cliProgress from 'cli-progress';
import type { BatchProgress, LaneTally } from '../contracts/batch.ts';

const LINE_EVERY_MS = 5_000;
const WINDOW_MS = 60_000;
/** A rate over less than this says nothing yet. */
const MIN_SPAN_MS = 2_000;

export interface ProgressState extends LaneTally {
  readonly phase: BatchProgress['phase'];
  readonly recipients: number;
  /** In phase `scenes` these and the tally count scenes. */
  readonly variants: number;
  readonly notice?: string | null;
}

export interface ProgressDisplay {
  update(state: ProgressState): void;
  /** Leaves the last state standing and gives the terminal back. */
  finish(): void;
}

export interface ProgressOptions {
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Milliseconds of any clock that only goes forward. */
  readonly now?: () => number;
}

const PHASES: Readonly<Record<ProgressState['phase'], string>> = {
  waiting: 'Waiting for a render worker',
  planning: 'Planning: reading what changed',
  scenes: 'Rendering scenes',
  rendering: 'Rendering',
  closing: 'Writing the report',
  done: 'Done',
};

export function createProgress({ stream, now = () => performance.now() }: ProgressOptions): ProgressDisplay {
  let meter = new RateMeter();
  const bar = stream.isTTY === true ? terminalBar(stream) : null;
  let state: ProgressState | null = null;
  let lastLineAt = Number.NEGATIVE_INFINITY;
  let lastLine = '';

  const line = (text: string): void => {
    if (text === lastLine) return;
    stream.write(`${text}\n`);
    lastLine = text;
    lastLineAt = now();
  };
  const showWork = (current: ProgressState, final: boolean): void => {
    const text = tallyText(current, final ? null : meter.perMinute(now()));
    if (bar !== null) bar.show(settled(current), current.variants, text);
    else if (final || now() - lastLineAt >= LINE_EVERY_MS) line(`${PHASES[current.phase]}: ${text}`);
  };

  return {
    update(next) {
      const entered = state?.phase !== next.phase;
      if (entered && state !== null && isWork(state)) {
        // What comes with the end of rendering is of rendering; of scenes nothing newer is known than what was shown.
        if (state.phase === 'rendering') showWork({ ...next, phase: state.phase }, true);
        bar?.stop();
        meter = new RateMeter();
      }
      state = next;
      if (isWork(next)) {
        meter.add(now(), next.rendered + next.failed);
        if (entered) line(headlineOf(next));
        showWork(next, false);
      } else if (entered) line(PHASES[next.phase]);
    },
    finish() {
      if (state !== null && isWork(state)) showWork(state, true);
      bar?.stop();
    },
  };
}

const isWork = ({ phase }: ProgressState): boolean => phase === 'scenes' || phase === 'rendering';

const headlineOf = ({ phase, variants, recipients }: ProgressState): string =>
  phase === 'scenes'
    ? `Rendering ${variants} scenes that several videos share`
    : `Rendering ${variants} variants for ${recipients} recipients`;

const settled = ({ cached, rendered, failed }: LaneTally): number => cached + rendered + failed;

/** `31/40 done · 8 cached · 1 failed · 22/min · 25 s left`; without the pace once it is over. */
export function tallyText(state: ProgressState, perMinute: number | null): string {
  const done = settled(state);
  const parts = [`${done}/${state.variants} done`, `${state.cached} cached`, `${state.failed} failed`];
  if (perMinute !== null && perMinute > 0 && done < state.variants) {
    const leftMs = ((state.variants - done) / perMinute) * 60_000;
    parts.push(`${perMinute < 10 ? perMinute.toFixed(1) : Math.round(perMinute)}/min`, `${durationText(leftMs)} left`);
  }
  if (state.notice) parts.push(state.notice);
  return parts.join(' · ');
}

/** `42 s`, `3 min 20 s`, `2 h 05 min`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Variants per minute over the last minute: what a render took an hour ago says little about now. */
export class RateMeter {
  private samples: { readonly atMs: number; readonly count: number }[] = [];

  add(atMs: number, count: number): void {
    this.samples.push({ atMs, count });
    // One sample older than the window stays: the rate is measured from there.
    while ((this.samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs - WINDOW_MS) this.samples.shift();
  }

  /** Null until there is something to measure. */
  perMinute(nowMs: number): number | null {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (first === undefined || last === undefined || nowMs - first.atMs < MIN_SPAN_MS) return null;
    return ((last.count - first.count) / (nowMs - first.atMs)) * 60_000;
  }
}

function terminalBar(stream: NodeJS.WritableStream) {
  const bar = new cliProgress.SingleBar(
    { stream, format: '{bar} {text}', barsize: 24, hideCursor: true, linewrap: false, gracefulExit: false },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    show(done: number, total: number, text: string): void {
      if (started) bar.update(done, { text });
      else bar.start(Math.max(total, 1), done, { text });
      started = true;
    },
    stop(): void {
      if (started) bar.stop();
      started = false;
    },
  };
}
