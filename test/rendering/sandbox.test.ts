import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { ChromiumBrowser } from '../../src/rendering/browser/browser.ts';
import { processesOfGroup } from '../../src/rendering/browser/process-tree.ts';
import { findSandbox, type Sandbox } from '../../src/rendering/browser/sandbox.ts';
import { browserOptions, kinds, never } from './browser-support.ts';
import { ROOT } from './support.ts';

/** What is found by a process that a shell starts in its own way: `"$@"` is that process. */
async function foundBy(script: string): Promise<Sandbox> {
  const module = './src/rendering/browser/sandbox.ts';
  const code = `console.log(JSON.stringify(await (await import('${module}')).findSandbox()))`;
  const command = [process.execPath, '--input-type=module', '-e', code];
  const { stdout } = await promisify(execFile)('sh', ['-c', script, 'sh', ...command], { cwd: ROOT });
  return JSON.parse(stdout);
}

/** A user namespace in which none can be made: what many a container is. */
const WITHOUT = `unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"' sh "$@"`;
const { whyOff } = await findSandbox();
/** Where there is none, the reason is all that can be tested. */
const whereOn = whyOff === null ? test : test.skip;

describe.each(kinds())('Chromium ($kind)', ({ kind, executable }) => {
  test('is sandboxed wherever that is possible', async () => {
    await using browser = await ChromiumBrowser.launch(browserOptions({ kind, executable }), never);
    const parts = processesOfGroup(browser.pid ?? 0).filter(({ commandLine }) => /--type=renderer/.test(commandLine()));
    expect(parts.length).toBeGreaterThan(0);
    for (const { pid, commandLine } of parts) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      // Chromium's filter of system calls; and a process table of its own, in which it has another number.
      expect(/^Seccomp:\s+2$/m.test(status)).toBe(whyOff === null);
      expect(/^NSpid:\s+\d+\s+\d+/m.test(status)).toBe(whyOff === null);
      expect(commandLine().includes('--no-sandbox')).toBe(whyOff !== null);
    }
  });
});

whereOn('root has it as nobody, in a namespace', async () => {
  expect(await foundBy('unshare --user --map-root-user "$@"')).toEqual({
    whyOff: null,
    command: expect.arrayContaining(['unshare', '--user', '--map-user=65534']),
  });
});

whereOn('somebody else has it without more', async () => {
  expect(await foundBy('unshare --user --map-user=1000 --map-group=1000 "$@"')).toEqual({ whyOff: null, command: [] });
});

whereOn('root who may make no namespace is told which setting forbids it', async () => {
  expect(await foundBy(WITHOUT)).toEqual({ whyOff: 'user.max_user_namespaces is 0', command: [] });
});

whereOn('without namespaces Chromium starts all the same, and says why its sandbox is off', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-unboxed-'));
  const command = ['bin/nightreel', 'render', 'test/fixtures/templates/tiny', '--out', join(folder, 'video.mp4')];
  const { stderr } = await promisify(execFile)('sh', ['-c', WITHOUT, 'sh', ...command], { cwd: ROOT });
  expect(stderr).toContain('user.max_user_namespaces is 0');
  expect((await stat(join(folder, 'video.mp4'))).size).toBeGreaterThan(1_000);
  await rm(folder, { recursive: true });
});
