/** Templates at the edge of what is allowed, and just beyond it. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Renderer } from '../../src/rendering/renderer.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { decodeFrame, failureOf, fixture, pixelAt, ROOT, render, startRenderer } from './support.ts';

let renderer: Renderer;
let tiny: Template;
let expected: string;
const folders: string[] = [];

beforeAll(async () => {
  tiny = await fixture('tiny');
  renderer = await startRenderer(tiny);
  expected = (await render(renderer, tiny)).sha256;
});
afterAll(async () => {
  await renderer?.[Symbol.asyncDispose]();
  for (const folder of folders) await rm(folder, { recursive: true });
});

/** The fixture `tiny` that says something else about itself. */
async function tinyWith(changes: Readonly<Record<string, unknown>>): Promise<Template> {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-extreme-'));
  folders.push(folder);
  await cp(join(ROOT, 'test/fixtures/templates/tiny'), folder, { recursive: true });
  const path = join(folder, 'template.json');
  const said = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...said, ...changes }));
  return await loadTemplate(folder);
}

describe('a template of', () => {
  test('one frame is a video of one frame', async () => {
    const single = await tinyWith({ fps: 25, durationMs: 40 });
    const progress: number[] = [];
    const video = await render(renderer, single, { onProgress: ({ frame }) => progress.push(frame) });
    expect(video).toMatchObject({ frameCount: 1, durationMs: 40, width: 854, height: 480 });
    expect(progress).toEqual([1]);
    expect((await decodeFrame(video.bytes, 0)).length).toBe(854 * 480 * 3);
  });

  test('60 frames per second has them all, each at its own time', async () => {
    const fast = await tinyWith({ fps: 60, durationMs: 500 });
    const video = await render(renderer, fast);
    expect(video).toMatchObject({ frameCount: 30, durationMs: 500 });
    // The box moves 130 of 320 pixels a second; its middle, at a height where nothing else is drawn.
    const middleOf = async (frame: number): Promise<number> => {
      const rgb = await decodeFrame(video.bytes, frame);
      const isBox = (x: number): boolean => (pixelAt(rgb, 854, x, 320)[0] ?? 0) > 180;
      const columns = Array.from({ length: 854 }, (_, x) => x).filter(isBox);
      return columns.reduce((sum, x) => sum + x, 0) / columns.length;
    };
    const scale = 480 / 180;
    for (const frame of [0, 15, 29]) {
      expect(Math.abs((await middleOf(frame)) - (30 + (frame / 60) * 130) * scale)).toBeLessThan(2 * scale);
    }
  });

  test('ten minutes is a video of ten minutes', async () => {
    const long = await tinyWith({ fps: 1, durationMs: 600_000 });
    expect(await render(renderer, long)).toMatchObject({ frameCount: 600, durationMs: 600_000 });
  }, 120_000);

  test('two pixels a side, the smallest there is, fills its frame', async () => {
    const small = await tinyWith({ width: 2, height: 2 });
    const html = `<!doctype html><style>body { margin: 0; background: #000 } i { position: absolute; width: 1px; height: 2px; background: #fff }</style>
      <i></i><script>
      window.addEventListener('message', () => window.dispatchEvent(new Event('hf-params-ready')));
      window.__hf = { duration: 2, seek() {} };
      </script>`;
    const page = {
      ...small,
      durationMs: 125,
      frameCount: 4,
      files: new Map([['index.html', Buffer.from(html)]]),
      digest: 'two',
    };
    const video = await render(renderer, page);
    expect(video).toMatchObject({ width: 480, height: 480, frameCount: 4 });
    const rgb = await decodeFrame(video.bytes, 3);
    for (const [x, level] of [
      [5, 255],
      [230, 255],
      [250, 0],
      [475, 0],
    ] as const) {
      for (const y of [2, 240, 477]) {
        for (const value of pixelAt(rgb, 480, x, y)) expect(Math.abs(value - level)).toBeLessThan(8);
      }
    }
  });

  test('one pixel is refused when it is read; forced through, it is blank, and the browser goes on', async () => {
    const failure = await failureOf(tinyWith({ width: 1, height: 1 }));
    expect(failure.failureClass).toBe('TemplateInvalid');
    expect(failure.message).toMatch(/template\.json: width: .*>=2; height: .*>=2\.$/);

    const forced: Template = { ...tiny, width: 1, height: 1, durationMs: 125, frameCount: 4 };
    expect((await failureOf(render(renderer, forced))).failureClass).toBe('OutputInvalid');
    expect((await render(renderer, tiny)).sha256).toBe(expected);
  });

  test.each([
    ['no time', { durationMs: 0 }, /durationMs: .*>=1/],
    ['part of a frame', { fps: 60, durationMs: 10 }, /durationMs 10 is not a whole number of frames at 60/],
    ['more frames a second than anybody shows', { fps: 121 }, /fps: .*<=120/],
  ])('%s is refused when it is read', async (_what, changes, message) => {
    const failure = await failureOf(tinyWith(changes));
    expect(failure.failureClass).toBe('TemplateInvalid');
    expect(failure.message).toMatch(message);
  });
});
