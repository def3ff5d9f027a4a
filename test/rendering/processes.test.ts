import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { createOwned, ownedRoot, sweepOwned } from '../../src/machine/owned-folders.ts';
import { ChromiumBrowser } from '../../src/rendering/browser/browser.ts';
import { listProcesses, processesOfGroup } from '../../src/rendering/browser/process-tree.ts';
import { profileRoot, sweepProfiles, sweepSharedMemory } from '../../src/rendering/browser/profiles.ts';
import { hasLittleSharedMemory } from '../../src/rendering/browser/shared-memory.ts';
import { signalAll } from '../support/signals.ts';
import { browserOptions, kinds, never, partsOf } from './browser-support.ts';
import {
  browsersOf,
  descendantsOf,
  fixture,
  isAlive,
  nightreel,
  ROOT,
  render,
  startRenderer,
  until,
} from './support.ts';

const profiles = async (): Promise<string[]> => await readdir(profileRoot()).catch((): string[] => []);
/** Profiles of browsers and framebuffers of displays that a process has made. */
const foldersOf = async (pid: number | undefined): Promise<string[]> => {
  const roots = [profileRoot(), ...['/dev/shm', tmpdir()].map((base) => ownedRoot(base, 'displays'))];
  const names = await Promise.all(roots.map((root) => readdir(root).catch((): string[] => [])));
  return names.flat().filter((name) => name.includes(`-${pid}-`));
};
const chromiumsOf = (pid: number): number[] =>
  [...descendantsOf(pid)].filter(([, command]) => command.includes('chrom')).map(([child]) => child);
/** Another process of Node that runs this code, which says a line of JSON when it is ready. */
async function nodeThat<Said>(code: string): Promise<{ child: ChildProcess; said: Said }> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: ROOT,
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, said: JSON.parse(line) as Said };
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

describe('ending a renderer', () => {
  test('closing it leaves no process and no profile, even while it renders', async () => {
    const tiny = await fixture('tiny');
    const before = { folders: await foldersOf(process.pid), processes: chromiumsOf(process.pid) };
    const renderer = await startRenderer(tiny, { slots: 2 });
    expect(chromiumsOf(process.pid).length).toBeGreaterThan(before.processes.length);
    const { promise: isUnderWay, resolve } = Promise.withResolvers<void>();
    const interrupted = render(renderer, tiny, { onProgress: ({ frame }) => frame === 5 && resolve() });
    const outcome = expect(interrupted).rejects.toMatchObject({ failureClass: 'Cancelled' });
    await isUnderWay;
    await renderer[Symbol.asyncDispose]();
    await outcome;
    expect([...descendantsOf(process.pid).values()].filter((command) => /chrom|ffmpeg|Xvfb/.test(command))).toEqual([]);
    expect((await foldersOf(process.pid)).filter((name) => !before.folders.includes(name))).toEqual([]);
  });

  test('when the process is killed, its browsers, displays and encoders end, and the next start removes their folders', async () => {
    const out = join(tmpdir(), `nightreel-killed-${process.pid}.mp4`);
    const child = spawn(
      join(ROOT, 'bin/nightreel'),
      ['render', join(ROOT, 'test/fixtures/templates/tiny'), '--out', out, '--rendition', 'web-1080p'],
      { stdio: 'ignore' },
    );
    const pid = child.pid ?? 0;
    const programs = [/--type=renderer/, /Xvfb/, /matroska.*libx264/];
    const all = (): string[] => [...descendantsOf(pid).values()];
    await until(
      'Chromium, display and encoder of the child',
      () => programs.every((program) => all().some((command) => program.test(command))),
      50_000,
    );
    const orphans = [...descendantsOf(pid).keys()];
    const left = await foldersOf(pid);
    expect(left).not.toEqual([]);
    await killed(child);
    await until('the end of every orphan', () => !orphans.some(isAlive), 10_000);

    await using _next = await startRenderer(await fixture('tiny'));
    expect(await foldersOf(pid)).toEqual([]);
  });
});

