/** Clips as x264 encodes them, joined: every frame where it belongs, the same bytes always. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asFailure, Failure } from '../../src/contracts/failures.ts';
import { lengthOf, type Pcm, SAMPLE_RATE } from '../../src/rendering/audio/pcm.ts';
import { encodeSoundtrack, type Soundtrack } from '../../src/rendering/audio/soundtrack.ts';
import { verifyAudio } from '../../src/rendering/audio/verify.ts';
import { ChromiumBrowser } from '../../src/rendering/browser/browser.ts';
import { FfmpegProcess } from '../../src/rendering/encode/ffmpeg.ts';
import { FrameFeed } from '../../src/rendering/encode/frame-feed.ts';
import { type LadderSettings, ladderOptions, patternOf } from '../../src/rendering/encode/options.ts';
import type { Size } from '../../src/rendering/geometry.ts';
import { assemble } from '../../src/rendering/mp4/assemble.ts';
import { type Clip, readClip } from '../../src/rendering/mp4/clip.ts';
import {
  assertSound,
  packScene,
  packSoundtrack,
  unpackScene,
  unpackSoundtrack,
} from '../../src/rendering/mp4/stored-scene.ts';
import { readContainer } from '../../src/rendering/verify/container.ts';
import { assertJoined } from '../../src/rendering/verify/joined.ts';
import { ffmpeg, runTool } from './audio-support.ts';
import { browserOptions, kinds, never } from './browser-support.ts';
import { failureOf } from './support.ts';

const FPS = 30;
const SIZE = { width: 320, height: 180 };
const LENGTHS = [1, 24, 72, 7, 40];
const TOTAL = LENGTHS.reduce((sum, length) => sum + length, 0);

/** A frame that says its number: eight columns, bright where its bit is set; and something that moves. */
function frameOf(index: number, { width, height }: Size): Uint8Array {
  const frame = new Uint8Array((width * height * 3) / 2).fill(128);
  for (let at = 0; at < width * height; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const isSet = ((index >> Math.floor((x * 8) / width)) & 1) === 1;
    frame[at] = y < height / 2 ? (isSet ? 210 : 40) : 60 + ((x * 3 + y * 2 + index * 5) % 120);
  }
  return frame;
}

interface Options {
  readonly size?: Size;
  readonly qp?: number;
  readonly fps?: number;
  readonly isJoinable?: boolean;
}

async function encoded(first: number, count: number, options: Options = {}): Promise<Clip> {
  const { size = SIZE, qp = 22, fps = FPS, isJoinable = true } = options;
  const settings = ladderOptions({ fps, tracks: [{ size, quality: { qp } }], isJoinable });
  await using process = FfmpegProcess.start({ ffmpeg, ...settings }, never);
  const feed = new FrameFeed(process, { size, fps, frameCount: count });
  for (let index = first; index < first + count; index += 1) {
    await feed.send({ data: frameOf(index, size), isRepeat: false });
  }
  return await readClip(await process.finish(), { fps });
}

/** Luma of every frame as it decodes, and what the decoder had to say. */
async function decoded(mp4: Uint8Array, { width, height }: Size = SIZE): Promise<Buffer[]> {
  const options = [
    '-v',
    'warning',
    '-xerror',
    '-i',
    'pipe:0',
    '-map',
    '0:v',
    '-f',
    'rawvideo',
    '-pix_fmt',
    'gray',
    '-',
  ];
  const all = await runTool('ffmpeg', options, mp4);
  const size = width * height;
  return Array.from({ length: all.byteLength / size }, (_, index) => all.subarray(index * size, (index + 1) * size));
}

/** The number that a frame says. */
const numberIn = (luma: Uint8Array, { width, height }: Size = SIZE): number => {
  let number = 0;
  for (let bit = 0; bit < 8; bit += 1) {
    const x = Math.floor(((bit + 0.5) * width) / 8);
    if ((luma[Math.floor(height / 4) * width + x] ?? 0) > 125) number |= 1 << bit;
  }
  return number;
};

/** Decibels of a decoded frame against the one that was encoded. */
function psnrOf(luma: Uint8Array, index: number): number {
  const original = frameOf(index, SIZE);
  let squares = 0;
  for (let at = 0; at < luma.byteLength; at += 1) squares += ((luma[at] ?? 0) - (original[at] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / luma.byteLength));
}

