import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import type { Template } from '../../src/templates/template.ts';
import { descendantsOf, failureOf, fixture, gsapFixture, render, startRenderer, until } from './support.ts';

let tiny: Template;
let renderer: Renderer;
let expected: string;

beforeAll(async () => {
  tiny = await fixture('tiny');
  renderer = await startRenderer(tiny, { paramsLimitMs: 1_000, callLimitMs: 3_000 });
  expected = (await render(renderer, tiny)).sha256;
});
afterAll(() => renderer?.[Symbol.asyncDispose]());

const processesWith = (text: string): number[] =>
  [...descendantsOf(process.pid)].filter(([, command]) => command.includes(text)).map(([pid]) => pid);
const browsers = (): number[] => {
  const helpers = processesWith('--type=');
  return processesWith('--headless').filter((pid) => !helpers.includes(pid));
};
const killAll = (pids: readonly number[]): void => {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
};
const atFrame =
  (wanted: number, act: () => void) =>
  ({ frame }: { readonly frame: number }): void => {
    if (frame === wanted) act();
  };

describe('a template at fault is told as such, and the browser goes on', () => {
  test.each([
    ['never-ready', 'TemplateNotReady', /within 1000 ms of getting params: missing the event 'hf-params-ready'/],
    [
      'throws-on-params',
      'TemplateCrashed',
      /while it took params: TypeError: no such customer \(at apply \(https:.*index\.html:\d+/,
    ],
    ['throws-in-seek', 'TemplateCrashed', /at frame 20 of 64: RangeError: the odometer has no digits left/],
    ['networked', 'NetworkForbidden', /asks for https:\/\/cdn\.example\.com\/avatar\.png\. /],
    ['missing-file', 'TemplateInvalid', /asks for 'theme\.css', which is not in its folder/],
    ['font-missing', 'FontMissing', /Avenir Next 400, Avenir Next 700/],
    ['blank', 'OutputInvalid', /is blank/],
  ])('%s: %s', async (name, failureClass, message) => {
    const failure = await failureOf(render(renderer, await fixture(name)));
    expect(failure.failureClass).toBe(failureClass);
    expect(failure.message).toMatch(message);
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test('what a timeline throws is told, though the HyperFrames runtime that plays it goes on', async () => {
    await using broken = await gsapFixture('throws-in-timeline');
    const failure = await failureOf(render(renderer, broken.template));
    expect(failure).toMatchObject({
      failureClass: 'TemplateCrashed',
      message: expect.stringMatching(/at frame 20 of 64: RangeError: the odometer has no digits left/),
    });
  });

  test('a template that cannot be warmed keeps a renderer from starting, and leaves no browser', async () => {
    const before = browsers();
    const failure = await failureOf(startRenderer(await fixture('never-ready'), { paramsLimitMs: 500 }));
    expect(failure.failureClass).toBe('TemplateNotReady');
    expect(browsers()).toEqual(before);
  });
});

describe('a browser at fault is replaced', () => {
  test('one that is killed in the middle of a render costs that render', async () => {
    const victim = browsers();
    const failure = await failureOf(
      render(renderer, tiny, {
        onProgress: atFrame(10, () => killAll(victim)),
      }),
    );
    expect(failure.failureClass).toBe('BrowserCrashed');
    expect((await render(renderer, tiny)).sha256).toBe(expected);
    expect(browsers().some((pid) => victim.includes(pid))).toBe(false);
  });

  test('one whose page process is killed costs that render', async () => {
    const pages = processesWith('--type=renderer');
    expect(pages.length).toBeGreaterThan(0);
    const failure = await failureOf(
      render(renderer, tiny, {
        onProgress: atFrame(10, () => killAll(pages)),
      }),
    );
    expect(failure.failureClass).toBe('BrowserCrashed');
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test('one that is killed while nobody uses it is not noticed', async () => {
    const victim = browsers();
    killAll(victim);
    await until('a new browser', () => browsers().some((pid) => !victim.includes(pid)));
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test('one that stops answering is told as hung', async () => {
    const failure = await failureOf(render(renderer, await fixture('hangs')));
    expect(failure.failureClass).toBe('BrowserHung');
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });
});

describe('a render that is cancelled', () => {
  test('ends with Cancelled, kills its encoder, and the browser goes on', async () => {
    const controller = new AbortController();
    const failure = await failureOf(
      render(renderer, tiny, {
        signal: controller.signal,
        onProgress: atFrame(10, () => controller.abort()),
      }),
    );
    expect(failure.failureClass).toBe('Cancelled');
    expect(processesWith('libx264')).toEqual([]);
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test('before it has a browser does not take one', async () => {
    const failure = await failureOf(render(renderer, tiny, { signal: AbortSignal.abort() }));
    expect(failure.failureClass).toBe('Cancelled');
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });
});

describe('an encoder at fault', () => {
  test('that is killed costs that render', async () => {
    const failure = await failureOf(
      render(renderer, tiny, {
        onProgress: atFrame(10, () => killAll(processesWith('libx264'))),
      }),
    );
    expect(failure.failureClass).toBe('EncoderFailed');
    expect(failure.message).toMatch(/SIGKILL/);
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });
});

describe('a missing tool is named with what to install', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightreel-tools-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const script = async (name: string, body: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o755);
    return path;
  };

  test('an ffmpeg that is not there', async () => {
    const failure = await failureOf(startRenderer(tiny, { tools: { ...findTools(), ffmpeg: join(folder, 'none') } }));
    expect(failure.failureClass).toBe('ToolMissing');
    expect(failure.message).toMatch(/none does not start\. Install ffmpeg/);
  });

  test('an ffmpeg without libx264', async () => {
    const real = findTools().ffmpeg;
    const ffmpeg = await script(
      'ffmpeg',
      `case "$*" in *-c:v\\ libx264*) echo "Unknown encoder 'libx264'" >&2; exit 1;; esac\nexec ${real} "$@"`,
    );
    const failure = await failureOf(startRenderer(tiny, { tools: { ...findTools(), ffmpeg } }));
    expect(failure.failureClass).toBe('ToolMissing');
    expect(failure.message).toMatch(/built without libx264/);
  });

  test('a Chromium that does not start', async () => {
    const headlessShell = await script('chromium', 'echo no >&2; exit 127');
    const failure = await failureOf(startRenderer(tiny, { tools: { headlessShell, ffmpeg: findTools().ffmpeg } }));
    expect(failure.failureClass).toBe('ToolMissing');
    expect(failure.message).toMatch(/does not start/);
  });

  test('no Chromium at all', () => {
    const empty = join(folder, 'empty');
    expect(() => findTools({ PATH: empty })).toThrow(/No Chromium was found on PATH/);
    expect(() => findTools({ PATH: empty, NIGHTREEL_CHROMIUM: join(folder, 'gone') })).toThrow(
      /NIGHTREEL_CHROMIUM is .*gone, which is not a program/,
    );
  });
});
