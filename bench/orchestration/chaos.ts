/** Processes that die in the middle of a night: workers every few seconds, the Temporal server once. */

import { setTimeout as sleep } from 'node:timers/promises';
import { textOf } from '../../src/rendering/browser/process-tree.ts';
import { type StartOptions, startStack } from '../../src/stack/index.ts';
import type { Progress } from '../progress.ts';
import { readProcesses } from '../usage.ts';

const KILL_EVERY_MS = 5_000;

/** Programs among this process's children whose command line matches. */
export const childrenLike = (pattern: RegExp): number[] =>
  readProcesses()
    .filter(({ pid, parent }) => parent === process.pid && pattern.test(textOf(`/proc/${pid}/cmdline`)))
    .map(({ pid }) => pid);

export interface ChaosOptions {
  readonly stack: StartOptions;
  /** Each matches the command line of one kind of worker; they die in turn. */
  readonly workers: readonly RegExp[];
  readonly progress: Progress;
}

export interface Killed {
  readonly workers: number;
  readonly servers: number;
}

/** Kills until the signal says that the night is over. Returns what it killed. */
export async function kill({ stack, workers, progress }: ChaosOptions, signal: AbortSignal): Promise<Killed> {
  let [killed, servers] = [0, 0];
  for (let round = 1; !signal.aborted; round += 1) {
    await sleep(KILL_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    if (round === 3) {
      progress.note('the Temporal server is killed and started again');
      for (const pid of childrenLike(/temporal.*start-dev/)) {
        process.kill(pid, 'SIGKILL');
        servers += 1;
      }
      await sleep(1_000);
      await startStack(stack);
      continue;
    }
    const pattern = workers[round % workers.length];
    for (const pid of pattern === undefined ? [] : childrenLike(pattern)) {
      process.kill(pid, 'SIGKILL');
      killed += 1;
    }
  }
  return { workers: killed, servers };
}
