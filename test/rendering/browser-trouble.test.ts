import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { ChromiumBrowser } from '../../src/rendering/browser/browser.ts';
import { BrowserPool } from '../../src/rendering/browser/pool.ts';
import { processesOfGroup } from '../../src/rendering/browser/process-tree.ts';
import { profileRoot } from '../../src/rendering/browser/profiles.ts';
import { candidatesFor, launchProven } from '../../src/rendering/capture/probe.ts';
import { WarmBrowser } from '../../src/rendering/warm-browser.ts';
import { signalAll } from '../support/signals.ts';
import { browserOptions, never, partsOf } from './browser-support.ts';
import { descendantsOf, failureOf, fixture, isAlive, keptLog, render, startRenderer, until } from './support.ts';

describe('trouble inside a browser', () => {
  test('a page process that is killed is told as crashed, with a word about memory', async () => {
    await using browser = await ChromiumBrowser.launch(browserOptions(), never);
    const waiting = failureOf(browser.devtools.evaluate('new Promise(() => undefined)'));
    signalAll(partsOf(browser, /--type=renderer/), 'SIGKILL');
    expect(await waiting).toMatchObject({
      failureClass: 'BrowserCrashed',
      message: expect.stringMatching(/page process was killed \(SIGKILL\).*memory/),
    });
  });

  test('a page process that traps, as it does at the end of its heap, is told as out of memory', async () => {
    await using browser = await ChromiumBrowser.launch(browserOptions(), never);
    const waiting = failureOf(browser.devtools.evaluate('new Promise(() => undefined)'));
    await browser.devtools.session.send('Page.navigate', { url: 'chrome://memory-exhaust/' }).catch(() => undefined);
    expect(await waiting).toMatchObject({
      failureClass: 'BrowserCrashed',
      message: expect.stringMatching(/ran out of memory.*template's author/),
    });
  });

  test('the whole browser killed is told as crashed, with the signal', async () => {
    await using browser = await ChromiumBrowser.launch(browserOptions(), never);
    const waiting = failureOf(browser.devtools.evaluate('new Promise(() => undefined)'));
    process.kill(browser.pid ?? 0, 'SIGKILL');
    signalAll(partsOf(browser, /--remote-debugging-pipe/), 'SIGKILL');
    expect(await waiting).toMatchObject({ failureClass: 'BrowserCrashed' });
  });

  test('a frozen page is told as hung, and its browser can be ended all the same', async () => {
    const browser = await ChromiumBrowser.launch(browserOptions({ callLimitMs: 1_000 }), never);
    const whole = partsOf(browser);
    signalAll(partsOf(browser, /--type=renderer/), 'SIGSTOP');
    expect(await failureOf(browser.devtools.evaluate('1'))).toMatchObject({ failureClass: 'BrowserHung' });
    await browser[Symbol.asyncDispose]();
    expect(whole.filter(isAlive)).toEqual([]);
  });

  test.each(['gpu-process', 'utility'])('a killed %s process changes no pixel of what follows', async (type) => {
    await using browser = await ChromiumBrowser.launch(browserOptions(), never);
    const { devtools } = browser;
    await devtools.evaluate(`document.body.innerHTML = '<h1 style="color: teal">Nightreel</h1>'`);
    const picture = async () => (await devtools.send('Page.captureScreenshot', { format: 'png' })).data;
    const before = await picture();
    signalAll(partsOf(browser, new RegExp(`--type=${type}`)), 'SIGKILL');
    expect(await picture()).toBe(before);
  });
});

test('a browser that dies after its first words is told as hung, and is not waited for', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'nightreel-dies-'));
  const executable = join(folder.path, 'chromium');
  // It tells of a tab, and is gone before it tells of the page in it.
  const words = `
    const { createReadStream, writeSync } = require('node:fs');
    const say = (message) => writeSync(4, JSON.stringify(message) + '\\0');
    const tab = { targetId: 'tab', type: 'tab', title: '', url: 'about:blank', attached: true, canAccessOpener: false };
    createReadStream(null, { fd: 3 }).on('data', (bytes) => {
      for (const text of String(bytes).split('\\0').filter(Boolean)) {
        const { id, method } = JSON.parse(text);
        const params = { sessionId: 'tab', targetInfo: tab, waitingForDebugger: false };
        if (method === 'Target.setDiscoverTargets') say({ method: 'Target.targetCreated', params: { targetInfo: tab } });
        if (method === 'Target.setAutoAttach') say({ method: 'Target.attachedToTarget', params });
        say({ id, result: method === 'Target.getBrowserContexts' ? { browserContextIds: [] } : {} });
        if (method === 'Target.setAutoAttach') process.kill(process.pid, 'SIGKILL');
      }
    });`;
  await writeFile(`${executable}.cjs`, words);
  await writeFile(executable, `#!/bin/sh\nexec '${process.execPath}' '${executable}.cjs'\n`, { mode: 0o755 });
  const failure = await failureOf(ChromiumBrowser.launch(browserOptions({ executable, launchLimitMs: 2_000 }), never));
  expect(failure).toMatchObject({
    failureClass: 'BrowserHung',
    message: 'Chromium was started and did not answer within 2000 ms.',
  });
  expect([...descendantsOf(process.pid).values()].filter((command) => command.includes(executable))).toEqual([]);
});

