/** Frames that stand still on their way through the encoder: not sent, and there in the video all the same. */

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findTools } from '../../src/config/tools.ts';
import { FfmpegProcess, runFfmpeg } from '../../src/rendering/encode/ffmpeg.ts';
import { FrameFeed } from '../../src/rendering/encode/frame-feed.ts';
import { type LadderSettings, ladderOptions, patternOf } from '../../src/rendering/encode/options.ts';
import type { Size } from '../../src/rendering/geometry.ts';
import { assemble } from '../../src/rendering/mp4/assemble.ts';
import { type Clip, readClip } from '../../src/rendering/mp4/clip.ts';
import { remux } from './support.ts';

const { ffmpeg } = findTools();
const never = new AbortController().signal;
const SIZE = { width: 64, height: 36 };
const bytesOf = ({ width, height }: Size): number => width * height * 1.5;
const TRACK = { size: SIZE, quality: { qp: 10 } };

interface Options extends Partial<Omit<LadderSettings, 'fps'>> {
  readonly fps?: number;
  readonly size?: Size;
  /** Whether it is told which frames stand still. */
  readonly tells?: boolean;
}

/** What the encoder makes. One level of grey a frame; where it is the one before, the picture stands still. */
async function encoded(greys: readonly number[], options: Options = {}) {
  const { fps = 30, size = SIZE, tells = true, ...others } = options;
  const settings: LadderSettings = { fps, tracks: [{ ...TRACK, size }], ...others };
  let sentFrames = 0;
  await using process = FfmpegProcess.start({ ffmpeg, ...ladderOptions(settings) }, never);
  const counted = {
    write: async (bytes: Uint8Array): Promise<void> => {
      if (bytes.byteLength === bytesOf(size)) sentFrames += 1;
      await process.write(bytes);
    },
  };
  const [frameCount, pattern] = [greys.length, patternOf(settings)];
  const feed = new FrameFeed(counted, { size, fps, frameCount, pattern });
  for (const [index, grey] of greys.entries()) {
    const isRepeat = tells && index > 0 && grey === greys[index - 1];
    await feed.send({ data: pictureOf(grey, size), isRepeat });
  }
  const stream = await process.finish();
  const sparse = pattern === null ? null : { frameCount, isSent: (frame: number) => feed.isSent(frame) };
  return { stream, sentFrames, sparse };
}

/** Grey above, and something below that no prediction gets for nothing. */
function pictureOf(grey: number, size: Size): Uint8Array {
  const picture = new Uint8Array(bytesOf(size)).fill(128);
  const luma = size.width * size.height;
  picture.fill(grey, 0, luma);
  for (let at = luma >> 1; at < luma; at++) picture[at] = 40 + ((at * 7 + grey * (at % 5)) % 150);
  return picture;
}

/** Frames of a video as they are shown. Fails when a decoder finds fault with any of it. */
async function decoded(mp4: Uint8Array, size: Size = SIZE): Promise<Buffer[]> {
  const input = ['-err_detect', 'explode', '-xerror'];
  const output = ['-map', '0:v', '-fps_mode', 'passthrough', '-pix_fmt', 'yuv420p', '-f', 'rawvideo'];
  const all = await runFfmpeg({ ffmpeg, input, output }, mp4, never);
  expect(all.byteLength % bytesOf(size)).toBe(0);
  const count = all.byteLength / bytesOf(size);
  return Array.from({ length: count }, (_, frame) => all.subarray(frame * bytesOf(size), (frame + 1) * bytesOf(size)));
}

/** Every frame is there, shows what it is to show, and looks exactly as the one before where it stands still after the first few. */
function expectShown(frames: readonly Buffer[], greys: readonly number[], fps = 30, isPutIn = true): void {
  const shown = frames.map((frame) => frame[0] ?? 0);
  expect(shown).toHaveLength(greys.length);
  const wrong = greys.flatMap((grey, frame) => (Math.abs((shown[frame] ?? 0) - grey) > 8 ? [{ frame, grey }] : []));
  expect(wrong).toEqual([]);
  let stands = 0;
  for (const [frame, grey] of greys.entries()) {
    stands = grey === greys[frame - 1] ? stands + 1 : 0;
    // A keyframe is a picture of its own, whatever stands still.
    if (!isPutIn || stands <= 6 || frame % (2 * fps) === 0) continue;
    expect(frames[frame]?.equals(frames[frame - 1] ?? Buffer.alloc(0))).toBe(true);
  }
}

