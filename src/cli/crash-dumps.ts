/** What a process that crashes leaves behind must not say what it held in memory: keys, passwords, and whoever it rendered for. */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** core(5): which mappings go into a core dump. */
const FILTER = '/proc/self/coredump_filter';
/**
 * Bytes that a dump may have. The kernel writes no file that small, and with this very number calls no program that collects dumps
 * (`do_coredump` in fs/coredump.c); with 0 it would. The filter alone leaves the registers, which hold what was copied last.
 */
const LIMIT = 1;

/** From now on neither this process nor a program that it starts, browsers and ffmpeg included, leaves its memory or its environment. */
export function keepMemoryOutOfDumps(): void {
  if (process.report !== undefined) process.report.excludeEnv = true;
  if (process.platform !== 'linux') return;
  // Node.js cannot limit itself; util-linux can. Where it is not there, the filter is.
  spawnSync('prlimit', [`--core=${LIMIT}:${LIMIT}`, `--pid=${process.pid}`], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: 'ignore',
  });
  try {
    writeFileSync(FILTER, '0');
  } catch {
    // A kernel without core dumps.
  }
}
