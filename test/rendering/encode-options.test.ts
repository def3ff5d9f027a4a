import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { BufferSource, EncodedPacketSink, Input, MP4 } from 'mediabunny';
import { findTools } from '../../src/config/tools.ts';
import { FfmpegProcess, runFfmpeg } from '../../src/rendering/encode/ffmpeg.ts';
import { FrameFeed } from '../../src/rendering/encode/frame-feed.ts';
import { levelFor } from '../../src/rendering/encode/level.ts';
import { type EncodeOptions, encodeOptions, ladderOptions } from '../../src/rendering/encode/options.ts';
import { probeToolchain } from '../../src/rendering/encode/toolchain.ts';
import type { Size } from '../../src/rendering/geometry.ts';
import { failureOf, remux } from './support.ts';

const { ffmpeg } = findTools();
const never = new AbortController().signal;
const SIZE = { width: 160, height: 90 };
const bytesOf = ({ width, height }: Size): number => width * height * 1.5;

/** A disc that moves over a slope, I420. */
function frameAt(index: number): Uint8Array {
  const { width, height } = SIZE;
  const frame = new Uint8Array(bytesOf(SIZE)).fill(128);
  const [x, y, radius] = [width / 4 + index, height / 2, height / 4];
  for (let down = 0, at = 0; down < height; down++) {
    for (let across = 0; across < width; across++, at++) {
      const isInside = (across - x) ** 2 + (down - y) ** 2 < radius ** 2;
      frame[at] = isInside ? 200 : 16 + (across * 100) / width;
    }
  }
  return frame;
}

/** Nothing that can be predicted: what a maximum bitrate is there for. */
function noiseAt(index: number): Uint8Array {
  const frame = new Uint8Array(bytesOf(SIZE));
  let seed = index + 1;
  for (let at = 0; at < frame.byteLength; at++) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    frame[at] = 16 + (seed >>> 25);
  }
  return frame;
}

async function encode(options: EncodeOptions, count: number, frames: Partial<Frames> = {}): Promise<Buffer> {
  const { pictureAt = frameAt, size = SIZE, fps = 30 } = frames;
  await using process = FfmpegProcess.start({ ffmpeg, ...options }, never);
  const feed = new FrameFeed(process, { size, fps, frameCount: count });
  for (let index = 0; index < count; index++) await feed.send({ data: pictureAt(index), isRepeat: false });
  return await process.finish();
}

interface Frames {
  readonly pictureAt: (index: number) => Uint8Array;
  readonly size: Size;
  readonly fps: number;
}

interface TrackFacts {
  readonly size: Size;
  readonly codec: string;
  readonly color: VideoColorSpaceInit | null;
  readonly packets: readonly { readonly bytes: string; readonly time: number; readonly isKey: boolean }[];
}

async function tracksOf(mp4: Uint8Array): Promise<TrackFacts[]> {
  using input = new Input({ formats: [MP4], source: new BufferSource(mp4) });
  return await Promise.all(
    (await input.getVideoTracks()).map(async (track) => {
      const config = await track.getDecoderConfig();
      const packets: TrackFacts['packets'][number][] = [];
      for await (const { data, timestamp, type } of new EncodedPacketSink(track).packets()) {
        packets.push({ bytes: Buffer.from(data).toString('base64'), time: timestamp, isKey: type === 'key' });
      }
      const size = { width: config?.codedWidth ?? 0, height: config?.codedHeight ?? 0 };
      return { size, codec: config?.codec ?? '', color: config?.colorSpace ?? null, packets };
    }),
  );
}

const decode = (mp4: Uint8Array, track: number): Promise<Buffer> =>
  runFfmpeg(
    { ffmpeg, input: [], output: ['-map', `0:v:${track}`, '-fps_mode', 'passthrough', '-f', 'rawvideo'] },
    mp4,
    never,
  );

/** Decibels; Infinity when equal. */
function psnr(one: Uint8Array, other: Uint8Array): number {
  let squares = 0;
  for (let at = 0; at < one.byteLength; at++) squares += ((one[at] ?? 0) - (other[at] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / one.byteLength));
}

const settings = { fps: 30, size: SIZE, quality: { qp: 20 } };