const times = (count: number, grey: number): number[] => Array<number>(count).fill(grey);
/** Some of them stand still: for a frame, for a while, for long, at the beginning and at the end. */
const HELD = [40, 40, 60, 80, 80, ...times(14, 100), ...times(90, 120), 140, 160, 160, 160];

describe('a picture that stands still', () => {
  test.each([1, 7, 24, 25, 30, 50, 60, 120])('is shown as often as it was captured, at %i fps', async (fps) => {
    const { stream, sentFrames, sparse } = await encoded(HELD, { fps });
    expectShown(await decoded(await remux(stream, { fps, sparse })), HELD, fps);
    expect(sentFrames).toBeLessThan(fps === 1 ? 80 : 50);
  });

  const runs = fc.array(
    fc.record({ grey: fc.integer({ min: 20, max: 230 }), frames: fc.integer({ min: 1, max: 70 }) }),
    {
      minLength: 1,
      maxLength: 9,
    },
  );

  test('wherever, and for however long', async () => {
    await fc.assert(
      fc.asyncProperty(runs, fc.boolean(), fc.boolean(), async (held, isJoinable, isBounded) => {
        const greys = held.flatMap(({ grey, frames }) => times(frames, grey));
        const quality = isBounded ? { qp: 10, maxKbps: 2_000 } : { qp: 10 };
        const { stream, sparse } = await encoded(greys, { isJoinable, tracks: [{ size: SIZE, quality }] });
        expectShown(await decoded(await remux(stream, { fps: 30, sparse })), greys, 30, !isBounded);
      }),
      { numRuns: 40, seed: 7 },
    );
  }, 120_000);

  test.each([
    { width: 2, height: 2 },
    { width: 854, height: 480 },
    { width: 1080, height: 1920 },
    { width: 3840, height: 2160 },
  ])('in $width x $height', async (size) => {
    const greys = [50, ...times(9, 70), 90, 110, ...times(12, 130)];
    const { stream, sparse } = await encoded(greys, { size });
    expectShown(await decoded(await remux(stream, { fps: 30, sparse }), size), greys);
  });

  test('is shown as often in every rendition of a ladder', async () => {
    const smaller = { size: { width: 32, height: 18 }, quality: { qp: 10 } };
    const { stream, sparse } = await encoded(HELD, { tracks: [TRACK, smaller] });
    for (const [track, { size }] of [TRACK, smaller].entries()) {
      const mp4 = await remux(stream, { fps: 30, track, sparse });
      expectShown(await decoded(mp4, size), HELD);
    }
  });

  test.each([1, 2, 3, 59, 60, 61, 300])('for all of %i frames', async (count) => {
    const greys = times(count, 90);
    const { stream, sentFrames, sparse } = await encoded(greys);
    const clip = await readClip(stream, { fps: 30, sparse });
    expectShown(await decoded(await assemble([clip], { audio: null })), greys);
    expect(sentFrames).toBe(Math.ceil(count / 60));
    expect(clip.packets.flatMap(({ isKey, frame }) => (isKey ? [frame] : []))).toEqual(
      Array.from({ length: sentFrames }, (_, at) => at * 60),
    );
  });

  test('takes next to no bytes, and keyframes stay where they were', async () => {
    const clipOf = async (tells: boolean): Promise<Clip> => {
      const { stream, sparse } = await encoded(HELD, { tells });
      return await readClip(stream, { fps: 30, sparse });
    };
    const [sparing, plain] = [await clipOf(true), await clipOf(false)];
    const keysOf = ({ packets }: Clip): number[] => packets.flatMap(({ isKey, frame }) => (isKey ? [frame] : []));
    expect(keysOf(sparing)).toEqual(keysOf(plain));
    const held = sparing.packets.filter(({ frame }) => frame > 30 && frame < 60);
    expect(held).toHaveLength(29);
    for (const { data } of held) expect(data.byteLength).toBeLessThan(24);
  });

  test('may be the end of one clip and the beginning of the next', async () => {
    const scenes = [
      [40, 60, 80, ...times(20, 100)],
      [...times(70, 100), 120],
      [140, 160],
    ];
    const clips = await Promise.all(
      scenes.map(async (greys) => {
        const { stream, sparse } = await encoded(greys, { isJoinable: true });
        return await readClip(stream, { fps: 30, sparse });
      }),
    );
    const shown = await decoded(await assemble(clips, { audio: null }));
    expect(shown).toHaveLength(scenes.flat().length);
    for (const greys of scenes) expectShown(shown.splice(0, greys.length), greys);
  });
});

