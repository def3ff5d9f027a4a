/** The parts that benches share, and the command as people run it. */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { tableOf } from '../../bench/bench.ts';
import { comparisonOf } from '../../bench/comparison.ts';
import { openPage, ROOT } from '../../bench/engine.ts';
import { plainEnvironment, runMeasured } from '../../bench/program.ts';
import { parseQuality } from '../../bench/quality.ts';
import { median, quantile } from '../../bench/statistics.ts';
import { Link } from '../../bench/upload/link.ts';
import { measure, type ProcessState, ProcessTree, parseStat, peakMemory } from '../../bench/usage.ts';
import { variedParams } from '../../bench/variant.ts';
import { descendantsOf, isAlive, nightreel, until } from '../rendering/support.ts';

const FIXTURES = join(ROOT, 'test/fixtures/templates');
const never = new AbortController().signal;

const state = (pid: number, parent: number, ownMs: number, reapedMs = 0): ProcessState => ({
  ...{ pid, parent, ownMs, reapedMs },
  identity: `${pid}@1`,
  program: `p${pid}`,
});

describe('the processor time of a process tree', () => {
  test('a line of /proc/PID/stat is read behind a name with blanks and parentheses', () => {
    const line = '42 (Web (x) 1) S 7 42 42 0 -1 4194560 9 9 0 0 12 3 40 5 20 0 1 0 777 1 1';
    expect(parseStat(line)).toEqual({
      ...{ pid: 42, parent: 7, identity: '42@777', program: 'web (x) 1', ownMs: 150, reapedMs: 450 },
    });
    expect(parseStat('')).toBeNull();
  });

  const over = (...readings: (readonly ProcessState[])[]): ProcessTree => {
    const left = [...readings];
    const tree = new ProcessTree(1, () => left.shift() ?? []);
    for (let look = 1; look < readings.length; look++) tree.look();
    return tree;
  };

  test('counts the living below the root, and nobody else', () => {
    const tree = over([state(1, 0, 10), state(2, 1, 20), state(3, 2, 30), state(9, 0, 1000)]);
    expect(tree.cpuMs).toBe(60);
    expect(tree.rootMs).toBe(10);
  });

  test('a child that was waited for counts once, with what its parent knows of it', () => {
    const tree = over([state(1, 0, 10), state(2, 1, 20)], [state(1, 0, 10, 35)]);
    expect(tree.cpuMs).toBe(45);
  });

  test('a child that nobody waited for counts with what was last seen of it', () => {
    const tree = over([state(1, 0, 10), state(2, 1, 20)], [state(1, 0, 10, 0)]);
    expect(tree.cpuMs).toBe(30);
  });

  test('a grandchild that outlives its parent still counts, also once it has ended elsewhere', () => {
    const before = [state(1, 0, 10), state(2, 1, 20), state(3, 2, 30)];
    const orphaned = [state(1, 0, 10, 20), state(3, 0, 50)];
    expect(over(before, orphaned).cpuMs).toBe(80);
    expect(over(before, orphaned, [state(1, 0, 10, 20)]).cpuMs).toBe(80);
  });

  test('a pid that is used again is another process', () => {
    const tree = over(
      [state(1, 0, 10), state(2, 1, 20)],
      [state(1, 0, 10, 20), { ...state(2, 0, 500), identity: '2@9' }],
    );
    expect(tree.cpuMs).toBe(30);
  });

  test('work of real children is counted, those included that have ended meanwhile', async () => {
    const burn = 'const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end);';
    const { cpuMs, wallMs } = await measure(async () => {
      await once(spawn(process.execPath, ['-e', burn]), 'close');
    });
    expect(cpuMs).toBeGreaterThanOrEqual(280);
    expect(wallMs).toBeGreaterThan(0);
  });

  test('memory of children is part of the peak', async () => {
    const hold = 'const held = Buffer.alloc(100 * 1024 * 1024, 1); setTimeout(() => held.length, 1500);';
    const alone = await peakMemory(async () => undefined, 50);
    const { rssMb, pssMb } = await peakMemory(() => once(spawn(process.execPath, ['-e', hold]), 'close'), 50);
    expect(rssMb - alone.rssMb).toBeGreaterThan(90);
    expect(pssMb - alone.pssMb).toBeGreaterThan(90);
  });
});

describe('a program that is measured', () => {
  const run = (script: string, signal = never) =>
    runMeasured({ command: '/bin/sh', args: ['-c', script], environment: plainEnvironment('/tmp') }, signal);

  test('costs what it and what it left behind used, and nothing of it outlives the call', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'nightreel-bench-test-'));
    const burn =
      'const end = process.cpuUsage().user + 400000; while (process.cpuUsage().user < end); ' +
      `require("fs").writeFileSync("${folder.path}/burnt", ""); setTimeout(() => 0, 60000)`;
    // The shell ends while what it started in the background goes on; the sampler has had time to look.
    const { cpuMs, value } = await run(
      `"${process.execPath}" -e '${burn}' >/dev/null 2>&1 & echo $!; until [ -e ${folder.path}/burnt ]; do sleep 0.2; done; sleep 0.5`,
    );
    expect(cpuMs).toBeGreaterThan(200);
    expect(await isGone(Number(value))).toBe(true);
  });

  test('that fails says what it said', async () => {
    await expect(run('echo no such luck >&2; exit 7')).rejects.toThrow(/ended with 7.*no such luck/s);
  });

  test('ends with everything that it started when the bench is stopped', async () => {
    const controller = new AbortController();
    const running = run('sleep 600 & sleep 600', controller.signal);
    await sleep(300);
    controller.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
  });

  async function isGone(pid: number): Promise<boolean> {
    for (let look = 0; look < 50; look++) {
      try {
        process.kill(pid, 0);
      } catch {
        return true;
      }
      await sleep(100);
    }
    return false;
  }
});

