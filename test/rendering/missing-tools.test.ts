/** Programs that are not there, or do not do what they must: another capture route serves, or a sentence says what to install. */

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { ChromiumBrowser } from '../../src/rendering/browser/browser.ts';
import type { RendererOptions } from '../../src/rendering/renderer.ts';
import type { Template } from '../../src/templates/template.ts';
import { browserOptions } from './browser-support.ts';
import { descendantsOf, failureOf, fixture, keptLog, render, startRenderer, until } from './support.ts';

let tiny: Template;
let folder: string;

beforeAll(async () => {
  tiny = await fixture('tiny');
  folder = await mkdtemp(join(tmpdir(), 'nightreel-tools-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A program of this test's own. */
const script = async (name: string, body: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
};

const programs = (): string[] =>
  [...descendantsOf(process.pid).values()].filter((command) => /chrom|Xvfb|ffmpeg/.test(command));

describe('where a program is missing, the next capture route gives the same video', () => {
  const { headlessShell, chromium, xvfb, ffmpeg } = findTools();
  let expected: { sha256: string; engine: string };

  /** What a renderer with these tools makes, and what it says of the routes that it tried in vain. */
  async function made(tools: RendererOptions['tools']) {
    const log = keptLog();
    await using renderer = await startRenderer(tiny, { tools, log });
    const { sha256 } = await render(renderer, tiny);
    const { captureRoute: route, digest: engine } = renderer.fingerprint;
    const refused = log.lines.filter(({ message }) => message === 'this capture route does not work here').length;
    return { route, engine, sha256, refused };
  }

  beforeAll(async () => {
    const { route, refused, ...same } = await made(findTools());
    expect({ route, refused }).toEqual({ route: 'xvfb', refused: 0 });
    expected = same;
  });

  test('only chrome-headless-shell', async () => {
    expect(await made({ headlessShell, ffmpeg })).toEqual({ ...expected, route: 'begin-frame', refused: 0 });
  });

  test('no Chromium with a window, though there is a display', async () => {
    expect(await made({ headlessShell, xvfb, ffmpeg })).toEqual({ ...expected, route: 'begin-frame', refused: 0 });
  });

  test('only a Chromium, and no display', async () => {
    expect(await made({ chromium, ffmpeg })).toEqual({ ...expected, route: 'screenshot', refused: 0 });
  });

  test('a display that does not start', async () => {
    const broken = await script('Xvfb', 'echo "no screens found" >&2; exit 1');
    const tools = { headlessShell, chromium, xvfb: broken, ffmpeg };
    expect(await made(tools)).toEqual({ ...expected, route: 'begin-frame', refused: 1 });
  });

  test('a Chromium that ends at its start', async () => {
    const broken = await script('ends', 'echo no >&2; exit 127');
    const tools = { headlessShell, chromium: broken, xvfb, ffmpeg };
    expect(await made(tools)).toEqual({ ...expected, route: 'begin-frame', refused: 1 });
  });
});

describe('what cannot be done without is named with what to install, and nothing is left running', () => {
  const refusal = async (options: Partial<RendererOptions>): Promise<readonly [string, string]> => {
    const { failureClass, message } = await failureOf(startRenderer(tiny, options));
    expect(programs()).toEqual([]);
    return [failureClass, message];
  };

  test('an ffmpeg that is not there', async () => {
    const tools = { ...findTools(), ffmpeg: join(folder, 'none') };
    expect(await refusal({ tools })).toEqual([
      'ToolMissing',
      expect.stringMatching(/none does not start\. Install ffmpeg/),
    ]);
  });

  test('an ffmpeg without libx264', async () => {
    const real = findTools().ffmpeg;
    const ffmpeg = await script(
      'ffmpeg',
      `case "$*" in *-c:v\\ libx264*) echo "Unrecognized option 'x264-params'." >&2; exit 1;; esac\nexec ${real} "$@"`,
    );
    expect(await refusal({ tools: { ...findTools(), ffmpeg } })).toEqual([
      'ToolMissing',
      expect.stringMatching(/built without libx264/),
    ]);
  });

  test('an ffmpeg that is too old', async () => {
    const real = findTools().ffmpeg;
    const says = `echo "Unrecognized option 'fps_mode'." >&2; exit 1`;
    const ffmpeg = await script('old-ffmpeg', `case "$*" in *-fps_mode*) ${says};; esac\nexec ${real} "$@"`);
    expect(await refusal({ tools: { ...findTools(), ffmpeg } })).toEqual([
      'ToolMissing',
      expect.stringMatching(/does not know an option that is needed\. Install ffmpeg 5\.1 or later.*fps_mode/),
    ]);
  });

  test('a Chromium that does not start, and no other', async () => {
    const headlessShell = await script('chromium', 'echo no >&2; exit 127');
    expect(await refusal({ tools: { headlessShell, ffmpeg: findTools().ffmpeg } })).toEqual([
      'ToolMissing',
      expect.stringMatching(/does not start/),
    ]);
  });

  test.each([
    ['xvfb', 'chromium', /^Capture route 'xvfb' needs a Chromium and Xvfb .*apt-get install chromium xvfb/],
    ['xvfb', 'xvfb', /^Capture route 'xvfb' needs a Chromium and Xvfb/],
    ['begin-frame', 'headlessShell', /^Capture route 'begin-frame' needs chrome-headless-shell .*apt-get install/],
  ] as const)('route %s, asked for by name, without %s', async (capture, missing, message) => {
    const tools = { ...findTools(), [missing]: undefined };
    expect(await refusal({ tools, capture })).toEqual(['ToolMissing', expect.stringMatching(message)]);
  });

  test('no Chromium at all', async () => {
    const { ffmpeg, xvfb } = findTools();
    expect(await refusal({ tools: { ffmpeg, xvfb } })).toEqual([
      'ToolMissing',
      expect.stringMatching(/^Rendering needs a Chromium .*which was not found\.$/),
    ]);
    const empty = join(folder, 'empty');
    expect(() => findTools({ PATH: empty })).toThrow(/No Chromium was found on PATH/);
    expect(() => findTools({ PATH: empty, NIGHTREEL_CHROMIUM: join(folder, 'gone') })).toThrow(
      /NIGHTREEL_CHROMIUM is .*gone, which is not a program/,
    );
  });
});

test('a Chromium that starts and never says a word ends with whoever waits for it', async () => {
  const executable = await script('silent', 'exec sleep 600');
  const silent = () => [...descendantsOf(process.pid).values()].filter((command) => /^sleep.600/.test(command));
  const controller = new AbortController();
  const waiting = failureOf(ChromiumBrowser.launch(browserOptions({ executable }), controller.signal));
  await until('the program', () => silent().length === 1);
  controller.abort();
  expect((await waiting).failureClass).toBe('Cancelled');
  await until('its end', () => silent().length === 0);
});