describe.each(kinds())('a browser of kind $kind', ({ kind, executable }) => {
  test('is gone 10 s after its process was killed, although all of it was stopped at that moment', async () => {
    const options = JSON.stringify({ ...browserOptions({ kind, executable }), log: undefined });
    const { child, said: group } = await nodeThat<number>(`
      import { ChromiumBrowser } from './src/rendering/browser/browser.ts';
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const browser = await ChromiumBrowser.launch({ ...${options}, log }, new AbortController().signal);
      console.log(browser.pid);
      setInterval(() => undefined, 1_000);`);
    const left = (await profiles()).filter((name) => name.includes(`-${child.pid}-`));
    const whole = [...new Set([...descendantsOf(group).keys(), ...processesOfGroup(group).map(({ pid }) => pid)])];
    expect(whole.length).toBeGreaterThan(3);
    signalAll(whole, 'SIGSTOP');
    await killed(child);
    await until('the end of every part', () => !whole.some(isAlive), 10_000);
    // Whatever left its group, as handlers of crash reports do, still names the profile.
    const named = () => listProcesses().filter(({ commandLine }) => commandLine().includes(left[0] ?? '/none'));
    await until('the end of what had left its group', () => named().length === 0, 10_000);
    await sweepProfiles(profileRoot());
    expect((await profiles()).filter((name) => left.includes(name))).toEqual([]);
  });

  test('starts where the path of its profile is long, and leaves nothing there when it is killed', async () => {
    const made = await mkdtemp(join(tmpdir(), 'nightreel-long-'));
    // As of a user with a long number; the path of a socket may have 107 bytes, and Chromium's own part of it has 44.
    const root = join(made, 'a'.repeat(60 - made.length));
    const browser = await ChromiumBrowser.launch(browserOptions({ kind, executable, profileRoot: root }), never);
    expect(await readdir(root)).not.toEqual([]);
    browser.kill(new Failure('Internal', 'killed by the test'));
    await browser[Symbol.asyncDispose]();
    expect(await readdir(root)).toEqual([]);
    await rm(made, { recursive: true });
  });

  test('leaves its group with no process', async () => {
    await using browser = await ChromiumBrowser.launch(browserOptions({ kind, executable }), never);
    const descendants = [...descendantsOf(browser.pid ?? 0).keys()];
    expect(partsOf(browser)).toEqual(expect.arrayContaining(descendants));
    const whole = partsOf(browser);
    await browser[Symbol.asyncDispose]();
    expect(whole.filter(isAlive)).toEqual([]);
  });
});

describe('a program that is tied to a process', () => {
  test('is killed with it, its children and a stopped one too; one that had ended is forgotten', async () => {
    const { child, said } = await nodeThat<number[]>(`
      import { spawnTied } from './src/rendering/browser/tied-process.ts';
      const simple = spawnTied('sleep', ['600'], { stdio: 'ignore' });
      const family = spawnTied('sh', ['-c', 'sleep 600 & sleep 600'], { stdio: 'ignore' });
      const stopped = spawnTied('sleep', ['600'], { stdio: 'ignore' });
      stopped.kill('SIGSTOP');
      const missing = spawnTied('no-such-program', [], { stdio: 'ignore' });
      missing.on('error', () => undefined);
      spawnTied('true', [], { stdio: 'ignore' }).once('exit', () => {
        setTimeout(() => console.log(JSON.stringify([simple.pid, family.pid, stopped.pid])), 200);
      });`);
    const whole = said.flatMap((pid) => [pid, ...descendantsOf(pid).keys()]);
    expect(whole).toHaveLength(5);
    expect(whole.every(isAlive)).toBe(true);
    await killed(child);
    await until('the end of all', () => !whole.some(isAlive), 10_000);
  });

  test('is killed with it when it is an encoder, also one that stands still', async () => {
    const { child, said: encoder } = await nodeThat<number>(`
      import { FfmpegProcess } from './src/rendering/encode/ffmpeg.ts';
      import { descendantsOf } from './test/rendering/support.ts';
      const input = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', '64x64', '-r', '1'];
      const run = { ffmpeg: ${JSON.stringify(findTools().ffmpeg)}, input, output: ['-f', 'rawvideo'] };
      const ffmpeg = FfmpegProcess.start(run, new AbortController().signal);
      await ffmpeg.write(Buffer.alloc(4096));
      console.log([...descendantsOf(process.pid)].find(([, command]) => command.includes('64x64'))?.[0]);
      setInterval(() => undefined, 1_000);`);
    process.kill(encoder, 'SIGSTOP');
    await killed(child);
    await until('the end of the encoder', () => !isAlive(encoder), 10_000);
  });

  test('goes with its group when it ends by itself', async () => {
    const { child, said } = await nodeThat<number>(`
      import { spawnTied } from './src/rendering/browser/tied-process.ts';
      const parent = spawnTied('sh', ['-c', 'sleep 600 & echo $!'], { stdio: ['ignore', 'pipe', 'ignore'] });
      parent.stdout?.once('data', (pid) => console.log(String(pid).trim()));
      setInterval(() => undefined, 1_000);`);
    await until('the end of the child that was left', () => !isAlive(said), 10_000);
    await killed(child);
  });
});