test('the middle and the tail of figures', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  expect(quantile([...Array(100).keys()], 0.95)).toBe(94);
  expect(quantile([5], 0.95)).toBe(5);
});

test('ratios say how much dearer they are, how much nearer we are and how much smaller', () => {
  const ours = { cpuSeconds: 16, wallSeconds: 10, bytes: 3000, ssim: 0.99 };
  const theirs = { cpuSeconds: 54, wallSeconds: 36, bytes: 7000, ssim: 0.985 };
  expect(comparisonOf(ours, theirs)).toEqual({
    ...{ ours, theirs, cpuRatio: 3.38, wallRatio: 3.6, ssimMargin: 0.005, sizeRatio: 0.429 },
  });
});

test("ffmpeg's summaries are read, and their absence is an error", () => {
  const text = 'frame=360\n[Parsed_ssim_0 @ 0x1] SSIM Y:0.99 (20) U:0.99 (20) V:0.99 (20) All:0.991234 (20.5)\n';
  const psnr = '[Parsed_psnr_1 @ 0x2] PSNR y:44.1 u:46 v:46 average:45.03 min:40 max:inf\n';
  expect(parseQuality(text + psnr)).toEqual({ ssim: 0.991234, psnr: 45.03, frameCount: 360 });
  expect(() => parseQuality(text)).toThrow(/did not say/);
});

test('a table has its numbers to the right and leaves out what a row lacks', () => {
  expect(
    tableOf([
      { page: 'moving', ms: 9.5 },
      { page: 'still', ms: 12, note: 'x' },
    ]),
  ).toBe('page     ms  note\n------  ---  ----\nmoving  9.5\nstill    12  x\n');
});

test.each(['moving', 'still', 'held'])('the page %s is a 12 s template of 1080p30', async (name) => {
  const { width, height, fps, frameCount } = await openPage(name);
  expect({ width, height, fps, frameCount }).toEqual({ width: 1920, height: 1080, fps: 30, frameCount: 360 });
});

test('varied params differ from each other and fit the template', async () => {
  const template = await openPage('referral');
  const bags = Array.from({ length: 100 }, (_, index) => variedParams(template, index));
  expect(new Set(bags.map((bag) => JSON.stringify(bag))).size).toBe(100);
  expect(bags.every((bag) => template.validateParams(bag).ok)).toBe(true);
});

describe('nightreel bench', () => {
  test('capture prints one JSON line and nothing else on stdout, progress on stderr', async () => {
    const args = ['--pages', join(FIXTURES, 'tiny'), '--renditions', 'email-480p', '--routes', 'begin-frame', '--json'];
    const { code, stdout, stderr } = await nightreel(['bench', 'capture', ...args]);
    expect(code).toBe(0);
    expect(stdout.match(/\n/g)).toHaveLength(1);
    const [row] = JSON.parse(stdout) as Record<string, number | string>[];
    expect(row).toMatchObject({ route: 'begin-frame', height: 480, slots: 1 });
    expect(row?.['CPU ms/frame']).toBeGreaterThan(0);
    expect(stderr).toMatch(/1 of 1: begin-frame/);
  });

  test('what is no route, size or number is a usage error, before anything is started', async () => {
    for (const args of [
      ['--routes', 'magic'],
      ['--renditions', '8k'],
      ['--slots', '0'],
      ['--pages', ''],
    ]) {
      const { code, stderr } = await nightreel(['bench', 'capture', ...args]);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/argument .* is invalid/)]);
    }
    expect((await nightreel(['bench', 'nonsense'])).code).toBe(2);
  });

  test('stopped by Ctrl-C it says so, and leaves no process behind', async () => {
    const bench = spawn(join(ROOT, 'bin/nightreel'), ['bench', 'capture', '--pages', join(FIXTURES, 'tiny')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    bench.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const ended = once(bench, 'close');
    const pid = bench.pid ?? 0;
    await until('the first step', () => said.includes('1 of'));
    await until('a browser', () => descendantsOf(pid).size > 0);
    const started = [...descendantsOf(pid).keys()];
    bench.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(said).toContain('The bench was stopped');
    await until('their end', () => !started.some(isAlive));
  });

  test('a page that does not exist is said by its name', async () => {
    const { code, stderr } = await nightreel(['bench', 'capture', '--pages', 'nowhere']);
    expect(code).toBe(2);
    expect(stderr).toContain('nowhere/template.json');
  });
});

describe('a link', () => {
  test('carries everything unchanged both ways, and no faster than it may', async () => {
    const body = randomBytes(400_000);
    const server = createServer((request, answer) => void request.pipe(answer));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using link = await Link.start(target, { roundTripMs: 30, bitsPerSecond: 8_000_000 });
    const startedAt = performance.now();
    const echoed = await fetch(link.endpoint, { method: 'POST', body });
    expect(Buffer.from(await echoed.arrayBuffer()).equals(body)).toBe(true);
    expect(performance.now() - startedAt).toBeGreaterThan(400);
    server.closeAllConnections();
    server.close();
  });

  test('tells that the other end has gone', async () => {
    const server = createServer((request) => request.socket.destroy());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using link = await Link.start(target, { roundTripMs: 2, bitsPerSecond: 8_000_000 });
    await expect(fetch(link.endpoint)).rejects.toThrow('fetch failed');
    server.close();
  });
});
