/** What work costs: processor time and memory of a process and all that descends from it. Linux: read from proc(5). */

import { readdirSync } from 'node:fs';
import { textOf } from '../src/rendering/browser/process-tree.ts';

/** Ticks of proc(5) are 1/100 s on every Linux that Node runs on. */
const TICK_MS = 10;

/** One process as it is now. */
export interface ProcessState {
  readonly pid: number;
  readonly parent: number;
  /** Its name and when it started: a pid alone is used again. */
  readonly identity: string;
  readonly program: string;
  readonly ownMs: number;
  /** What its children used that have ended and that it has waited for, and theirs. */
  readonly reapedMs: number;
}

/** One line of /proc/PID/stat; null when it is none. */
export function parseStat(text: string): ProcessState | null {
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')];
  // The name may hold blanks and parentheses: fields are counted from behind it.
  const fields = text.slice(close + 2).split(' ');
  const pid = Number.parseInt(text, 10);
  if (open < 0 || fields.length < 20 || !Number.isInteger(pid)) return null;
  const [user = 0, system = 0, reapedUser = 0, reapedSystem = 0] = fields.slice(11, 15).map(Number);
  return {
    pid,
    parent: Number(fields[1]),
    identity: `${pid}@${fields[19]}`,
    program: programOf(text.slice(open + 1, close)),
    ownMs: (user + system) * TICK_MS,
    reapedMs: (reapedUser + reapedSystem) * TICK_MS,
  };
}

const programOf = (name: string): string => {
  if (/^(chrom|headless)/i.test(name)) return 'chromium';
  if (/^(node|MainThread)/.test(name)) return 'node';
  return name.toLowerCase();
};

/** Every process of this machine that can be read. */
export function readProcesses(): ProcessState[] {
  return readdirSync('/proc').flatMap((name) => {
    const state = /^\d+$/.test(name) ? parseStat(textOf(`/proc/${name}/stat`)) : null;
    return state === null ? [] : [state];
  });
}

interface Member {
  state: ProcessState;
  /** Identity of its last known parent within the tree; null when that was outside. */
  parent: string | null;
  isAlive: boolean;
  /** What its children had used, as far as it was seen, that have ended. */
  seenEndedMs: number;
}

/**
 * A process and its descendants over time. Whoever was seen once still belongs to it when its parent ends first. What
 * nobody waited for counts with what was last seen of it: look often where processes come and go.
 */
export class ProcessTree {
  private readonly root: number;
  private readonly members = new Map<string, Member>();
  private readonly first: ReadonlySet<string>;
  private lostMs = 0;
  private readonly read: () => readonly ProcessState[];

  constructor(root: number = process.pid, read: () => readonly ProcessState[] = readProcesses) {
    this.root = root;
    this.read = read;
    this.look();
    this.first = new Set(this.members.keys());
  }

  /** Takes note of who is there and what they have used. */
  look(): void {
    const states = this.read();
    const byPid = new Map(states.map((state) => [state.pid, state]));
    const present = new Set(states.map(({ identity }) => identity));
    for (const member of this.members.values()) if (!present.has(member.state.identity)) member.isAlive = false;
    const isMember = (state: ProcessState | undefined): boolean => {
      if (state === undefined) return false;
      return state.pid === this.root || this.members.has(state.identity) || isMember(byPid.get(state.parent));
    };
    for (const state of states) {
      if (!isMember(state)) continue;
      const above = byPid.get(state.parent);
      const parent = state.pid !== this.root && above !== undefined && isMember(above) ? above.identity : null;
      const known = this.members.get(state.identity);
      if (known === undefined) this.members.set(state.identity, { state, parent, isAlive: true, seenEndedMs: 0 });
      else Object.assign(known, { state, parent });
    }
    this.settle();
  }

  /** Of the whole tree since its processes began, those included that have ended. */
  get cpuMs(): number {
    let sum = this.lostMs;
    for (const member of this.members.values()) sum += totalOf(member);
    return sum;
  }

