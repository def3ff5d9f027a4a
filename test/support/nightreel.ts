/** The command line as people run it, against a stack of the test's own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';

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

  /** Starts `nightreel` with these arguments and does not wait for it. */
  start(args: readonly string[], extra: Readonly<Record<string, string>> = {}): ChildProcess {
    return spawn(CLI, args, {
      env: { ...this.environment, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: tmpdir(),
    });
  }

  async run(args: readonly string[], extra: Readonly<Record<string, string>> = {}): Promise<Finished> {
    return await finished(this.start(args, extra));
  }

  /** Processes that were started for this home and still live, as command lines by pid. */
  async processes(): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    for (const entry of await readdir('/proc')) {
      const pid = Number(entry);
      if (!Number.isInteger(pid)) continue;
      try {
        const variables = await readFile(`/proc/${pid}/environ`, 'utf8');
        if (!variables.split('\0').includes(`NIGHTREEL_HOME=${this.folder}`)) continue;
        const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
        if (command !== '') found.set(pid, command);
      } catch {
        // It ended while we looked, or is not ours to read.
      }
    }
    return found;
  }

  async end(): Promise<void> {
    await this.run(['down', '--wipe']);
    for (const pid of (await this.processes()).keys()) process.kill(pid, 'SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
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