test('a video in which nothing stands still has the pictures that the encoder made', async () => {
  const greys = Array.from({ length: 150 }, (_, index) => 30 + ((index * 13) % 200));
  const { stream, sentFrames, sparse } = await encoded(greys);
  expect(sentFrames).toBe(greys.length);
  const [numbered, plain] = await Promise.all([
    remux(stream, { fps: 30, sparse }).then((mp4) => decoded(mp4)),
    remux(stream, { fps: 30 }).then((mp4) => decoded(mp4)),
  ]);
  expect(Buffer.concat(numbered).equals(Buffer.concat(plain))).toBe(true);
});

test('one that stands still within a maximum bitrate is as good at the end as it is at the beginning', async () => {
  // A page of small print takes some 13 KiB as a keyframe: half of what may be used in two seconds.
  const size = { width: 320, height: 180 };
  const picture = new Uint8Array(bytesOf(size)).fill(128);
  for (let at = 0; at < size.width * size.height; at++) picture[at] = (at * at * 31) % 7 < 3 ? 40 : 200;
  const settings: LadderSettings = { fps: 30, tracks: [{ size, quality: { qp: 18, maxKbps: 900 } }] };
  const [frameCount, pattern] = [600, patternOf(settings)];
  await using process = FfmpegProcess.start({ ffmpeg, ...ladderOptions(settings) }, never);
  const feed = new FrameFeed(process, { size, fps: 30, frameCount, pattern });
  for (let index = 0; index < frameCount; index++) await feed.send({ data: picture, isRepeat: index > 0 });
  const shown = await decoded(await remux(await process.finish(), { fps: 30 }), size);
  expect(shown).toHaveLength(frameCount);
  const errorOf = (frame: Buffer = Buffer.alloc(0)): number =>
    picture.reduce((sum, sample, at) => sum + (sample - (frame[at] ?? 0)) ** 2, 0) / picture.length;
  expect(errorOf(shown.at(-1))).toBeLessThan(2 * errorOf(shown[30]) + 4);
});

test('an encoder of which nobody knows how it codes gets a picture that stands still once in a while', async () => {
  let sentFrames = 0;
  const counting = {
    write: async (bytes: Uint8Array): Promise<void> => {
      if (bytes.byteLength === bytesOf(SIZE)) sentFrames += 1;
    },
  };
  const feed = new FrameFeed(counting, { size: SIZE, fps: 30, frameCount: 100, pattern: null });
  for (let index = 0; index < 100; index++) await feed.send({ data: pictureOf(90, SIZE), isRepeat: index > 0 });
  expect(sentFrames).toBe(8);
  const settings: LadderSettings = { fps: 30, tracks: [TRACK], encoder: 'nvenc' };
  expect(patternOf(settings)).toBeNull();
  const { output } = ladderOptions(settings);
  expect(output.join(' ')).toContain('-vf fps=30');
});

test('ten minutes of frames keep their number, whatever their time is rounded to', async () => {
  const greys = Array.from({ length: 7 * 600 }, (_, index) => 40 + ((index >> 3) % 160));
  const { stream, sparse } = await encoded(greys, { fps: 7 });
  expectShown(await decoded(await remux(stream, { fps: 7, sparse })), greys, 7);
}, 120_000);
