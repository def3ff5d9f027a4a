import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  ADTS,
  BufferSource,
  BufferTarget,
  EncodedAudioPacketSource,
  type EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  type InputAudioTrack,
  MP4,
  Mp4OutputFormat,
  Output,
} from 'mediabunny';
import { findTools } from '../../src/config/tools.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { runFfmpeg } from '../../src/rendering/encode/ffmpeg.ts';
import type { Size } from '../../src/rendering/geometry.ts';
import { type Expected, verifyVideo } from '../../src/rendering/verify/verify.ts';
import { CaptureWitness } from '../../src/rendering/verify/witness.ts';
import { remux } from './support.ts';

const { ffmpeg } = findTools();
const signal = new AbortController().signal;
const SIZE = { width: 320, height: 180 };
const FPS = 32;
const FRAMES = 64;
const CHROMA = { width: 160, height: 90 };

/** A moment of a film: a gradient, a light box that runs across it, and a coloured bar that grows. */
function frameAt(index: number): Buffer {
  const picture = Buffer.alloc(SIZE.width * SIZE.height * 1.5, 128);
  for (let y = 0; y < SIZE.height; y++) {
    for (let x = 0; x < SIZE.width; x++) {
      const isBox = x >= index * 4 && x < index * 4 + 60 && y >= 60 && y < 130;
      picture[y * SIZE.width + x] = isBox ? 220 : 40 + Math.round((x + y) / 6);
    }
  }
  const blue = SIZE.width * SIZE.height;
  for (let y = 0; y < 20; y++) picture.fill(60, blue + y * CHROMA.width, blue + y * CHROMA.width + 40 + index);
  return picture;
}

const film = Array.from({ length: FRAMES }, (_, index) => frameAt(index));
const BT709 = ['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'];

interface Encoding {
  readonly colours?: readonly string[];
  readonly profile?: string;
  readonly filter?: string;
  readonly keyint?: number;
  readonly size?: Size;
}