const starts = LENGTHS.map((_, index) => LENGTHS.slice(0, index).reduce((sum, length) => sum + length, 0));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A click of a hundredth of a second at the beginning of each clip. */
function clicks(): Pcm {
  const pcm = new Float32Array(Math.round((TOTAL / FPS) * SAMPLE_RATE) * 2) as Pcm;
  for (const start of starts) {
    const from = Math.round((start / FPS) * SAMPLE_RATE);
    for (let at = from; at < from + SAMPLE_RATE / 100; at += 1) {
      pcm[at * 2] = Math.sin(at / 4) * 0.8;
      pcm[at * 2 + 1] = Math.sin(at / 4) * 0.8;
    }
  }
  return pcm;
}

let clips: Clip[];
let soundtrack: Soundtrack;
let folder: string;

beforeAll(async () => {
  clips = [];
  for (const [index, length] of LENGTHS.entries()) clips.push(await encoded(starts[index] ?? 0, length));
  soundtrack = await encodeSoundtrack(clicks(), { ffmpeg }, never);
  folder = await mkdtemp(join(tmpdir(), 'nightreel-assemble-'));
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

describe('clips joined', () => {
  test('are one video with every frame where it belongs, and decode in silence', async () => {
    const mp4 = await assemble(clips, { audio: null });
    const durationMs = (TOTAL * 1000) / FPS;
    const stream = await readContainer(mp4, { ...SIZE, frameCount: TOTAL, durationMs });
    expect(stream.packets.filter(({ isKey }) => isKey).map(({ frame }) => frame)).toEqual(
      [...starts, 25 + 60].sort((a, b) => a - b),
    );
    const frames = await decoded(mp4);
    expect(frames.map((frame) => numberIn(frame))).toEqual(Array.from({ length: TOTAL }, (_, index) => index));
  });

  test('decode to exactly what each of them decodes to alone', async () => {
    const together = (await decoded(await assemble(clips, { audio: null }))).map(sha256);
    const apart: string[] = [];
    for (const clip of clips) apart.push(...(await decoded(await assemble([clip], { audio: null }))).map(sha256));
    expect(together).toEqual(apart);
  });

  test('look no worse at their joins than elsewhere, and take hardly more room than one run', async () => {
    const joined = await assemble(clips, { audio: null });
    const whole = await assemble([await encoded(0, TOTAL, { isJoinable: false })], { audio: null });
    const [ours, theirs] = [await decoded(joined), await decoded(whole)].map((frames) => frames.map(psnrOf));
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const atJoins = starts.slice(1).flatMap((start) => [ours?.[start - 1] ?? 0, ours?.[start] ?? 0]);
    expect(mean(atJoins)).toBeGreaterThan(mean(ours ?? []) - 0.5);
    expect(mean(ours ?? [])).toBeGreaterThan(mean(theirs ?? []) - 0.5);
    // Five clips of half a second and less are five keyframes where one run has three.
    expect(joined.byteLength).toBeLessThan(whole.byteLength * 1.25);
  });

  test('play with their sound at every join', async () => {
    const mp4 = await assemble(clips, { audio: soundtrack });
    await verifyAudio(mp4, soundtrack);
    assertJoined(mp4, { packets: [TOTAL, soundtrack.packets.length], durationMs: (TOTAL * 1000) / FPS });
    const options = ['-v', 'warning', '-xerror', '-i', 'pipe:0', '-map', '0:a', '-f', 'f32le', '-ac', '1', '-'];
    const bytes = await runTool('ffmpeg', options, mp4);
    const heard = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    expect(heard.length).toBeGreaterThanOrEqual(lengthOf(clicks()));
    for (const start of starts) {
      const at = Math.round((start / FPS) * SAMPLE_RATE);
      const before = Math.min(at, 1000);
      const onset = heard.subarray(at - before, at + 1024).findIndex((value) => Math.abs(value) > 0.3);
      // In a packet of sound or less: the encoder smears a click a little to the front.
      expect(onset).toBeGreaterThan(before - 300);
      expect(onset).toBeLessThan(before + 300);
    }
  });

  test('can be one frame alone', async () => {
    const [frame] = await decoded(await assemble([clips[0] as Clip], { audio: null }));
    expect(numberIn(frame ?? new Uint8Array())).toBe(0);
  });

  test('are the same bytes a thousand times, in several processes', async () => {
    const files = await Promise.all(
      clips.map(async (clip, index) => {
        const path = join(folder, `${index}.clip`);
        await writeFile(path, packScene({ clip, still: null }));
        return path;
      }),
    );
    const sound = join(folder, 'sound.clip');
    await writeFile(sound, packSoundtrack(soundtrack));
    const script = join(import.meta.dirname, 'assemble-again.ts');
    const runs = [1, 2, 3].map(async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [script, '334', sound, ...files]);
      return JSON.parse(stdout) as { times: number; digests: string[] };
    });
    const results = await Promise.all(runs);
    expect(results.reduce((sum, { times }) => sum + times, 0)).toBeGreaterThanOrEqual(1000);
    const here = sha256(await assemble(clips, { audio: soundtrack }));
    expect(new Set(results.flatMap(({ digests }) => digests))).toEqual(new Set([here]));
  }, 60_000);
});