describe('a browser that hangs at its first frames', () => {
  const [candidate] = candidatesFor(findTools(), 'auto');

  /** Launches browsers of which the first so many are frozen as they come. */
  async function proven(frozen: number) {
    const log = keptLog();
    const launched: WarmBrowser[] = [];
    const launch = async (): Promise<WarmBrowser> => {
      if (candidate === undefined) throw new Error('no browser here');
      const limits = { callLimitMs: 3_000, deadlines: { loadMs: 15_000, paramsMs: 5_000 } };
      const browser = await WarmBrowser.launch({ ...candidate, ...limits, profileRoot: profileRoot(), log }, never);
      launched.push(browser);
      if (launched.length <= frozen) {
        const parts = processesOfGroup(browser.pid ?? 0);
        const pages = parts.filter(({ commandLine }) => commandLine().includes('--type=renderer'));
        signalAll(
          pages.map(({ pid }) => pid),
          'SIGSTOP',
        );
      }
      return browser;
    };
    const alive = () => launched.filter(({ pid }) => pid !== undefined && isAlive(pid)).length;
    return { outcome: launchProven(launch, log, never), launched, alive };
  }

  test('gets one successor, which proves the route', async () => {
    const { outcome, launched, alive } = await proven(1);
    const { browser, pixels } = await outcome;
    expect({ pixels, alive: alive() }).toEqual({ pixels: expect.stringMatching(/^[0-9a-f]{64}$/), alive: 1 });
    expect(browser).toBe(launched[1]);
    await browser[Symbol.asyncDispose]();
  }, 60_000);

  test('and no third', async () => {
    const { outcome, launched, alive } = await proven(3);
    expect(await failureOf(outcome)).toMatchObject({ failureClass: 'BrowserHung' });
    expect({ launched: launched.length, alive: alive() }).toEqual({ launched: 2, alive: 0 });
  }, 60_000);
});

describe('a page that allocates', () => {
  const MiB = 1024 * 1024;
  /** Keeps what it takes; `while` steps: how many. */
  const allocate = (steps: number): string =>
    `(async () => { window.kept ??= []; for (let i = 0; i < ${steps}; i++) {
       kept.push(new Uint8Array(${32 * MiB}).fill(1)); await new Promise((done) => setTimeout(done)); } })()`;
  const poolWith = (recycleAboveBytes: number) =>
    BrowserPool.start({
      ...{ slots: 1, recycleAfter: 100, recycleAboveBytes, watchMs: 100, log: keptLog() },
      launch: (signal) => ChromiumBrowser.launch(browserOptions(), signal),
    });

  test('without end is ended in the middle of it, and its browser replaced', async () => {
    await using pool = await poolWith(512 * MiB);
    const lease = await pool.acquire(never);
    const whole = partsOf(lease.member);
    expect(await failureOf(lease.member.devtools.evaluate(allocate(1_000_000)))).toMatchObject({
      failureClass: 'BrowserCrashed',
      message: expect.stringMatching(/^Chromium held \d{4} MiB of memory in the middle of a render and was ended/),
    });
    await until('the end of its processes', () => !whole.some(isAlive));
    lease.release();
    const next = await pool.acquire(never);
    expect(await next.member.devtools.evaluate('1 + 1')).toBe(2);
    next.release();
  });

  test('much is replaced after its render, by a browser that was warm before it went', async () => {
    await using pool = await poolWith(512 * MiB);
    const lease = await pool.acquire(never);
    const { member: first } = lease;
    const idle = first.memoryBytes();
    await first.devtools.evaluate(allocate(Math.ceil((640 * MiB - idle) / (32 * MiB))));
    expect(first.memoryBytes()).toBeGreaterThan(512 * MiB);
    expect(first.broken.aborted).toBe(false);
    lease.release();
    let current = first;
    while (current === first) {
      await using again = await pool.acquire(never);
      current = again.member;
      expect(await current.devtools.evaluate('1 + 1')).toBe(2);
    }
    expect(current.memoryBytes()).toBeLessThan(512 * MiB);
  });
});

test('a drawing process that dies in the middle of a render never changes a video', async () => {
  const tiny = await fixture('tiny');
  await using renderer = await startRenderer(tiny);
  const { sha256 } = await render(renderer, tiny);
  const killDrawing = (): void => {
    const all = [...descendantsOf(process.pid)];
    signalAll(
      all.filter(([, command]) => command.includes('--type=gpu-process')).map(([pid]) => pid),
      'SIGKILL',
    );
  };
  // Where Chromium's second one draws as the first did, nobody notices; where it does not, the render is tried again.
  const became = await render(renderer, tiny, { onProgress: ({ frame }) => frame === 20 && killDrawing() }).then(
    (video) => video.sha256,
    (error: unknown) => error,
  );
  if (became !== sha256) expect(became).toMatchObject({ failureClass: 'BrowserCrashed' });
  expect((await render(renderer, tiny)).sha256).toBe(sha256);
});
