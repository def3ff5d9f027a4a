/** A file that leaves in parts while it is encoded: the same file, and gone early. */

import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/contracts/failures.ts';
import type { Pcm } from '../../src/rendering/audio/pcm.ts';
import { encodeSoundtrack, type Soundtrack } from '../../src/rendering/audio/soundtrack.ts';
import { FfmpegProcess } from '../../src/rendering/encode/ffmpeg.ts';
import { FrameFeed } from '../../src/rendering/encode/frame-feed.ts';
import { encodeOptions } from '../../src/rendering/encode/options.ts';
import { i420Bytes } from '../../src/rendering/geometry.ts';
import { type WrittenFile, writeInParts } from '../../src/rendering/mp4/write-in-parts.ts';
import { PART_BYTES, type PartSink } from '../../src/rendering/part-sink.ts';
import { ffmpeg } from './audio-support.ts';
import { never } from './browser-support.ts';
import { failureOf, remux } from './support.ts';

const FPS = 10;
const SIZE = { width: 640, height: 360 };
/** Of noise nothing can be left out: a third of a megabyte a frame. */
const QP = 1;
const FRAMES = 65;

function noise(frame: number): Uint8Array {
  const bytes = new Uint8Array(i420Bytes(SIZE));
  let state = frame + 1;
  for (let at = 0; at < bytes.byteLength; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = 16 + ((state >>> 24) % 200);
  }
  return bytes;
}

class KeptParts implements PartSink {
  readonly parts: { readonly part: number; readonly bytes: Uint8Array; readonly copy: Buffer }[] = [];

  async send(part: number, bytes: Uint8Array): Promise<void> {
    this.parts.push({ part, bytes, copy: Buffer.from(bytes) });
  }

  get file(): Buffer {
    return Buffer.concat(this.parts.toSorted((a, b) => a.part - b.part).map(({ copy }) => copy));
  }
}

interface Run {
  readonly frameCount: number;
  readonly sink: PartSink;
  readonly audio?: Soundtrack | null;
  /** Called before each frame. */
  readonly before?: (frame: number, ffmpeg: FfmpegProcess) => Promise<void>;
}

const settings = encodeOptions({ fps: FPS, size: SIZE, quality: { qp: QP } });

async function written({ frameCount, sink, audio = null, before }: Run): Promise<WrittenFile> {
  await using process = FfmpegProcess.start({ ffmpeg, ...settings }, never);
  const writing = writeInParts(process.read(), { fps: FPS, frameCount }, Promise.resolve(audio), sink);
  writing.catch(() => undefined);
  const feed = new FrameFeed(process, { size: SIZE, fps: FPS, frameCount });
  for (let frame = 0; frame < frameCount; frame += 1) {
    await before?.(frame, process);
    await feed.send({ data: noise(frame), isRepeat: false });
  }
  const [file] = await Promise.all([writing, process.finish()]);
  return file;
}

async function writtenWhole(frameCount: number, audio: Soundtrack | null): Promise<Uint8Array> {
  await using process = FfmpegProcess.start({ ffmpeg, ...settings }, never);
  const feed = new FrameFeed(process, { size: SIZE, fps: FPS, frameCount });
  for (let frame = 0; frame < frameCount; frame += 1) await feed.send({ data: noise(frame), isRepeat: false });
  return await remux(await process.finish(), { fps: FPS, audio });
}

let sound: Soundtrack;

beforeAll(async () => {
  const pcm = Float32Array.from({ length: 6 * 48_000 * 2 }, (_, at) => Math.sin(at / 50) / 2) as Pcm;
  sound = await encodeSoundtrack(pcm, { ffmpeg }, never);
});

describe('a large file', () => {
  test.each([
    ['silent', () => null],
    ['with sound', () => sound],
  ])('comes in parts that are together what is made of the whole stream: %s', async (_, audio) => {
    const sink = new KeptParts();
    const { bytes, partCount } = await written({ frameCount: FRAMES, sink, audio: audio() });
    const whole = await writtenWhole(FRAMES, audio());

    expect(partCount).toBeGreaterThan(3);
    expect(Buffer.compare(bytes, whole)).toBe(0);
    expect(sink.file.equals(whole)).toBe(true);
    expect(sink.parts).toHaveLength(partCount);
    expect(sink.parts.map(({ part }) => part)).toEqual([
      ...Array.from({ length: partCount - 1 }, (_, at) => at + 2),
      1,
    ]);
    const sizes = sink.parts.toSorted((a, b) => a.part - b.part).map((part) => part.bytes.byteLength);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(PART_BYTES);
    // Whoever is still sending one reads what it was given.
    for (const { bytes, copy } of sink.parts) expect(Buffer.compare(bytes, copy)).toBe(0);
  });

  test('has begun to leave before its last frames are captured', async () => {
    const sink = new KeptParts();
    const before = async (frame: number): Promise<void> => {
      if (frame === FRAMES - 5) while (sink.parts.length === 0) await sleep(20);
    };
    await written({ frameCount: FRAMES, sink, before });
    expect(sink.parts[0]?.part).toBe(2);
  });

  test('is not made when a part of it could not be sent', async () => {
    const reason = new Failure('StorageUnavailable', 'The store is away.');
    const sink = { send: () => Promise.reject(reason) };
    expect(await failureOf(written({ frameCount: FRAMES, sink }))).toBe(reason);
  });

  test('is not made, and its first part not sent, when the encoder dies', async () => {
    const sink = new KeptParts();
    const before = async (frame: number, process: FfmpegProcess): Promise<void> => {
      if (frame === FRAMES - 5) await process[Symbol.asyncDispose]();
    };
    const failure = await failureOf(written({ frameCount: FRAMES, sink, before }));
    expect(failure.failureClass).toBe('EncoderFailed');
    expect(sink.parts.map(({ part }) => part)).not.toContain(1);
  });
});

test('a small file does not come in parts', async () => {
  const sink = new KeptParts();
  const { bytes, partCount } = await written({ frameCount: 20, sink });
  expect(Buffer.compare(bytes, await writtenWhole(20, null))).toBe(0);
  expect({ partCount, sent: sink.parts.length }).toEqual({ partCount: 0, sent: 0 });
});
