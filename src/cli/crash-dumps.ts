/** What a process that crashes leaves behind must not say what it held in memory: keys, passwords, and whoever it rendered for. */

import { writeFileSync } from 'node:fs';

/** core(5): which mappings go into a core dump. Children inherit it, browsers and ffmpeg included. */
const FILTER = '/proc/self/coredump_filter';

/** From now on core dumps of this process and its children have no memory in them, and Node.js's reports no environment. */
export function keepMemoryOutOfDumps(): void {
  if (process.report !== undefined) process.report.excludeEnv = true;
  try {
    writeFileSync(FILTER, '0');
  } catch {
    // Not Linux, or a kernel without core dumps.
  }
}
