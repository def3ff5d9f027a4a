/** What a browser's processes hold of the machine's memory. */

import { processesOfGroup, textOf } from './process-tree.ts';

const FIELDS = /^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm;

/**
 * Bytes of a process group that nobody can take back: anonymous and shared memory of every process, as in its /proc/PID/status.
 * That is what a container's limit kills for. RSS would count the program itself, 90 MiB, once for each of six processes (650
 * instead of 250 MiB for an idle browser); PSS would be exact, but costs 40 ms a browser instead of 1, and is not readable for
 * processes in Chromium's sandbox. 0 where there is no /proc.
 */
export const memoryOfGroup = (group: number): number =>
  processesOfGroup(group).reduce((total, { pid }) => total + unreclaimable(textOf(`/proc/${pid}/status`)), 0);

/** Pure: bytes from the text of a /proc/PID/status. */
export const unreclaimable = (status: string): number =>
  [...status.matchAll(FIELDS)].reduce((total, [, kilobytes]) => total + Number(kilobytes) * 1024, 0);

export const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