async function encode(
  frames: readonly Buffer[],
  { colours = ['-color_range', 'tv', ...BT709], profile = 'high', filter, keyint = FRAMES, size = SIZE }: Encoding = {},
): Promise<Uint8Array> {
  const { width, height } = size;
  const fragmented = await runFfmpeg(
    {
      ffmpeg,
      input: ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${width}x${height}`, '-framerate', String(FPS)],
      ...(filter === undefined ? {} : { filter }),
      output: [
        ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '24', '-profile:v', profile, '-threads', '1', ...colours],
        ...['-x264-params', `keyint=${keyint}:scenecut=0:open-gop=0`, '-video_track_timescale', String(FPS * 512)],
        ...['-movflags', 'frag_keyframe+delay_moov+default_base_moof', '-f', 'mp4'],
      ],
    },
    Buffer.concat(frames),
    signal,
  );
  return await remux(fragmented, { fps: FPS });
}

/** The same packets in a file of another make. */
async function rewritten(
  mp4: Uint8Array,
  change: (packet: EncodedPacket, index: number) => EncodedPacket,
  fastStart: false | 'in-memory' = 'in-memory',
  sound: InputAudioTrack | null = null,
): Promise<Uint8Array> {
  using input = new Input({ formats: [MP4], source: new BufferSource(mp4) });
  const track = await input.getPrimaryVideoTrack();
  const decoderConfig = await track?.getDecoderConfig();
  if (track === null || !decoderConfig) throw new Error('no video track');
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart }), target });
  const video = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(video);
  const audio = new EncodedAudioPacketSource('aac');
  if (sound !== null) output.addAudioTrack(audio);
  await output.start();
  let index = 0;
  for await (const packet of new EncodedPacketSink(track).packets()) {
    await video.add(change(packet, index), { decoderConfig });
    index += 1;
  }
  if (sound !== null) {
    const meta = { decoderConfig: (await sound.getDecoderConfig()) ?? undefined };
    for await (const packet of new EncodedPacketSink(sound).packets()) await audio.add(packet, meta);
  }
  await output.finalize();
  return new Uint8Array(target.buffer ?? []);
}

function witnessed(frames: readonly Buffer[] = film): CaptureWitness {
  const witness = new CaptureWitness(SIZE, frames.length);
  for (const [index, data] of frames.entries()) {
    witness.consider({ index, data, isRepeat: index > 0 && frames[index - 1]?.equals(data) === true });
  }
  return witness;
}

const expected: Expected = { ...SIZE, frameCount: FRAMES, durationMs: 2000, captured: witnessed().captured };
const verify = (mp4: Uint8Array, wanted: Expected = expected): Promise<void> =>
  verifyVideo(mp4, wanted, { ffmpeg, signal });
/** Class and message of the failure that it must end with. */
const sentence = async (mp4: Uint8Array, wanted: Expected = expected): Promise<string> => {
  try {
    await verify(mp4, wanted);
  } catch (error) {
    if (error instanceof Failure) return `${error.failureClass}: ${error.message}`;
    throw error;
  }
  return 'passed';
};

let good: Uint8Array;
beforeAll(async () => {
  good = await encode(film);
});

describe('a video passes', () => {
  test('that shows what was captured', async () => {
    await verify(good);
  });

  test('without a capture to compare it with', async () => {
    const { captured: _, ...rest } = expected;
    await verify(good, rest);
  });

  test('of several groups of pictures, of one frame each, and of one frame in all', async () => {
    await verify(await encode(film, { keyint: 16 }));
    await verify(await encode(film.slice(0, 20), { keyint: 1 }), {
      ...{ ...expected, frameCount: 20, durationMs: 625 },
      captured: witnessed(film.slice(0, 20)).captured,
    });
    await verify(await encode(film.slice(0, 1)), {
      ...{ ...expected, frameCount: 1, durationMs: 31 },
      captured: witnessed(film.slice(0, 1)).captured,
    });
  });

  test('that was scaled from the capture', async () => {
    await verify(await encode(film, { filter: 'scale=160:90' }), { ...expected, width: 160, height: 90 });
  });

  test('that stands still because the template does', async () => {
    const still = Array.from({ length: FRAMES }, () => frameAt(5));
    await verify(await encode(still), { ...expected, captured: witnessed(still).captured });
  });

  test('that fades in from black, with nothing on its first frame', async () => {
    const fading = film.map((picture, index) =>
      index === 0 ? Buffer.alloc(picture.length, 128).fill(16, 0, 57_600) : picture,
    );
    await verify(await encode(fading), { ...expected, captured: witnessed(fading).captured });
  });
});

test('a film smaller than what it is shrunk to is looked at all the same', async () => {
  const size = { width: 4, height: 2 };
  const tiny = { ...size, frameCount: 4, durationMs: 125 };
  const plain = Array.from({ length: 4 }, () => Buffer.alloc(12, 128));
  const striped = plain.map((picture) =>
    Buffer.from(picture.map((level, at) => (at < 8 && at % 2 === 0 ? 30 : level))),
  );
  await verify(await encode(striped, { size }), tiny);
  expect(await sentence(await encode(plain, { size }), tiny)).toMatch(/is blank/);
});

test('a film with sound is as long as its picture', async () => {
  const seconds = 2;
  const pcm = Float32Array.from({ length: 48_000 * seconds * 2 }, (_, at) => 0.3 * Math.sin(at / 40));
  const soundtrack = await runFfmpeg(
    {
      ffmpeg,
      input: ['-f', 'f32le', '-ar', '48000', '-ac', '2'],
      output: ['-c:a', 'aac', '-f', 'adts'],
    },
    new Uint8Array(pcm.buffer),
    signal,
  );
  using sound = new Input({ formats: [ADTS], source: new BufferSource(soundtrack) });
  const track = await sound.getPrimaryAudioTrack();
  if (track === null) throw new Error('no sound');
  const withSound = await rewritten(good, (packet) => packet, 'in-memory', track);
  using input = new Input({ formats: [MP4], source: new BufferSource(withSound) });
  // AAC comes in packets of 21 ms.
  expect(await input.computeDuration()).toBeGreaterThan(seconds);
  await verify(withSound);
});

describe('the file is refused', () => {
  test('when it is cut off', async () => {
    expect(await sentence(good.subarray(0, good.length - 500))).toBe(
      'OutputInvalid: The finished video is cut off or no MP4: its boxes do not fit into its bytes.',
    );
  });

  test('when it is no video at all', async () => {
    expect(await sentence(Buffer.from('<html><body>502 Bad Gateway</body></html>'))).toMatch(
      /^OutputInvalid: The finished video is cut off or no MP4/,
    );
  });

  test('when its index lies behind its media', async () => {
    expect(await sentence(await rewritten(good, (packet) => packet, false))).toBe(
      'OutputInvalid: The finished video has its index behind its media: players would have to load all of it first.',
    );
  });

  test('when it is of another size', async () => {
    expect(await sentence(await encode(film, { filter: 'scale=318:180' }))).toBe(
      'OutputInvalid: The finished video is 318x180, not 320x180.',
    );
  });

  test('when its profile or its pixels are others', async () => {
    expect(await sentence(await encode(film, { profile: 'main' }))).toMatch(
      /has H\.264 profile 77, .* not High \(100\)/,
    );
    expect(await sentence(await encode(film, { profile: 'high444', filter: 'format=yuv444p' }))).toMatch(
      /has H\.264 profile 244, chroma format 3 and 8 bits, not High \(100\), 4:2:0 \(1\) and 8\.$/,
    );
  });

  test.each([
    ['BT.601', ['-color_range', 'tv', '-colorspace', 'smpte170m', '-color_primaries', 'bt709', '-color_trc', 'bt709']],
    ['full range', ['-color_range', 'pc', ...BT709]],
    ['nothing', []],
  ])('when it states %s as its colours', async (_, colours) => {
    expect(await sentence(await encode(film, { colours }))).toMatch(
      /^OutputInvalid: The finished video states its colours as .*, not as BT\.709 \(1\/1\/1\), limited range\.$/,
    );
  });

  test('when a frame is missing or one too many', async () => {
    expect(await sentence(await encode(film.toSpliced(30, 1)))).toMatch(/has 63 frames, not 64\.$/);
    expect(await sentence(await encode([...film, frameAt(63)]))).toMatch(/has 65 frames, not 64\.$/);
  });

  test('when it lasts longer', async () => {
    const slow = await rewritten(good, (packet) =>
      packet.clone({ timestamp: (packet.timestamp * FPS) / 30, duration: 1 / 30 }),
    );
    expect(await sentence(slow)).toMatch(/lasts 2133 ms, not 2000\.$/);
  });

  test('when a frame comes at the wrong time', async () => {
    const late = await rewritten(good, (packet, index) =>
      index === 8 ? packet.clone({ timestamp: packet.timestamp + 0.4 / FPS }) : packet,
    );
    expect(await sentence(late)).toMatch(/shows a frame at \d+ ms, where none belongs or another one is\.$/);
  });
});

describe('the pictures are refused', () => {
  test('when every one is of one colour', async () => {
    const blank = film.map((picture) => Buffer.alloc(picture.length, 128));
    expect(await sentence(await encode(blank))).toBe(
      'OutputInvalid: The finished video is blank: every frame is of one colour.',
    );
  });

  test('when they stand still though the template moved', async () => {
    expect(await sentence(await encode(film.map(() => frameAt(0))))).toBe(
      'OutputInvalid: The finished video is frozen: it still shows its first picture at frame 63, though 64 of 64 captured frames were new.',
    );
  });

  test('when the last two are swapped', async () => {
    const [before, last] = film.slice(-2);
    expect(
      await sentence(await encode([...film.slice(0, -2), ...[last, before].filter((one) => one !== undefined)])),
    ).toMatch(/shows at frame 63 what was captured as frame 62 \(\d+\.\d dB, against 2\d\.\d dB to its own\)\.$/);
  });

  test('when all of them are one frame late', async () => {
    expect(await sentence(await encode([frameAt(0), ...film.slice(0, -1)]))).toMatch(
      /shows at frame 63 what was captured as frame 62/,
    );
  });

  test('when a keyframe in the middle is another frame', async () => {
    const shuffled = film.with(32, frameAt(40));
    expect(await sentence(await encode(shuffled, { keyint: 16 }))).toMatch(
      /shows at frame 32 what was captured as frame 40/,
    );
  });

  test('when the first is from another film', async () => {
    expect(await sentence(await encode(film.with(0, frameAt(200))))).toMatch(/at frame 0 /);
  });

  test('when it is scaled from another film', async () => {
    const other = film.map((picture) => Buffer.from(picture).reverse());
    const small = { ...expected, width: 160, height: 90 };
    expect(await sentence(await encode(other, { filter: 'scale=160:90' }), small)).toMatch(
      /^OutputInvalid: The finished video shows another picture at frame 0 than was captured/,
    );
  });

  test('when its colours are swapped', async () => {
    expect(await sentence(await encode(film, { filter: 'shuffleplanes=0:2:1' }))).toMatch(
      /shows another picture at frame 0 than was captured \(blue chroma: \d+\.\d dB\)\.$/,
    );
  });

  test('when its packets are damaged; when nothing in them can be decoded, the render is tried again', async () => {
    const damaged = await rewritten(good, (packet, index) =>
      index === 0 ? packet.clone({ data: packet.data.map((byte, at) => (at > 900 ? byte ^ 0x5a : byte)) }) : packet,
    );
    expect(await sentence(damaged)).toMatch(/^OutputInvalid: The finished video (cannot be decoded|shows)/);
    const rubbish = await rewritten(good, (packet) =>
      packet.clone({ data: new Uint8Array(packet.data.length).fill(0x65) }),
    );
    expect(await sentence(rubbish)).toMatch(
      /^EncoderFailed: The finished video could not be decoded: ffmpeg exited with code \d+: .*h264/,
    );
  });
});

test('a witness refuses frames of another size, and has nothing to say before it has seen all', () => {
  const witness = new CaptureWitness(SIZE, 2);
  expect(() => witness.consider({ index: 0, data: new Uint8Array(10), isRepeat: false })).toThrow(
    /Frame 0 has 10 bytes/,
  );
  witness.consider({ index: 0, data: frameAt(0), isRepeat: false });
  expect(() => witness.captured).toThrow(/Not every frame/);
});

test('a witness copies what it keeps', () => {
  const witness = new CaptureWitness(SIZE, 2);
  const buffer = Buffer.from(frameAt(0));
  for (const index of [0, 1]) {
    frameAt(index * 9).copy(buffer);
    witness.consider({ index, data: buffer, isRepeat: false });
  }
  const { first, last, changedFrames } = witness.captured;
  expect([Buffer.compare(first, frameAt(0)), Buffer.compare(last, frameAt(9)), changedFrames]).toEqual([0, 0, 2]);
});