describe('what a killed process leaves in a shared folder', () => {
  const folders: string[] = [];
  const scratch = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-shm-'));
    folders.push(folder);
    return folder;
  };
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true });
  });

  test('is removed by the next start; what belongs to a living process stays', async () => {
    const root = ownedRoot(await scratch(), 'displays');
    const { child, said: theirs } = await nodeThat<string>(`
      import { createOwned } from './src/machine/owned-folders.ts';
      console.log(JSON.stringify(await createOwned(${JSON.stringify(root)})));
      setInterval(() => undefined, 1_000);`);
    const own = await createOwned(root);
    expect(await sweepOwned(root)).toBe(0);
    await killed(child);
    await writeFile(join(theirs, 'Xvfb_screen0'), 'pixels');
    expect(await sweepOwned(root)).toBe(1);
    expect((await readdir(root)).map((name) => join(root, name))).toEqual([own]);
    expect((await stat(root)).mode & 0o777).toBe(0o700);
  });

  test('segments of Chromium that still have a name after a minute go; new ones and what others made stay', async () => {
    const folder = await scratch();
    const old = new Date(Date.now() - 120_000);
    for (const name of ['.org.chromium.Chromium.aB3xYz', '.com.google.Chrome.aB3xYz', 'sem.other', 'pulse-shm-1']) {
      await writeFile(join(folder, name), '');
      await utimes(join(folder, name), old, old);
    }
    await writeFile(join(folder, '.org.chromium.Chromium.fResh1'), '');
    expect(await sweepSharedMemory(folder)).toBe(2);
    expect((await readdir(folder)).sort()).toEqual(['.org.chromium.Chromium.fResh1', 'pulse-shm-1', 'sem.other']);
  });
});

test('a browser is replaced after its share of renders, by one that was warm before it went', async () => {
  const tiny = await fixture('tiny');
  await using renderer = await startRenderer(tiny, { recycleAfter: 2 });
  const mains = (): number[] => browsersOf(process.pid);
  const first = mains();
  let atMost = 0;
  const count = (): void => {
    atMost = Math.max(atMost, mains().length);
  };
  // The old one goes on while its successor starts: renders never wait for that.
  while (atMost <= first.length) await render(renderer, tiny, { onProgress: count });
  while (first.some(isAlive)) await render(renderer, tiny);
  expect(mains()).toHaveLength(first.length);
});

describe('/dev/shm of a container, 64 MB', () => {
  const isRoot = process.getuid?.() === 0;
  /** A command where /dev/shm has that size; for nobody else on this machine. */
  const inSmallMemory = (command: readonly string[]): Promise<number | null> =>
    new Promise((done, failed) => {
      const script = 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"';
      const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', ...command], { stdio: 'ignore', cwd: ROOT });
      child.once('error', failed).once('exit', done);
    });

  (isRoot ? test : test.skip)('is noticed', async () => {
    const module = './src/rendering/browser/shared-memory.ts';
    const code = `process.exit((await import('${module}')).hasLittleSharedMemory() ? 42 : 0)`;
    expect(await inSmallMemory([process.execPath, '--input-type=module', '-e', code])).toBe(42);
  });

  (isRoot ? test : test.skip)('is enough for a video', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-small-'));
    const [small, large] = ['small.mp4', 'large.mp4'].map((name) => join(folder, name));
    const args = (out = '') => ['render', join(ROOT, 'test/fixtures/templates/tiny'), '--out', out];
    expect(await inSmallMemory([join(ROOT, 'bin/nightreel'), ...args(small)])).toBe(0);
    expect((await nightreel(args(large))).code).toBe(0);
    const { size } = await stat(small ?? '');
    expect(size).toBe((await stat(large ?? '')).size);
    await rm(folder, { recursive: true });
  });

  test('a folder that is missing counts as small', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-none-'));
    await mkdir(folder, { recursive: true });
    expect(hasLittleSharedMemory(join(folder, 'none'))).toBe(true);
    await rm(folder, { recursive: true });
  });
});
