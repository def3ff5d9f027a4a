/** Scenes as the engine makes them: the same whatever was drawn before, and joined as if they had never been apart. */

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RENDITIONS } from '../../src/contracts/video.ts';
import { partsOf } from '../../src/planning/scene-key.ts';
import { type JoinedVideo, joinScenes } from '../../src/rendering/join.ts';
import { packScene, packSoundtrack } from '../../src/rendering/mp4/stored-scene.ts';
import type { RenderedScene, Renderer } from '../../src/rendering/renderer.ts';
import type { Template } from '../../src/templates/template.ts';
import { runTool, withAudio } from './audio-support.ts';
import { never } from './browser-support.ts';
import { failureOf, fixture, render, startRenderer } from './support.ts';

const rendition = RENDITIONS['email-480p'];
const SCENES = [
  { id: 'one', start: 0, end: 1, params: [] },
  { id: 'middle', start: 1, end: 40, params: ['name'] },
  { id: 'end', start: 40, end: 64, params: ['colour'] },
];

let tiny: Template;
let renderer: Renderer;
beforeAll(async () => {
  tiny = { ...(await fixture('tiny')), scenes: SCENES };
  renderer = await startRenderer(tiny);
});
afterAll(() => renderer?.[Symbol.asyncDispose]());

async function scenesOf(template: Template, params = template.example, by = renderer): Promise<RenderedScene[]> {
  const scenes: RenderedScene[] = [];
  for (const part of partsOf({ engineDigest: 'e', template, rendition: rendition.id }, params)) {
    const { scene } = part;
    if (scene === null) continue;
    scenes.push(await by.renderScene({ template, params: part.params, rendition, scene }, { signal: never }));
  }
  return scenes;
}

async function joined(template: Template, params = template.example): Promise<JoinedVideo> {
  const soundtrack = await renderer.renderSoundtrack({ template, params }, { signal: never });
  return await joinScenes({ template, rendition, scenes: await scenesOf(template, params), soundtrack });
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const digestsOf = (scenes: readonly RenderedScene[]): string[] => scenes.map((scene) => digestOf(packScene(scene)));

/** Every frame as it decodes, luma only. */
async function lumaOf(mp4: Uint8Array, { width, height }: { width: number; height: number }): Promise<Buffer[]> {
  const options = ['-v', 'error', '-xerror', '-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'];
  const all = await runTool('ffmpeg', options, mp4);
  const size = width * height;
  return Array.from({ length: all.byteLength / size }, (_, index) => all.subarray(index * size, (index + 1) * size));
}

describe('a scene', () => {
  test('has the same bytes after other people and other scenes, and from another renderer', async () => {
    const first = digestsOf(await scenesOf(tiny));
    await render(renderer, tiny, { params: { name: 'Somebody else', colour: '#ff0000' } });
    await scenesOf(tiny, { name: 'Grace' });
    expect(digestsOf(await scenesOf(tiny))).toEqual(first);
    await using other = await startRenderer(tiny, { slots: 2 });
    expect(digestsOf(await scenesOf(tiny, tiny.example, other))).toEqual(first);
  }, 60_000);

  test('differs with its own params only', async () => {
    const [one, middle, end] = digestsOf(await scenesOf(tiny, { name: 'Ada', colour: '#3366cc' }));
    const other = digestsOf(await scenesOf(tiny, { name: 'Ada', colour: '#00cc66' }));
    expect([one === other[0], middle === other[1], end === other[2]]).toEqual([true, true, false]);
  });

  test('that fails is told as a render is', async () => {
    const template = await fixture('throws-in-seek');
    const scene = { start: 0, end: template.frameCount };
    const failing = renderer.renderScene({ template, params: template.example, rendition, scene }, { signal: never });
    expect((await failureOf(failing)).failureClass).toBe('TemplateCrashed');
    const signal = AbortSignal.abort();
    const cancelled = renderer.renderScene({ template: tiny, params: tiny.example, rendition, scene }, { signal });
    expect((await failureOf(cancelled)).failureClass).toBe('Cancelled');
  });
});

describe('a joined video', () => {
  test('has the length, the size and the pictures of a whole one', async () => {
    // Declared as it is: name and colour are seen everywhere.
    const scenes = SCENES.map((scene) => ({ ...scene, params: ['name', 'colour'] }));
    const template = { ...tiny, scenes };
    const [video, whole] = [await joined(template), await render(renderer, template)];
    expect(video).toMatchObject({ width: whole.width, height: whole.height, durationMs: whole.durationMs });
    const [ours, theirs] = await Promise.all([video.bytes, whole.bytes].map((bytes) => lumaOf(bytes, whole)));
    expect([ours?.length, theirs?.length]).toEqual([64, 64]);
    for (const [index, frame] of (ours ?? []).entries()) {
      const other = theirs?.[index];
      let difference = 0;
      for (let at = 0; at < frame.byteLength; at += 1) difference += Math.abs((frame[at] ?? 0) - (other?.[at] ?? 0));
      // Levels, on average: what the encoder leaves. The box moves by 4 pixels a frame, which is more than that.
      expect([index, difference / frame.byteLength < 0.5]).toEqual([index, true]);
    }
  }, 60_000);

  test('shows the placeholder where a scene does not declare what it shows: never anybody', async () => {
    const declared = await scenesOf(tiny, { name: 'Ada Lovelace', colour: '#00cc66' });
    const nobody = await scenesOf(tiny, { ...tiny.placeholder });
    // The first frame shows name and colour and declares neither.
    expect(digestsOf(declared)[0]).toBe(digestsOf(nobody)[0]);
  });

  test('has the poster of the frame that its author named, whichever scene that is in', async () => {
    const [first, , last] = await scenesOf({ ...tiny, posterFrame: 50 });
    expect([first?.still, last?.still === null]).toEqual([null, false]);
    const scenes = SCENES.map((scene) => ({ ...scene, params: ['name', 'colour'] }));
    const template = { ...tiny, scenes, posterFrame: 50 };
    expect(digestOf((await joined(template)).poster)).toBe(digestOf((await render(renderer, template)).poster));
  });

  test('is refused when a scene is missing, too short or of another rendition', async () => {
    const scenes = await scenesOf(tiny);
    const join = (some: readonly RenderedScene[]) =>
      failureOf(joinScenes({ template: tiny, rendition, scenes: some, soundtrack: null }));
    const [one, middle, end] = scenes as [RenderedScene, RenderedScene, RenderedScene];
    const request = { template: tiny, params: tiny.example, scene: { start: 40, end: 64 } };
    const large = await renderer.renderScene({ ...request, rendition: RENDITIONS['phone-720p'] }, { signal: never });
    for (const wrong of [[], [one, middle], [middle, one, end], [one, middle, large]]) {
      expect((await join(wrong)).failureClass).toBe('AssemblyMismatch');
    }
  });
});

test('a soundtrack is made once, of the whole, and stored as nothing where there is none', async () => {
  const silent = await renderer.renderSoundtrack({ template: tiny, params: tiny.example }, { signal: never });
  expect(silent).toBeNull();
  const template = { ...(await withAudio()), scenes: [] };
  const [one, two] = [
    await renderer.renderSoundtrack({ template, params: template.example }, { signal: never }),
    await renderer.renderSoundtrack({ template, params: template.example }, { signal: never }),
  ];
  expect(one).not.toBeNull();
  expect(digestOf(packSoundtrack(one))).toBe(digestOf(packSoundtrack(two)));
});
