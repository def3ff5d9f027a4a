import { describe, expect, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { FfmpegProcess, runFfmpeg } from '../../src/rendering/encode/ffmpeg.ts';
import { FrameFeed } from '../../src/rendering/encode/frame-feed.ts';
import { encodeOptions, ladderOptions } from '../../src/rendering/encode/options.ts';

const { ffmpeg } = findTools();
const never = new AbortController().signal;
const SIZE = { width: 64, height: 36 };
const BYTES = SIZE.width * SIZE.height * 1.5;
const TRACK = { size: SIZE, quality: { qp: 10 } };

/** One level of grey a frame; where it is the one before, the picture stands still. */
async function encode(greys: readonly number[], fps: number, options = encodeOptions({ fps, ...TRACK }), tells = true) {
  let sentFrames = 0;
  await using process = FfmpegProcess.start({ ffmpeg, ...options }, never);
  const counted = {
    write: async (bytes: Uint8Array): Promise<void> => {
      if (bytes.byteLength === BYTES) sentFrames += 1;
      await process.write(bytes);
    },
  };
  const feed = new FrameFeed(counted, { size: SIZE, fps, frameCount: greys.length });
  for (const [index, grey] of greys.entries()) {
    const isRepeat = tells && index > 0 && grey === greys[index - 1];
    await feed.send({ data: new Uint8Array(BYTES).fill(grey), isRepeat });
  }
  return { mp4: await process.finish(), sentFrames };
}

/** The grey of every frame of a track. */
async function greysOf(mp4: Buffer, track = 0): Promise<number[]> {
  const output = ['-map', `0:v:${track}`, '-vsync', '0', '-vf', 'scale=64:36', '-pix_fmt', 'yuv420p', '-f', 'rawvideo'];
  const frames = await runFfmpeg({ ffmpeg, input: [], output }, mp4, never);
  return Array.from({ length: frames.byteLength / BYTES }, (_, frame) => frames[frame * BYTES + BYTES / 3] ?? 0);
}

/** Some of them stand still: for a frame, for a while, for long, at the beginning and at the end. */
const HELD = [40, 40, 60, 80, 80, ...Array<number>(14).fill(100), ...Array<number>(90).fill(120), 140, 160, 160, 160];

describe('a picture that stands still', () => {
  test.each([1, 7, 24, 25, 30, 50, 60, 120])('is shown as often as it was captured, at %i fps', async (fps) => {
    const { mp4, sentFrames } = await encode(HELD, fps);
    const shown = await greysOf(mp4);
    expect(shown).toHaveLength(HELD.length);
    for (const [index, grey] of HELD.entries()) expect(Math.abs((shown[index] ?? 0) - grey)).toBeLessThan(8);
    expect(sentFrames).toBeLessThan(20);
  });

  test('gives the very bytes that it gives when it is sent every time', async () => {
    const sparing = await encode(HELD, 30);
    const plain = await encode(HELD, 30, undefined, false);
    expect(plain.sentFrames).toBe(HELD.length);
    expect(sparing.mp4.equals(plain.mp4)).toBe(true);
  });

  test('is shown as often in every rendition of a ladder', async () => {
    const smaller = { size: { width: 32, height: 18 }, quality: { qp: 10 } };
    const { mp4 } = await encode(HELD, 30, ladderOptions({ fps: 30, tracks: [TRACK, smaller] }));
    for (const track of [0, 1]) {
      const shown = await greysOf(mp4, track);
      expect(shown).toHaveLength(HELD.length);
      for (const [index, grey] of HELD.entries()) expect(Math.abs((shown[index] ?? 0) - grey)).toBeLessThan(8);
    }
  });

  test.each([1, 2, 3, 300])('for all of %i frames', async (count) => {
    const { mp4 } = await encode(Array<number>(count).fill(90), 30);
    expect(await greysOf(mp4)).toHaveLength(count);
  });
});

test('ten minutes of frames keep their number, whatever their time is rounded to', async () => {
  const greys = Array.from({ length: 7 * 600 }, (_, index) => 40 + ((index >> 3) % 160));
  const { mp4 } = await encode(greys, 7);
  expect(await greysOf(mp4)).toHaveLength(greys.length);
}, 120_000);
