/** That a crash of a worker leaves nothing of what it held in memory: a core dump that the kernel writes, where it writes any. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const FILTER = '/proc/self/coredump_filter';
const MODULE = join(import.meta.dirname, '../../src/cli/crash-dumps.ts');
const CANARY = 'kanary-of-a-crash';

/** Node.js with the canary in its environment and in its memory, running this. */
const script = (guarded: boolean, body: string): string =>
  `${guarded ? `(await import(${JSON.stringify(MODULE)})).keepMemoryOutOfDumps();` : ''} const kept = Buffer.alloc(4096, process.env.LEAK); ${body}; if (kept.length === 0) throw 0;`;

const linux = existsSync(FILTER) ? test : test.skip;

linux('a program that it starts cannot dump its memory either', async () => {
  const body = `const { execFileSync } = await import('node:child_process'); process.stdout.write(execFileSync('/bin/cat', ['${FILTER}', '/proc/self/limits']))`;
  const saidWhere = async (guarded: boolean) => {
    const args = ['--input-type=module', '-e', script(guarded, body)];
    return (await promisify(execFile)(process.execPath, args)).stdout;
  };
  expect(await saidWhere(true)).toMatch(/^0+\n[\s\S]*Max core file size +1 +1 /);
  expect(await saidWhere(false)).not.toMatch(/^0+\n/);
});

/** Dumps go to a file beside the process; elsewhere a program of the system takes them, by the same filter. */
const writesFiles =
  existsSync(FILTER) && /^core(\.%p)?$/.test(readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim());

(writesFiles ? test : test.skip).each([
  [true, 'nowhere'],
  [false, 'and has the secret where nothing is done about it'],
])('a crash (guarded: %s) is dumped %s', async (guarded) => {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-crash-'));
  try {
    const command = 'ulimit -c unlimited; exec "$0" --input-type=module -e "$1"';
    const child = spawn(
      '/bin/bash',
      ['-c', command, process.execPath, script(guarded, 'process.kill(process.pid, "SIGSEGV")')],
      {
        cwd: folder,
        env: { PATH: '/usr/bin:/bin', LEAK: CANARY },
        stdio: 'ignore',
      },
    );
    await once(child, 'exit');
    const dumps = (await readdir(folder)).filter((name) => name.startsWith('core'));
    const found = await Promise.all(dumps.map(async (name) => (await readFile(join(folder, name))).includes(CANARY)));
    expect(found).toEqual(guarded ? [] : [true]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

linux('a report of Node.js says nothing of its environment', async () => {
  const body = 'process.stdout.write(JSON.stringify(process.report.getReport()))';
  const reportWhere = async (guarded: boolean) => {
    const args = ['--input-type=module', '-e', script(guarded, body)];
    const env = { PATH: '/usr/bin:/bin', LEAK: CANARY };
    return (await promisify(execFile)(process.execPath, args, { env, maxBuffer: 64 * 1024 * 1024 })).stdout;
  };
  expect(await reportWhere(true)).not.toContain(`"${CANARY}"`);
  expect(await reportWhere(false)).toContain(`"${CANARY}"`);
});
