import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readClips } from '../../src/rendering/audio/clips.ts';
import { SAMPLE_RATE } from '../../src/rendering/audio/pcm.ts';
import type { Template } from '../../src/templates/template.ts';
import { failureOf, openedPage, withAudio } from './audio-support.ts';

let template: Template;
let opened: Awaited<ReturnType<typeof openedPage>>;
beforeAll(async () => {
  template = await withAudio();
  opened = await openedPage(template);
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

/** Clips of the root composition when it holds this. */
async function clipsIn(html: string) {
  await opened.evaluate(
    `document.querySelector('[data-composition-id]').innerHTML = ${JSON.stringify(`<div id="name"></div><div id="box"></div><audio id="jingle"></audio>${html}`)}`,
  );
  return await readClips(opened.devtools, template);
}
const seconds = (samples: number): number => samples / SAMPLE_RATE;
const bytesOfFile = (name: string): number | undefined => template.files.get(name)?.byteLength;

test('clips are those of the params that were applied last, placed by HyperFrames’ rules', async () => {
  const placed = async (params: Record<string, unknown>) => {
    await opened.apply({ name: 'Ada', ...params });
    const clips = await readClips(opened.devtools, template);
    return clips.map(({ source, start, limit }) => [source.bytes.byteLength, seconds(start), seconds(limit)]);
  };
  const [sweep, beep, chime, click] = ['sweep.m4a', 'beep.mp3', 'chime.opus', 'click.wav'].map(bytesOfFile);
  expect(await placed({ jingle: 'chime.opus', at: 0.25 })).toEqual([
    [sweep, 0, 1.5],
    [chime, 0.25, 0.4],
    // 'jingle + 0.1'; to the end of the video.
    [click, 0.75, 1.25],
    // In a composition that goes from 1.25 to 1.75.
    [click, 1.35, 0.4],
  ]);
  expect((await placed({ jingle: 'beep.mp3', at: 0.5 })).slice(1, 3)).toEqual([
    [beep, 0.5, 0.4],
    [click, 1, 1],
  ]);
});

describe('what is declared', () => {
  test('volume, group, fades, trim, speed and automation are taken over', async () => {
    const automation = JSON.stringify({
      version: 1,
      lanes: [
        {
          target: 'volume',
          points: [
            { t: 0, v: 1 },
            { t: 1, v: 0 },
          ],
        },
      ],
    });
    const [clip] = await clipsIn(
      `<hf-audio-group id="bus" data-volume="0.5"></hf-audio-group>
      <audio src="click.wav" data-start="0.5" data-duration="1" data-media-start="0.05" data-playback-rate="2" loop
        data-volume="0.8" data-fade-in="0.1" data-fade-out="0.2" data-audio-group="bus" data-automation='${automation}'></audio>`,
    );
    expect(clip).toMatchObject({
      start: 24_000,
      limit: 48_000,
      sourceStart: 2_400,
      rate: 2,
      loops: true,
      envelope: { volume: 0.8, groupVolume: 0.5, fadeInSeconds: 0.1, fadeOutSeconds: 0.2 },
    });
    expect(clip?.envelope.lane?.points).toHaveLength(2);
  });

  test('what is muted, hidden or without an address is not heard; a film is, unless it says no', async () => {
    const clips = await clipsIn(
      `<audio src="click.wav" data-start="0" muted></audio><audio data-start="0"></audio>
      <div data-hidden><audio src="click.wav" data-start="0"></audio></div>
      <hf-audio-group id="off" data-hidden></hf-audio-group><audio src="click.wav" data-start="0" data-audio-group="off"></audio>
      <video src="film.mp4" data-start="0" muted></video><video src="film.mp4" data-start="0" data-has-audio="false"></video>
      <video src="film.mp4" data-start="0.5"></video><video data-start="1" data-has-audio="true"><source src="film.mp4"></video>`,
    );
    expect(clips.map(({ start, claimsAudio }) => [seconds(start), claimsAudio])).toEqual([
      [0.5, false],
      [1, true],
    ]);
  });

  test('a data: URI is its own file', async () => {
    const bytes = template.files.get('click.wav') ?? new Uint8Array();
    const [inline, file] = await clipsIn(
      `<audio data-start="0" src="data:audio/wav;base64,${Buffer.from(bytes).toString('base64')}"></audio>
      <audio data-start="0" src="click.wav"></audio>`,
    );
    expect(inline?.source.digest).toBe(file?.source.digest);
  });

  test('a chain of references and one to a composition are followed', async () => {
    const clips = await clipsIn(
      `<audio id="a" src="click.wav" data-start="0.25" data-duration="0.25"></audio>
      <audio id="b" src="click.wav" data-start="a" data-duration="0.25"></audio>
      <audio src="click.wav" data-start="b - 0.125"></audio>
      <div id="scene" data-composition-id="scene" data-start="0.5" data-duration="0.5"></div>
      <audio src="click.wav" data-start="scene + 0.5"></audio>`,
    );
    expect(clips.map(({ start }) => seconds(start))).toEqual([0.25, 0.5, 0.625, 1.5]);
  });
});

test.each([
  ['src="gone.mp3" data-start="0"', 'TemplateInvalid', "its file is not in the template's folder"],
  ['src="https://example.com/a.mp3" data-start="0"', 'NetworkForbidden', 'takes sound from https://example.com'],
  ['src="blob:https://template.invalid/1" data-start="0"', 'TemplateInvalid', 'its address cannot be read'],
  ['src="data:audio/wav;base64,%%%" data-start="0"', 'TemplateInvalid', 'its data: URI cannot be decoded'],
  ['src="click.wav" data-start="2"', 'TemplateInvalid', 'it starts at 2 s, after the end of the video'],
  ['src="click.wav" data-start="-0.5"', 'TemplateInvalid', 'its data-start is negative'],
  ['src="click.wav" data-start="soon"', 'TemplateInvalid', 'its data-start names an element that does not exist'],
  ['src="click.wav" data-start="1 s"', 'TemplateInvalid', 'its data-start is neither a number'],
  ['src="click.wav" id="me" data-start="me + 1"', 'TemplateInvalid', 'its data-start depends on itself'],
  ['src="click.wav" data-start="open"', 'TemplateInvalid', 'names a clip without data-duration'],
  [
    'src="click.wav" data-start="0" data-duration="0"',
    'TemplateInvalid',
    'its data-duration is not a number of seconds above 0',
  ],
  [
    'src="click.wav" data-start="0" data-media-start="-1"',
    'TemplateInvalid',
    'its data-media-start is not a number of seconds',
  ],
  ['src="click.wav" data-start="0" data-volume="80"', 'TemplateInvalid', 'its volume is not a factor from 0 to 3.98'],
  [
    'src="click.wav" data-start="0" data-playback-rate="0"',
    'TemplateInvalid',
    'its data-playback-rate is not a number from 0.1 to 10',
  ],
  ['src="click.wav" data-start="0" data-fx-chain="[]"', 'TemplateInvalid', 'it has effects'],
  ['src="click.wav" data-start="0" data-automation="{"', 'TemplateInvalid', 'its data-automation cannot be read'],
  [
    `src="click.wav" data-start="0" data-automation='{"version":1,"lanes":[{"target":"rate","points":[{"t":0,"v":2}]}]}'`,
    'TemplateInvalid',
    'moves more than the volume',
  ],
])('<audio %s> is refused', async (attributes, failureClass, words) => {
  const failure = await failureOf(
    clipsIn(`<audio src="click.wav" data-start="0"></audio><audio id="open" src="click.wav" data-start="0"></audio>
      <audio ${attributes}></audio>`),
  );
  expect(failure).toMatchObject({ failureClass, message: expect.stringContaining(words) });
});

test('a failure names the clip by number and keeps its id and address apart', async () => {
  const failure = await failureOf(
    clipsIn('<audio src="click.wav" data-start="0"></audio><audio id="for-Ada" src="Ada.mp3" data-start="1"></audio>'),
  );
  expect(failure.message).toBe("Template 'with-audio', audio clip 2 of 2: its file is not in the template's folder.");
  expect(failure.detail).toContain('Ada.mp3');
});

test('a volume that a GSAP timeline moves is refused, as nobody could hear it', async () => {
  const gsap = createRequire(import.meta.url).resolve('gsap/dist/gsap.min.js');
  await opened.evaluate(`${await readFile(gsap, 'utf8')}; null`);
  const music = '<audio id="music" src="click.wav" data-start="0"></audio>';
  expect(await clipsIn(music)).toHaveLength(1);
  await opened.evaluate("gsap.timeline({ paused: true }).to('#music', { volume: 0, duration: 1 }); null");
  const failure = await failureOf(readClips(opened.devtools, template));
  expect(failure.message).toContain('a timeline animates its volume');
});
