/** Capture from a virtual display: when a frame is complete, and what happens when a part of it is not there. */

import { readdirSync, readFileSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { ownedRoot } from '../../src/machine/owned-folders.ts';
import { ScreenDamage } from '../../src/rendering/capture/xvfb/damage.ts';
import { VirtualDisplay } from '../../src/rendering/capture/xvfb/display.ts';
import type { Template } from '../../src/templates/template.ts';
import { descendantsOf, failureOf, fixture, isAlive, launchOn, render, startRenderer, until } from './support.ts';

const never = (): AbortSignal => new AbortController().signal;
const FULL_HD = { width: 1920, height: 1080 };
const ULTRA_HD = { width: 3840, height: 2160 };

/** A page of one colour, another one in each frame, drawn cell by cell. */
async function flashing(frameCount: number, size = FULL_HD): Promise<Template> {
  const tiny = await fixture('tiny');
  const html = `<!doctype html><style>body { margin: 0 } i { position: absolute; width: 40px; height: 40px }</style><script>
    const cells = [];
    for (let y = 0; y < ${size.height / 40}; y++) for (let x = 0; x < ${size.width / 40}; x++) {
      const cell = document.createElement('i');
      cell.style.left = x * 40 + 'px'; cell.style.top = y * 40 + 'px';
      cells.push(document.documentElement.appendChild(cell));
    }
    window.__hf = { duration: ${frameCount / 30}, seek(t) {
      const n = Math.round(t * 30);
      for (const cell of cells) cell.style.background = 'rgb(' + [n * 37 & 255, n * 91 & 255, n * 151 & 255] + ')';
    } };
    window.addEventListener('message', () => window.dispatchEvent(new Event('hf-params-ready')));
  </script>`;
  return {
    ...tiny,
    ...size,
    fps: 30,
    frameCount,
    durationMs: Math.round((frameCount * 1000) / 30),
    digest: 'flashing',
    files: new Map([['index.html', Buffer.from(html)]]),
  };
}

/** This process's; others may run tests beside it. */
const displays = (): string[] => {
  try {
    return readdirSync(ownedRoot('/dev/shm', 'displays')).filter((name) => name.split('-')[1] === `${process.pid}`);
  } catch {
    return [];
  }
};

/** A page on which one pixel changes, now and then: `places` of the pixel, by frame. */
async function blinking(places: readonly ({ readonly x: number; readonly y: number } | null)[]): Promise<Template> {
  const html = `<!doctype html><style>body { margin: 0 } i { position: absolute; width: 1px; height: 1px }</style><i></i><script>
    const places = ${JSON.stringify(places)};
    const dot = document.querySelector('i');
    window.__hf = { duration: ${places.length / 30}, seek(t) {
      const place = places[Math.round(t * 30)];
      dot.style.background = place === null ? 'none' : '#f00';
      if (place !== null) Object.assign(dot.style, { left: place.x + 'px', top: place.y + 'px' });
    } };
    window.addEventListener('message', () => window.dispatchEvent(new Event('hf-params-ready')));
  </script>`;
  return {
    ...(await flashing(places.length)),
    digest: 'blinking',
    files: new Map([['index.html', Buffer.from(html)]]),
  };
}

/** A page on which nothing changes, or at every moment what is too pale to be seen. */
async function standing(frameCount: number, isRestless: boolean): Promise<Template> {
  const html = `<!doctype html><style>body { margin: 0 } i { position: absolute; inset: 0; background: #246 }
    #haze { background: none }</style><i></i><i id="haze"></i><script>
    const haze = document.querySelector('#haze');
    window.__hf = { duration: ${frameCount / 30}, seek(t) {
      if (${isRestless}) haze.style.background = 'rgb(255 255 255 / ' + Math.round(t * 30 + 1) / 1e6 + ')';
    } };
    window.addEventListener('message', () => window.dispatchEvent(new Event('hf-params-ready')));
  </script>`;
  return {
    ...(await flashing(frameCount)),
    digest: isRestless ? 'restless' : 'resting',
    files: new Map([['index.html', Buffer.from(html)]]),
  };
}

describe('a frame from the virtual display', () => {
  test('is the one before exactly where nothing was drawn, down to one pixel in any corner', async () => {
    const [right, bottom] = [FULL_HD.width - 1, FULL_HD.height - 1];
    const corners = [0, right].flatMap((x) => [0, bottom].map((y) => ({ x, y })));
    const places = [null, ...corners.flatMap((corner) => [corner, corner, null, null])];
    const template = await blinking(places);
    await using browser = await launchOn('xvfb');
    const repeats: boolean[] = [];
    // Twice: the second time begins with what the first has left.
    for (let round = 0; round < 2; round++) {
      const source = await browser.open(template, template.placeholder, FULL_HD);
      for await (const { isRepeat } of source.frames({ start: 0, end: places.length }, never())) repeats.push(isRepeat);
    }
    const once = places.map((place, index) => index > 0 && place === places[index - 1]);
    expect(repeats).toEqual([...once, ...once]);
  }, 120_000);

  test('is asked for once, whether the page draws nothing or draws what looks the same', async () => {
    await using browser = await launchOn('xvfb');
    const asked = jest.spyOn(browser.devtools, 'evaluate');
    for (const isRestless of [false, true]) {
      const template = await standing(120, isRestless);
      const source = await browser.open(template, template.placeholder, FULL_HD);
      asked.mockClear();
      for await (const _ of source.frames({ start: 0, end: 120 }, never()));
      // The first is shown twice; beyond that, resting is tried now and then.
      expect(asked.mock.calls.length).toBeLessThan(120 + 10);
    }
  }, 120_000);

  test.each([
    { frameCount: 300, size: FULL_HD, isShared: true },
    { frameCount: 60, size: FULL_HD, isShared: false },
    { frameCount: 20, size: ULTRA_HD, isShared: true },
    // More than a request to the X server can hold.
    { frameCount: 20, size: ULTRA_HD, isShared: false },
    { frameCount: 12, size: { width: 5120, height: 2880 }, isShared: false },
  ])(
    'is whole, and of its own moment, $frameCount times in a row: $size, memory shared: $isShared',
    async (about) => {
      const { frameCount, size, isShared } = about;
      const template = await flashing(frameCount, size);
      await using folder = await mkdtempDisposable(join(tmpdir(), 'nightreel-xvfb-'));
      const { xvfb = '' } = findTools();
      const without = join(folder.path, 'xvfb');
      await writeFile(without, `#!/bin/sh\nexec ${xvfb} "$@" -extension MIT-SHM\n`, { mode: 0o755 });
      await using browser = await launchOn('xvfb', { frame: size, xvfb: isShared ? xvfb : without });
      // Among the numbers is the largest, after which they begin anew.
      Object.assign(browser.compositor, { mark: 65_520 });
      const source = await browser.open(template, template.placeholder, size);
      const pixels = size.width * size.height;
      const torn: number[] = [];
      const lumas: (number | undefined)[] = [];
      for await (const { index, data } of source.frames({ start: 0, end: frameCount }, never())) {
        const luma = data.subarray(0, pixels);
        if (!luma.every((level) => level === luma[0])) torn.push(index);
        lumas.push(luma[0]);
      }
      const expected = Array.from({ length: frameCount }, (_, n) => {
        const [red, green, blue] = [(n * 37) & 255, (n * 91) & 255, (n * 151) & 255];
        return (red * 5983 + green * 20127 + blue * 2032 + (16 << 15) + (1 << 14)) >> 15;
      });
      const [, display = 0] = browser.processGroups;
      expect(readFileSync(`/proc/${display}/maps`, 'latin1').includes('/SYSV')).toBe(isShared);
      expect(torn).toEqual([]);
      expect(lumas).toEqual(expected);
    },
    300_000,
  );
});

describe('a virtual display', () => {
  test('leaves neither process nor file, and lets nobody in without its key', async () => {
    const before = displays();
    const { xvfb = '' } = findTools();
    const display = await VirtualDisplay.start({ xvfb, screen: { width: 64, height: 64 } }, never());
    const { pid = 0 } = display;
    expect(display.strideBytes).toBe(256);
    expect(displays()).toHaveLength(before.length + 1);
    const command = descendantsOf(process.pid).get(pid) ?? '';
    expect(command).toContain('-auth');
    expect(command).not.toContain(' -ac');
    const stranger = await failureOf(ScreenDamage.watch(Number(display.name.slice(1)), Buffer.alloc(16)));
    expect(stranger.message).toBe('The virtual display lets nobody in without its key.');
    expect([await display.damage.take(5_000), await display.damage.take(5_000)]).toEqual([
      { left: 0, top: 0, right: 64, bottom: 64 },
      null,
    ]);
    await display[Symbol.asyncDispose]();
    expect(isAlive(pid)).toBe(false);
    expect(displays()).toEqual(before);
  });

  test('that cannot be started is told with what to install', async () => {
    const screen = { width: 64, height: 64 };
    const missing = await failureOf(VirtualDisplay.start({ xvfb: '/nowhere/Xvfb', screen }, never()));
    expect([missing.failureClass, missing.message]).toEqual(['ToolMissing', expect.stringContaining('Install Xvfb')]);
    const other = await failureOf(VirtualDisplay.start({ xvfb: '/bin/false', screen }, never()));
    expect([other.failureClass, other.message]).toEqual([
      'ToolMissing',
      expect.stringMatching(/\/bin\/false ended at its start.*xvfb/),
    ]);
  });
});

describe('rendering on the virtual display', () => {
  test('a display that dies costs one render, and says so; the next one works', async () => {
    const tiny = await fixture('tiny');
    await using renderer = await startRenderer(tiny, { capture: 'xvfb' });
    const first = await render(renderer, tiny);
    const xvfb = () => [...descendantsOf(process.pid)].filter(([, command]) => command.includes('Xvfb'));
    const failure = await failureOf(
      render(renderer, tiny, {
        onProgress: ({ frame }) => {
          if (frame === 10) for (const [pid] of xvfb()) process.kill(pid, 'SIGKILL');
        },
      }),
    );
    expect([failure.failureClass, failure.message]).toEqual(['BrowserCrashed', expect.stringContaining('display')]);
    const next = await render(renderer, tiny);
    expect(next.sha256).toBe(first.sha256);
  }, 120_000);

  test('frames larger than the window get a larger one, and the small ones go on', async () => {
    const tiny = await fixture('tiny');
    const large: Template = { ...(await flashing(2)), width: 3840, height: 2160, digest: 'large' };
    await using renderer = await startRenderer(tiny, { capture: 'xvfb' });
    const before = await render(renderer, tiny);
    const rendition = { id: 'web-1080p', shortSide: 2160, qp: 30 } as const;
    const video = await renderer.render({ template: large, params: large.placeholder, rendition }, { signal: never() });
    expect([video.width, video.height]).toEqual([3840, 2160]);
    expect((await render(renderer, tiny)).sha256).toBe(before.sha256);
  }, 240_000);

  test('without Xvfb another route is taken, with the same bytes; asked for by name, it is missed', async () => {
    const tiny = await fixture('tiny');
    const { xvfb: _, ...tools } = findTools();
    await using without = await startRenderer(tiny, { tools });
    await using with_ = await startRenderer(tiny);
    expect([without.fingerprint.captureRoute, with_.fingerprint.captureRoute]).toEqual(['begin-frame', 'xvfb']);
    expect(without.fingerprint.digest).toBe(with_.fingerprint.digest);
    expect((await render(without, tiny)).sha256).toBe((await render(with_, tiny)).sha256);
    const failure = await failureOf(startRenderer(tiny, { tools, capture: 'xvfb' }));
    expect([failure.failureClass, failure.message]).toEqual(['ToolMissing', expect.stringContaining('Xvfb')]);
  }, 120_000);

  test('nothing is left once the renderer is closed', async () => {
    const tiny = await fixture('tiny');
    const before = displays();
    // Among them a watchdog of each test file that this process ran.
    const others = descendantsOf(process.pid);
    const renderer = await startRenderer(tiny, { capture: 'xvfb' });
    const mine = [...descendantsOf(process.pid).keys()].filter((pid) => !others.has(pid));
    expect(displays().length).toBeGreaterThan(before.length);
    await renderer[Symbol.asyncDispose]();
    // The watchdog stays for the whole process.
    await until('all to be gone', () => mine.filter(isAlive).length <= 1);
    expect(displays()).toEqual(before);
  }, 60_000);
});