describe('a level is the lowest that holds', () => {
  test.each([
    ['480p', 854, 480, 30, undefined, '3.1'],
    ['720p', 1280, 720, 30, undefined, '3.1'],
    ['1080p', 1920, 1080, 30, undefined, '4.0'],
    ['1080p upright', 1080, 1920, 30, undefined, '4.0'],
    ['1080p at 60 fps', 1920, 1080, 60, undefined, '4.2'],
    ['1080p at 40 Mbit/s', 1920, 1080, 30, 40_000, '4.1'],
    ['4K', 3840, 2160, 30, undefined, '5.1'],
    ['4K at 60 fps', 3840, 2160, 60, undefined, '5.2'],
    ['two pixels by two', 2, 2, 30, undefined, '3.0'],
    ['a ribbon: few pixels, but a long side', 8192, 16, 30, undefined, '5.1'],
  ])('%s', (_what, width, height, fps, maxKbps, level) => {
    expect(levelFor({ width, height, fps, maxKbps })).toBe(level);
  });

  test('and a video that none holds is refused', () => {
    expect(() => levelFor({ width: 20_000, height: 20_000, fps: 30 })).toThrow(
      'A video of 20000x20000 at 30 fps is more than H.264 can hold.',
    );
  });
});

describe('raw frames become H.264', () => {
  test('that says what it is, starts at 0, and shows every frame as it was', async () => {
    const mp4 = await encode(encodeOptions(settings), 70);
    const [track, ...others] = await tracksOf(mp4);
    expect(others).toEqual([]);
    expect(track).toMatchObject({
      size: SIZE,
      codec: 'avc1.64001e',
      color: { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false },
    });
    const packets = track?.packets ?? [];
    const inOrder = packets.map(({ time }) => Math.round(time * 30)).sort((a, b) => a - b);
    expect(inOrder).toEqual(Array.from({ length: 70 }, (_, index) => index));
    expect(packets.flatMap(({ isKey, time }) => (isKey ? [time] : []))).toEqual([0, 2]);
    const decoded = await decode(mp4, 0);
    expect(decoded.byteLength).toBe(70 * bytesOf(SIZE));
    for (const index of [0, 1, 33, 69]) {
      const shown = decoded.subarray(index * bytesOf(SIZE), (index + 1) * bytesOf(SIZE));
      expect(psnr(shown, frameAt(index))).toBeGreaterThan(38);
      // Close to another frame would be no proof of order.
      expect(psnr(shown, frameAt(index + 1))).toBeLessThan(35);
    }
  });

  test('with the same bytes every time', async () => {
    const [one, other] = await Promise.all([1, 2].map(() => encode(encodeOptions(settings), 40)));
    expect(one?.equals(other ?? Buffer.alloc(0))).toBe(true);
  });

  test.each([
    ['4K at 60 fps', 3840, 2160, 60, 'avc1.640034'],
    ['two pixels by two', 2, 2, 30, 'avc1.64001e'],
    ['sides that are no multiple of 16', 854, 482, 24, 'avc1.64001f'],
  ])('in %s', async (_what, width, height, fps, codec) => {
    const size = { width, height };
    const grey = new Uint8Array(bytesOf(size)).fill(120);
    const mp4 = await encode(encodeOptions({ ...settings, size, fps }), 3, { pictureAt: () => grey, size, fps });
    const [track] = await tracksOf(mp4);
    expect(track).toMatchObject({ size, codec });
    expect(track?.packets).toHaveLength(3);
  });

  test('of one frame', async () => {
    const [track] = await tracksOf(await encode(encodeOptions(settings), 1));
    expect(track?.packets).toMatchObject([{ time: 0, isKey: true }]);
  });

  test('within a maximum bitrate, which noise would exceed', async () => {
    const [seconds, maxKbps] = [4, 150];
    const free = await encode(encodeOptions(settings), seconds * 30, { pictureAt: noiseAt });
    const bound = await encode(encodeOptions({ ...settings, quality: { qp: 20, maxKbps } }), seconds * 30, {
      pictureAt: noiseAt,
    });
    const kbits = (mp4: Buffer): number => (mp4.byteLength * 8) / 1000;
    expect(kbits(free)).toBeGreaterThan(10 * maxKbps * seconds);
    expect(kbits(bound)).toBeLessThan(maxKbps * (seconds + 2));
  });
});

