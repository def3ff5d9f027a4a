import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findServerBinaries } from '../../src/config/server-binaries.ts';
import { stackHome } from '../../src/stack/home.ts';
import { type StartOptions, stopStack } from '../../src/stack/index.ts';
import { findByArgument } from '../../src/stack/processes.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const binaries = findServerBinaries();

/** A home of its own in a temporary folder; whatever runs in it at the end of the scope is stopped and removed. */
export async function temporaryHome(): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-stack-'));
  return {
    folder,
    [Symbol.asyncDispose]: async () => {
      await stopStack(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const optionsFor = (home: string, over: Partial<StartOptions> = {}): StartOptions => ({
  home,
  binaries,
  ports: 'any',
  ...over,
});

/** Pids of all server processes of a home, however they came to be. */
export async function serversOf(folder: string): Promise<number[]> {
  const home = stackHome(folder);
  const found = await Promise.all(
    [`--db-filename=${home.temporalDatabase}`, `-dir=${home.objectStoreData}`].map((argument) =>
      findByArgument(argument),
    ),
  );
  return found.flat();
}

export async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`still not: ${what}`);
    await sleep(50);
  }
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `nightreel` with nothing of this process's own server settings in its environment. */
export function launchNightreel(home: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TEMPORAL_|AWS_|NIGHTREEL_)/.test(name)),
  );
  return spawn(join(ROOT, 'bin/nightreel'), args, { env: { ...clean, NIGHTREEL_HOME: home, ...env } });
}

export async function nightreel(home: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return await resultOf(launchNightreel(home, args, env));
}

export async function resultOf(child: ChildProcess): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}
