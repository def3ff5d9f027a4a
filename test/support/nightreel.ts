/** The command line as people run it, against a stack of the test's own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalAll } from './signals.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CLI = join(ROOT, 'bin/nightreel');

export const FIXTURE_PROJECT = join(ROOT, 'test/fixtures/project');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A home of its own for an embedded stack; `end` stops whatever runs there and removes it. */
export class TestHome {
  readonly folder: string;
  private readonly project: string;
  private readonly seen = new Set<string>();

  private constructor(folder: string, project: string) {
    this.folder = folder;
    this.project = project;
  }

  static async create(project: string = FIXTURE_PROJECT): Promise<TestHome> {
    return new TestHome(await mkdtemp(join(tmpdir(), 'nightreel-test-')), project);
  }

  get environment(): Record<string, string> {
    const inherited = Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^(TEMPORAL_|AWS_|OTEL_|NODE_OPTIONS)/.test(entry[0]),
    );
    return { ...Object.fromEntries(inherited), NIGHTREEL_HOME: this.folder, NIGHTREEL_PROJECT: this.project };
  }

  /**
   * Starts `nightreel` with these arguments and does not wait for it.
   * @param within a program that is given the command line behind its own arguments, and becomes it.
   */
  start(
    args: readonly string[],
    extra: Readonly<Record<string, string>> = {},
    within: readonly string[] = [],
  ): ChildProcess {
    const [program = CLI, ...rest] = [...within, CLI, ...args];
    return spawn(program, rest, {
      env: { ...this.environment, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: tmpdir(),
    });
  }

  async run(args: readonly string[], extra: Readonly<Record<string, string>> = {}): Promise<Finished> {
    return await finished(this.start(args, extra));
  }

  /**
   * Processes of this home that live, as command lines by pid: those that have it in their environment, what these
   * started (Chromium gets an environment of its own), and any that an earlier call saw, wherever they belong now.
   */
  async processes(): Promise<Map<number, string>> {
    const living = await readProcesses();
    const isOwn = (one: LivingProcess | undefined): boolean => {
      if (one === undefined) return false;
      if (this.seen.has(one.identity) || one.environment.includes(`NIGHTREEL_HOME=${this.folder}`)) return true;
      return isOwn(living.get(one.parent));
    };
    const own = [...living].filter(([, one]) => one.command !== '' && isOwn(one));
    for (const [, { identity }] of own) this.seen.add(identity);
    return new Map(own.map(([pid, { command }]) => [pid, command]));
  }

  async end(): Promise<void> {
    await this.run(['down', '--wipe']);
    signalAll((await this.processes()).keys());
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface LivingProcess {
  readonly parent: number;
  /** Pid and start time: a pid alone is used again. */
  readonly identity: string;
  readonly command: string;
  readonly environment: readonly string[];
}

async function readProcesses(): Promise<Map<number, LivingProcess>> {
  const found = new Map<number, LivingProcess>();
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const [stat, command, environment] = await Promise.all(
        ['stat', 'cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
      );
      // The name in parentheses may hold blanks: fields are counted from behind it.
      const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
      found.set(pid, {
        parent: Number(fields[1]),
        identity: `${pid}@${fields[19]}`,
        command: command?.replaceAll('\0', ' ').trim() ?? '',
        environment: environment?.split('\0') ?? [],
      });
    } catch {
      // It ended while we looked, or is not ours to read.
    }
  }
  return found;
}

/** Looks every 100 ms until there is something; throws after a minute, or `limitMs`, so that nothing polls for ever. */
export async function until<T>(look: () => Promise<T | null>, what: string, limitMs = 60_000): Promise<T> {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== null) return found;
    await sleep(100);
  }
  throw new Error(`waited ${limitMs / 1000} s in vain for ${what}`);
}

export async function finished(child: ChildProcess): Promise<Finished> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError('the process has no pipes');
  const [out, err] = await Promise.all([text(stdout), text(stderr), child.exitCode ?? once(child, 'close')]);
  return { code: child.exitCode, stdout: out, stderr: err };
}

/** The last line of `--json` output, parsed. */
export function lastJson(stdout: string): Record<string, unknown> {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  return JSON.parse(line) as Record<string, unknown>;
}
