/** Processor time that groups of processes use: a browser with all its children, its display. Linux; read from proc(5). */

import { type ProcessStat, readProcess, readProcesses } from '../browser/process-tree.ts';

/** What the members of some groups had used when they were looked at. */
export type GroupTimes = readonly Pick<ProcessStat, 'identity' | 'ownMs' | 'reapedMs'>[];

/** Null where there is no /proc. Reads the file `stat` of every process of the machine, or of the container. */
export function timesOf(groups: readonly number[]): GroupTimes | null {
  const processes = readProcesses();
  return processes.length === 0 ? null : processes.filter(({ group }) => groups.includes(group));
}

/** All that one process has used since its start, ms, the children included that it has waited for; null when it cannot be read. */
export function timeOf(pid: number): number | null {
  const stat = readProcess(pid);
  return stat === null ? null : stat.ownMs + stat.reapedMs;
}

/**
 * Pure: what was used between two looks, ms; never negative. Processes that came or ended in between count too, as far as their
 * parents within the groups have waited for them. What nobody waited for is not known, and left out.
 */
export function usedBetween(before: GroupTimes, after: GroupTimes): number {
  const first = new Map(before.map((one) => [one.identity, one]));
  let [own, reaped] = [0, 0];
  for (const now of after) {
    const then = first.get(now.identity);
    own += now.ownMs - (then?.ownMs ?? 0);
    reaped += now.reapedMs - (then?.reapedMs ?? 0);
    first.delete(now.identity);
  }
  // Who has ended is in the times of whoever waited for it, with what it had used before the first look.
  for (const ended of first.values()) reaped -= ended.ownMs + ended.reapedMs;
  return own + Math.max(0, reaped);
}