describe('clips that one decoder could not play are refused', () => {
  test.each<[string, Options]>([
    ['of another size', { size: { width: 640, height: 360 } }],
    ['of another rate', { fps: 25 }],
    ['of another size with the same number of blocks', { size: { width: 180, height: 320 } }],
  ])('%s', async (_what, options) => {
    const other = await encoded(0, 10, options);
    const failure = await failureOf(assemble([clips[1] as Clip, other], { audio: null }));
    expect(failure.failureClass).toBe('AssemblyMismatch');
    expect(failure.message).toMatch(/^Clip 2 has /);
  });

  test('with other parameter sets, without a keyframe, with a frame too few, or none at all', async () => {
    const [, one] = clips as [Clip, Clip];
    const description = new Uint8Array(one.decoderConfig.description as Uint8Array);
    description[description.byteLength - 1] = (description.at(-1) ?? 0) ^ 1;
    const wrong: Clip[][] = [
      [one, { ...one, decoderConfig: { ...one.decoderConfig, description } }],
      [one, { ...one, packets: one.packets.slice(1), frameCount: one.frameCount - 1 }],
      [one, { ...one, packets: one.packets.slice(0, -1) }],
      [],
    ];
    for (const some of wrong) {
      expect((await failureOf(assemble(some, { audio: null }))).failureClass).toBe('AssemblyMismatch');
    }
  });
});

describe('a stored scene', () => {
  const still = { jpeg: Buffer.from('a picture'), score: 12.5 };

  test('comes back as it was packed, and packs to the same bytes', () => {
    const clip = clips[2] as Clip;
    const packed = packScene({ clip, still });
    assertSound(packed);
    const back = unpackScene(packed);
    expect(packScene(back)).toEqual(packed);
    expect(back.clip.packets.map(({ data }) => sha256(data))).toEqual(clip.packets.map(({ data }) => sha256(data)));
    expect(Buffer.from(back.still?.jpeg ?? []).toString()).toBe('a picture');
    expect(unpackScene(packScene({ clip, still: null })).still).toBeNull();
  });

  test('joins to the same file as what was never packed', async () => {
    const packed = clips.map((clip) => unpackScene(packScene({ clip, still: null })).clip);
    const sound = unpackSoundtrack(packSoundtrack(soundtrack));
    expect(sha256(await assemble(packed, { audio: sound }))).toBe(sha256(await assemble(clips, { audio: soundtrack })));
    expect(unpackSoundtrack(packSoundtrack(null))).toBeNull();
  });

  test('that is cut off, longer, or altered anywhere is SceneDamaged', () => {
    const packed = packScene({ clip: clips[3] as Clip, still });
    const isDamaged = (bytes: Uint8Array): boolean => {
      try {
        assertSound(bytes);
        return false;
      } catch (error) {
        return error instanceof Failure && error.failureClass === 'SceneDamaged';
      }
    };
    expect(isDamaged(packed)).toBe(false);
    fc.assert(fc.property(fc.nat(packed.byteLength - 1), (length) => isDamaged(packed.subarray(0, length))));
    fc.assert(
      fc.property(fc.nat(packed.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const altered = new Uint8Array(packed);
        altered[at] = (altered[at] ?? 0) ^ change;
        return isDamaged(altered);
      }),
    );
    expect(isDamaged(Buffer.concat([packed, packed]))).toBe(true);
  });

  test('is not taken for a soundtrack, nor a soundtrack for a scene', () => {
    const classOf = (work: () => unknown): string => {
      try {
        work();
        return 'none';
      } catch (error) {
        return asFailure(error).failureClass;
      }
    };
    expect(classOf(() => unpackSoundtrack(packScene({ clip: clips[0] as Clip, still: null })))).toBe('SceneDamaged');
    expect(classOf(() => unpackScene(packSoundtrack(soundtrack)))).toBe('SceneDamaged');
    expect(classOf(() => unpackScene(new Uint8Array(3)))).toBe('SceneDamaged');
  });
});

