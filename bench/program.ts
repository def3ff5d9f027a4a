/** A program run to its end, with what it and all that it started cost. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Failure } from '../src/contracts/failures.ts';
import { type Measured, ProcessTree } from './usage.ts';

export interface ProgramRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Its whole environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What is kept of its output, at the beginning and at the end: a failing program says the main thing at either. */
const KEPT_CHARACTERS = 1_000;
/** Processes that nobody waits for are only known from looking. */
const LOOK_EVERY_MS = 100;

/** Failure `Internal` with its words when it does not end with 0. Nothing that it started outlives the call. */
export async function runMeasured(run: ProgramRun, signal: AbortSignal): Promise<Measured<string>> {
  signal.throwIfAborted();
  const tree = new ProcessTree();
  const cpuMs = (): number => tree.cpuMs - tree.rootMs;
  const [before, startedAt] = [cpuMs(), performance.now()];
  const child = spawn(run.command, run.args, {
    cwd: run.cwd,
    env: run.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [beginning, rest] = ['', ''];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      const room = KEPT_CHARACTERS - beginning.length;
      beginning += text.slice(0, room);
      rest = (rest + text.slice(room)).slice(-KEPT_CHARACTERS);
    });
  }
  const timer = setInterval(() => tree.look(), LOOK_EVERY_MS);
  const stop = () => tree.killNewcomers();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [code, by] = await once(child, 'close');
    signal.throwIfAborted();
    const wallMs = performance.now() - startedAt;
    tree.look();
    const output = [beginning, rest].filter((part) => part !== '').join('\n…\n');
    if (code !== 0) {
      throw new Failure(
        'Internal',
        `${run.command} ${run.args[0] ?? ''} ended with ${code ?? by}. It said:\n${output}`,
      );
    }
    return { value: output, wallMs, cpuMs: cpuMs() - before, cpuByProgram: {} };
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
    tree.killNewcomers();
  }
}

/** What a program needs of this process's environment to be found and to write text. */
export const plainEnvironment = (home: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  TMPDIR: home,
  LANG: 'C.UTF-8',
});