  /** Of the root alone. */
  get rootMs(): number {
    return this.rootMember?.state.ownMs ?? 0;
  }

  /** Of the living by program; what has ended and was waited for by the root is `ended`. */
  get cpuByProgram(): Record<string, number> {
    const sums: Record<string, number> = { ended: this.lostMs };
    const add = (program: string, ms: number) => {
      sums[program] = (sums[program] ?? 0) + ms;
    };
    for (const member of this.members.values()) {
      const isRoot = member === this.rootMember;
      add(member.state.program, isRoot ? member.state.ownMs : totalOf(member));
      if (isRoot) add('ended', totalOf(member) - member.state.ownMs);
    }
    return sums;
  }

  /** Resident memory of the living. `pss`: pages that several share are counted once; `rss`: once for each of them. */
  memory(): { readonly rssMb: number; readonly pssMb: number } {
    let [rssKb, pssKb] = [0, 0];
    for (const { state, isAlive } of this.members.values()) {
      const text = isAlive ? textOf(`/proc/${state.pid}/smaps_rollup`) : '';
      rssKb += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
      pssKb += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    }
    return { rssMb: rssKb / 1024, pssMb: pssKb / 1024 };
  }

  /** Kills those that were not there when the tree was made. */
  killNewcomers(): void {
    this.look();
    for (const [identity, { state, isAlive }] of this.members) {
      if (!isAlive || this.first.has(identity)) continue;
      try {
        process.kill(state.pid, 'SIGKILL');
      } catch {
        // ESRCH: it has ended meanwhile.
      }
    }
  }

  private get rootMember(): Member | undefined {
    return this.members.values().find(({ state }) => state.pid === this.root);
  }

  /** Books those that have ended with their parents, children first. */
  private settle(): void {
    const isLeaf = (identity: string): boolean => !this.members.values().some(({ parent }) => parent === identity);
    for (;;) {
      const ended = [...this.members].filter(([identity, { isAlive }]) => !isAlive && isLeaf(identity));
      if (ended.length === 0) return;
      for (const [identity, member] of ended) {
        const parent = member.parent === null ? undefined : this.members.get(member.parent);
        if (parent === undefined) this.lostMs += totalOf(member);
        else parent.seenEndedMs += totalOf(member);
        this.members.delete(identity);
      }
    }
  }
}

/** A parent that waits for its children knows better than what was last seen of them; one that does not knows nothing. */
const totalOf = ({ state, seenEndedMs }: Member): number => state.ownMs + Math.max(state.reapedMs, seenEndedMs);

export interface Measured<T> {
  readonly value: T;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly cpuByProgram: Readonly<Record<string, number>>;
}

/** Wall and processor time of work that this process and its children do. */
export async function measure<T>(work: () => Promise<T>): Promise<Measured<T>> {
  const tree = new ProcessTree();
  const [before, byProgram, startedAt] = [tree.cpuMs, tree.cpuByProgram, performance.now()];
  const value = await work();
  const wallMs = performance.now() - startedAt;
  tree.look();
  const after = Object.entries(tree.cpuByProgram);
  const cpuByProgram = Object.fromEntries(after.map(([name, ms]) => [name, ms - (byProgram[name] ?? 0)]));
  return { value, wallMs, cpuMs: tree.cpuMs - before, cpuByProgram };
}

/** The most memory that this process and its children hold at a time while some work is done. */
export async function peakMemory(
  work: () => Promise<unknown>,
  everyMs = 200,
): Promise<{ readonly rssMb: number; readonly pssMb: number }> {
  const tree = new ProcessTree();
  let [rssMb, pssMb] = [0, 0];
  const look = () => {
    tree.look();
    const now = tree.memory();
    [rssMb, pssMb] = [Math.max(rssMb, now.rssMb), Math.max(pssMb, now.pssMb)];
  };
  const timer = setInterval(look, everyMs);
  try {
    look();
    await work();
  } finally {
    clearInterval(timer);
  }
  look();
  return { rssMb, pssMb };
}