describe('a ladder of renditions from one capture', () => {
  const smaller = [
    { size: { width: 106, height: 60 }, quality: { qp: 22 } },
    { size: { width: 80, height: 44 }, quality: { qp: 24, maxKbps: 200 } },
  ];

  test('is one MP4 with a track of each size, every frame in each', async () => {
    const mp4 = await encode(ladderOptions({ fps: 30, tracks: [settings, ...smaller] }), 64);
    const tracks = await tracksOf(mp4);
    expect(tracks.map(({ size }) => size)).toEqual([SIZE, ...smaller.map(({ size }) => size)]);
    for (const [index, { size, packets }] of tracks.entries()) {
      expect(packets).toHaveLength(64);
      const decoded = await decode(mp4, index);
      expect(decoded.byteLength).toBe(64 * bytesOf(size));
      // The disc's middle is bright and what it left is dark again, in every size.
      const at = (frame: number, share: number): number => {
        const [x, y] = [Math.round(size.width * share), size.height / 2];
        return decoded[frame * bytesOf(size) + y * size.width + x] ?? 0;
      };
      expect([at(0, 0.25) > 190, at(63, 0.25) > 190, at(63, 0.25 + 63 / 160) > 190]).toEqual([true, false, true]);
    }
  });

  test('gives the first the packets that it has alone', async () => {
    const [ladder, single] = await Promise.all([
      encode(ladderOptions({ fps: 30, tracks: [settings, ...smaller] }), 64).then(tracksOf),
      encode(encodeOptions(settings), 64).then(tracksOf),
    ]);
    expect(ladder[0]).toEqual(single[0]);
  });

  test('gives the first the very file that it has alone, once it is taken out', async () => {
    const [ladder, single] = await Promise.all([
      encode(ladderOptions({ fps: 30, tracks: [settings, ...smaller] }), 64).then((mp4) => remux(mp4, { fps: 30 })),
      encode(encodeOptions(settings), 64).then((mp4) => remux(mp4, { fps: 30 })),
    ]);
    expect(Buffer.from(ladder).equals(Buffer.from(single))).toBe(true);
  });
});

test('what comes out does not depend on what the processor can do: the same without any of its extensions', async () => {
  const options = ladderOptions({
    fps: 30,
    tracks: [settings, { size: { width: 106, height: 60 }, quality: { qp: 22 } }],
  });
  const plain: EncodeOptions = {
    input: ['-cpuflags', '0', ...options.input],
    output: options.output.map((option) => (option.includes('cpu-independent=1') ? `${option}:asm=0` : option)),
  };
  expect(plain.output).not.toEqual(options.output);
  const [fast, slow] = await Promise.all([encode(options, 40), encode(plain, 40)]);
  expect(slow.equals(fast)).toBe(true);
});

describe('the encoder that is asked for', () => {
  test('is told with its build', async () => {
    const toolchain = await probeToolchain(ffmpeg, never);
    expect(toolchain).toEqual({
      ffmpeg: expect.stringMatching(/^\S+$/),
      x264: expect.stringMatching(/^core \d+/),
      encoder: 'libx264',
    });
  });

  test.each([
    ['nvenc', 'h264_nvenc', 'an NVIDIA GPU'],
    ['vaapi', 'h264_vaapi', 'a GPU at /dev/dri/renderD128'],
    ['videotoolbox', 'h264_videotoolbox', 'macOS'],
  ] as const)('%s works on this machine, or what it needs is told', async (encoder, codec, needs) => {
    const probed = await probeToolchain(ffmpeg, never, encoder).catch((error: unknown) => error);
    if (probed instanceof Error) {
      expect(probed).toMatchObject({ failureClass: 'ToolMissing' });
      expect(probed.message).toContain(`cannot encode with ${codec} here; it needs ${needs}`);
    } else {
      expect(probed).toMatchObject({ x264: 'unused', encoder: expect.stringMatching(`^${codec} [0-9a-f]{16}$`) });
    }
  });

  test('is really run: one that ffmpeg lists and the machine does not have is missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-encoder-'));
    try {
      const fake = join(folder, 'ffmpeg');
      const refusal = 'echo "[h264_nvenc] Cannot load libcuda.so.1" >&2; exit 1';
      await writeFile(fake, `#!/bin/sh\ncase "$*" in *-c:v\\ h264_nvenc*) ${refusal};; esac\nexec ${ffmpeg} "$@"\n`);
      await chmod(fake, 0o755);
      const failure = await failureOf(probeToolchain(fake, never, 'nvenc'));
      expect(failure.failureClass).toBe('ToolMissing');
      expect(failure.message).toMatch(/needs an NVIDIA GPU .* Cannot load libcuda\.so\.1/);
      expect((await probeToolchain(fake, never)).encoder).toBe('libx264');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
