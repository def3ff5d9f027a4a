/** Processes and groups of them, as Linux shows them under /proc; nothing on systems without it. */

import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of proc(5) are 1/100 s on every Linux that Node.js runs on. */
const TICK_MS = 10;

/** What /proc/PID/stat says of a process. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** The group it belongs to: the pid of the group's leader. */
  readonly group: number;
  /** Its pid and when it started: a pid alone is used again. */
  readonly identity: string;
  /** Whether it has ended, and nobody has waited for it yet. */
  readonly isEnded: boolean;
  /** Processor time of all its threads, ms. */
  readonly ownMs: number;
  /** That of its children that have ended and that it has waited for, and of theirs, ms. */
  readonly reapedMs: number;
}

export interface ProcessEntry extends ProcessStat {
  /** Its arguments with spaces between them; read when it is asked for. */
  readonly commandLine: () => string;
}

/** Every process that has not ended. 0.01 ms each: cheaper than following each thread's list of children. */
export const listProcesses = (): ProcessEntry[] =>
  readProcesses()
    .filter(({ isEnded }) => !isEnded)
    .map((stat) => ({ ...stat, commandLine: () => textOf(`/proc/${stat.pid}/cmdline`).replaceAll('\0', ' ') }));

/** Those that have ended and were not waited for, too. */
export const readProcesses = (): ProcessStat[] => pids().flatMap((pid) => readProcess(pid) ?? []);

/** Null when there is no such process. */
export const readProcess = (pid: number | string): ProcessStat | null => parseStat(textOf(`/proc/${pid}/stat`));

/** Pure: from the text of a /proc/PID/stat; null when it is none. */
export function parseStat(text: string): ProcessStat | null {
  const pid = Number.parseInt(text, 10);
  // The name of the program, in parentheses, may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (Number.isNaN(pid) || fields.length < 20) return null;
  const [user = 0, system = 0, reapedUser = 0, reapedSystem = 0] = fields.slice(11, 15).map(Number);
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    identity: `${pid}@${fields[19]}`,
    isEnded: fields[0] === 'Z' || fields[0] === 'X',
    ownMs: (user + system) * TICK_MS,
    reapedMs: (reapedUser + reapedSystem) * TICK_MS,
  };
}

/** The processes of one group: a browser with all its children, whose leader need not live any more. */
export const processesOfGroup = (group: number): ProcessEntry[] =>
  listProcesses().filter((entry) => entry.group === group);

/** Text of a file under /proc; empty when its process has gone. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function pids(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