describe('a player in Chromium shows the right frame after every seek', () => {
  /** What it shows at the beginnings of frames, by the number in the picture. */
  async function shownBy(mp4: Uint8Array, frames: readonly number[]): Promise<unknown[]> {
    const { kind, executable } = kinds().find((one) => one.kind === 'full') ?? kinds()[0] ?? {};
    await using browser = await ChromiumBrowser.launch(browserOptions({ kind, executable }), never);
    const source = `data:video/mp4;base64,${Buffer.from(mp4).toString('base64')}`;
    const { width, height } = SIZE;
    await browser.devtools.evaluate(`(async () => {
      const video = Object.assign(document.createElement('video'), { muted: true, preload: 'auto' });
      const canvas = Object.assign(document.createElement('canvas'), { width: ${width}, height: ${height} });
      const pen = canvas.getContext('2d', { willReadFrequently: true });
      document.body.append(video);
      await new Promise((done, fail) => { video.oncanplay = done; video.onerror = () => fail(new Error(video.error.message)); video.src = ${JSON.stringify(source)}; });
      window.frameAt = async (seconds) => {
        await new Promise((done) => { video.onseeked = done; video.currentTime = seconds; });
        await new Promise((done) => { video.requestVideoFrameCallback(done); setTimeout(done, 300); });
        pen.drawImage(video, 0, 0, ${width}, ${height});
        let number = 0;
        for (let bit = 0; bit < 8; bit += 1) {
          const [level] = pen.getImageData(Math.floor((bit + 0.5) * ${width} / 8), ${height / 4}, 1, 1).data;
          if (level > 125) number |= 1 << bit;
        }
        return number;
      };
    })()`);
    const shown: unknown[] = [];
    // Soon after a frame's beginning, as players do: of a frame right before a keyframe Chromium shows the latter part as the
    // keyframe, in files that were never joined too.
    for (const frame of frames) shown.push(await browser.devtools.evaluate(`frameAt(${(frame + 0.25) / FPS})`));
    return shown;
  }

  test('of joined clips', async () => {
    // Each side of every join, then here and there.
    const joins = starts.slice(1).flatMap((start) => [start - 1, start]);
    const wanted = [...joins, TOTAL - 1, 0, 60, 59, 100, 3, 90, 45, 143, 12, 71, 25];
    expect(wanted.length).toBeGreaterThanOrEqual(20);
    expect(await shownBy(await assemble(clips, { audio: soundtrack }), wanted)).toEqual(wanted);
  }, 60_000);

  test('of pictures that stand still', async () => {
    const held = [5, 1, 1, 40, 1, 1, 1, 130, 2, 1, 30].flatMap((frames, index) =>
      Array<number>(frames).fill(index * 23 + 1),
    );
    const settings: LadderSettings = { fps: FPS, tracks: [{ size: SIZE, quality: { qp: 22 } }] };
    await using process = FfmpegProcess.start({ ffmpeg, ...ladderOptions(settings) }, never);
    const frameCount = held.length;
    const feed = new FrameFeed(process, { size: SIZE, fps: FPS, frameCount, pattern: patternOf(settings) });
    for (const [index, number] of held.entries()) {
      await feed.send({ data: frameOf(number, SIZE), isRepeat: number === held[index - 1] });
    }
    const sparse = { frameCount, isSent: (frame: number) => feed.isSent(frame) };
    const clip = await readClip(await process.finish(), { fps: FPS, sparse });
    const changes = held.flatMap((number, index) => (number === held[index - 1] ? [] : [index - 1, index]));
    const wanted = [...changes.slice(1), 20, 150, 61, 3, 170, 30, frameCount - 1, 119];
    expect(await shownBy(await assemble([clip], { audio: null }), wanted)).toEqual(wanted.map((frame) => held[frame]));
  }, 60_000);
});
