import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { FfmpegProcess } from '../../src/rendering/encode/ffmpeg.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import type { Template } from '../../src/templates/template.ts';
import { signalAll } from '../support/signals.ts';
import {
  browsersOf,
  descendantsOf,
  failureOf,
  fixture,
  gsapFixture,
  isAlive,
  render,
  startRenderer,
  tinyThat,
  until,
} from './support.ts';

let tiny: Template;
let renderer: Renderer;
let expected: string;

beforeAll(async () => {
  tiny = await fixture('tiny');
  renderer = await startRenderer(tiny, { paramsLimitMs: 1_000, callLimitMs: 3_000, encoderLimitMs: 3_000 });
  expected = (await render(renderer, tiny)).sha256;
});
afterAll(() => renderer?.[Symbol.asyncDispose]());

const processesWith = (text: string): number[] =>
  [...descendantsOf(process.pid)].filter(([, command]) => command.includes(text)).map(([pid]) => pid);
const browsers = (): number[] => browsersOf(process.pid);
const atFrame =
  (wanted: number, act: () => void) =>
  ({ frame }: { readonly frame: number }): void => {
    if (frame === wanted) act();
  };

describe('a template at fault is told as such, and the browser goes on', () => {
  test.each([
    [
      'never-ready',
      'TemplateNotReady',
      /within 1000 ms of getting params: missing the event 'hf-params-ready'\.$/,
      undefined,
    ],
    [
      'throws-on-params',
      'TemplateCrashed',
      /^Template 'throws-on-params' threw TypeError while it took params, at apply \(index\.html:17:\d+\)\.$/,
      'TypeError: no such customer',
    ],
    [
      'throws-in-seek',
      'TemplateCrashed',
      /^Template 'throws-in-seek' threw RangeError at frame 20 of 64, at seek \(index\.html:26:\d+\)\.$/,
      'RangeError: the odometer has no digits left',
    ],
    [
      'networked',
      'NetworkForbidden',
      /asks for something at https:\/\/cdn\.example\.com\. Put it/,
      'https://cdn.example.com/avatar.png',
    ],
    ['missing-file', 'TemplateInvalid', /asks for a file that is not in its folder\.$/, 'theme.css'],
    ['font-missing', 'FontMissing', /Avenir Next 400, Avenir Next 700/, undefined],
    ['blank', 'OutputInvalid', /is blank/, undefined],
  ])('%s: %s', async (name, failureClass, message, detail) => {
    const failure = await failureOf(render(renderer, await fixture(name)));
    expect(failure.failureClass).toBe(failureClass);
    expect(failure.message).toMatch(message);
    expect(failure.detail).toBe(detail);
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test('what a timeline throws is told, though the HyperFrames runtime that plays it goes on', async () => {
    await using broken = await gsapFixture('throws-in-timeline');
    const failure = await failureOf(render(renderer, broken.template));
    expect(failure).toMatchObject({
      failureClass: 'TemplateCrashed',
      message: expect.stringMatching(/threw RangeError at frame 20 of 64, at .*\(index\.html:\d+:\d+\)\.$/),
      detail: 'RangeError: the odometer has no digits left',
    });
  });

  describe('in words that hold nothing of a recipient, however the page puts it; those are in the detail', () => {
    const params = { name: 'María 98765' };
    test.each([
      [
        'an error in capitals',
        'throw new RangeError("no scene for " + params.name.toUpperCase());',
        /threw RangeError while it took params, at apply \(index\.html:\d+:\d+\)\.$/,
        /^RangeError: no scene for MARÍA 98765$/,
      ],
      [
        'a thrown string',
        'throw params.name;',
        /threw Error while it took params, at index\.html:\d+:\d+\.$/,
        /^María 98765$/,
      ],
      [
        'a stack of its own making',
        'const error = new Error("x"); error.stack = "Error: x\\n    at " + params.name + " (https://template.invalid/index.html:1:2)"; throw error;',
        /threw Error while it took params, at index\.html:1:2\.$/,
        /^Error: x$/,
      ],
      [
        'a function named after them',
        'const scenes = { [params.name]: () => { throw new TypeError("x"); } }; scenes[params.name]();',
        /threw TypeError while it took params, at index\.html:\d+:\d+\.$/,
        /^TypeError: x$/,
      ],
      [
        'a script named after them',
        '(0, eval)("throw new Error(\'x\')\\n//# sourceURL=https://template.invalid/" + encodeURIComponent(params.name));',
        /threw Error while it took params, at apply \(index\.html:\d+:\d+\)\.$/,
        /^Error: x$/,
      ],
      [
        'a promise nobody waits for',
        'Promise.reject(new RangeError(params.name));',
        /threw RangeError (while it took params|at frame 0 of 64), at apply/,
        /^RangeError: María 98765$/,
      ],
      [
        'an address outside',
        'fetch("https://cdn.example.com/photos/" + params.name + ".png?who=" + params.name).catch(() => undefined);',
        /asks for something at https:\/\/cdn\.example\.com\. /,
        /^https:\/\/cdn\.example\.com\/photos\/Mar%C3%ADa%2098765\.png$/,
      ],
      [
        'a file that is not there',
        'fetch("photos/" + params.name + ".png").catch(() => undefined);',
        /asks for a file that is not in its folder\.$/,
        /^photos\/María 98765\.png$/,
      ],
      [
        'a file with a name that does not decode',
        'fetch("100%.png").catch(() => undefined);',
        /asks for a file that is not in its folder\.$/,
        /^100%\.png$/,
      ],
      [
        'an image that cannot be shown',
        'const image = new Image(); image.src = "data:image/png," + params.name; document.body.append(image);',
        /within 1000 ms of getting params: missing 1 image\.$/,
        /^image data:image\/png,María 98765$/,
      ],
    ])('%s', async (_what, onParams, message, detail) => {
      await using faulty = await tinyThat(onParams);
      const failure = await failureOf(render(renderer, faulty.template, { params }));
      expect(failure.message).toMatch(message);
      expect(failure.message).not.toMatch(/mar|98765/i);
      expect(failure.detail).toMatch(detail);
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
    expect(victim).toHaveLength(1);
    const failure = await failureOf(
      render(renderer, tiny, {
        onProgress: atFrame(10, () => signalAll(victim)),
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
        onProgress: atFrame(10, () => signalAll(pages)),
      }),
    );
    expect(failure.failureClass).toBe('BrowserCrashed');
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test('one that is killed while nobody uses it is not noticed', async () => {
    const victim = browsers();
    signalAll(victim);
    await until('a new browser', () => browsers().some((pid) => !victim.includes(pid)));
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test('one whose display stands still is told as hung, and both are gone afterwards', async () => {
    // The display of the browser before may still be ending.
    await until('one display', () => processesWith('Xvfb').length === 1);
    const displays = processesWith('Xvfb');
    const victims = [...displays, ...browsers()];
    const failure = await failureOf(
      render(renderer, tiny, { onProgress: atFrame(10, () => signalAll(displays, 'SIGSTOP')) }),
    );
    expect(failure.failureClass).toBe('BrowserHung');
    expect((await render(renderer, tiny)).sha256).toBe(expected);
    await until('the end of both', () => !victims.some(isAlive));
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
        onProgress: atFrame(10, () => signalAll(processesWith('libx264'))),
      }),
    );
    expect(failure.failureClass).toBe('EncoderFailed');
    expect(failure.message).toMatch(/SIGKILL/);
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test('that stands still at the end of a render is killed', async () => {
    let stopped: number[] = [];
    const stop = (): void => {
      stopped = processesWith('libx264');
      signalAll(stopped, 'SIGSTOP');
    };
    const failure = await failureOf(render(renderer, tiny, { onProgress: atFrame(10, stop) }));
    expect(failure.failureClass).toBe('EncoderFailed');
    expect(failure.message).toMatch(/made no headway for 3000 ms and was killed/);
    expect(stopped).toHaveLength(1);
    expect(stopped.filter(isAlive)).toEqual([]);
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test('that stops taking frames is killed', async () => {
    const { ffmpeg: path } = findTools();
    const input = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', '1024x1024', '-r', '1'];
    await using ffmpeg = FfmpegProcess.start(
      { ffmpeg: path, limitMs: 3000, input, output: ['-c:v', 'rawvideo', '-f', 'rawvideo'] },
      new AbortController().signal,
    );
    await ffmpeg.write(Buffer.alloc(1024 * 1024));
    await until('an ffmpeg', () => processesWith('1024x1024').length === 1);
    const stopped = processesWith('1024x1024');
    signalAll(stopped, 'SIGSTOP');
    const feed = async (): Promise<void> => {
      for (let frame = 0; frame < 8; frame++) await ffmpeg.write(Buffer.alloc(1024 * 1024));
    };
    const failure = await failureOf(feed());
    expect(failure.failureClass).toBe('EncoderFailed');
    expect(failure.message).toMatch(/made no headway for 3000 ms/);
    expect(stopped.filter(isAlive)).toEqual([]);
  });
});
