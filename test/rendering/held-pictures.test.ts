/** Pictures that stand still, put into an encoded stream: what is written, and what is refused. How it looks: frame-feed.test.ts. */

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asFailure, type Failure } from '../../src/contracts/failures.ts';
import { runFfmpeg } from '../../src/rendering/encode/ffmpeg.ts';
import {
  BitReader,
  BitWriter,
  withEmulationPrevention,
  withoutEmulationPrevention,
} from '../../src/rendering/h264/bits.ts';
import { HeldPictures } from '../../src/rendering/h264/held-pictures.ts';
import { type CodedPicture, nalUnitsOf, packetOf, readAvcConfiguration } from '../../src/rendering/h264/nal-units.ts';
import { readSequenceParameters } from '../../src/rendering/h264/sequence-parameters.ts';
import { bytesOf, type Clip, readClip } from '../../src/rendering/mp4/clip.ts';
import { ffmpeg } from './audio-support.ts';
import { never } from './browser-support.ts';

const SIZE = { width: 64, height: 48 };
const FRAMES = 21;

/** Noise, encoded with these options of x264. */
async function encoded(x264: string): Promise<Clip> {
  const bytes = Uint8Array.from({ length: FRAMES * SIZE.width * SIZE.height * 1.5 }, (_, at) => (at * at * 31) % 251);
  const input = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${SIZE.width}x${SIZE.height}`, '-r', '30'];
  const output = ['-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '1', '-x264-params', x264];
  const container = ['-f', 'mp4', '-movflags', 'frag_keyframe+delay_moov'];
  return await readClip(await runFfmpeg({ ffmpeg, input, output: [...output, ...container] }, bytes, never), {
    fps: 30,
  });
}

const OURS = 'bframes=3:b-adapt=0:b-pyramid=0';
const descriptionOf = ({ decoderConfig }: Clip): Uint8Array => bytesOf(decoderConfig.description);

async function filled({ packets, ...clip }: Clip, given: readonly CodedPicture[], count: number, sent = given) {
  const out: CodedPicture[] = [];
  const held = new HeldPictures(descriptionOf({ packets, ...clip }));
  const frames = new Set(sent.map(({ frame }) => frame));
  const sparse = { frameCount: count, isSent: (frame: number) => frames.has(frame) };
  for await (const picture of held.fill(given, sparse)) out.push(picture);
  return { held, out };
}

const failureOf = (work: () => unknown): Failure | null => {
  try {
    work();
    return null;
  } catch (error) {
    return asFailure(error);
  }
};

describe('bits', () => {
  test('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 70_000 })), (values) => {
        const writer = new BitWriter();
        for (const value of values) writer.golomb(value).write(value, 17);
        const bits = new BitReader(writer.trailing().bytes);
        for (const value of values) expect([bits.golomb(), bits.read(17)]).toEqual([value, value]);
      }),
    );
  });

  test('never look like a start code, and come back as they were', () => {
    const small = fc.array(fc.nat({ max: 4 }), { maxLength: 40 });
    fc.assert(
      fc.property(small, (values) => {
        const payload = Uint8Array.of(...values, 0x80);
        const written = withEmulationPrevention(payload);
        expect(
          Buffer.from(written)
            .toString('hex')
            .match(/^(?:..)*?0000(00|01|02)/),
        ).toBeNull();
        expect([...withoutEmulationPrevention(written)]).toEqual([...payload]);
      }),
    );
    expect([...withEmulationPrevention(Uint8Array.of(1, 0, 0))]).toEqual([1, 0, 0, 3]);
  });

  test('that end too early are told', () => {
    expect(() => new BitReader(Uint8Array.of(0)).golomb()).toThrow(RangeError);
  });
});

describe('pictures that stand still', () => {
  test('are put where frames are missing, and at the end', async () => {
    const clip = await encoded(OURS);
    // As if frame 4, which others are predicted from, had been shown ten times, and the last one three.
    const given = clip.packets.map((picture) => ({ ...picture, frame: picture.frame + (picture.frame > 4 ? 9 : 0) }));
    const { out } = await filled(clip, given, FRAMES + 9 + 2);
    expect(out.map(({ frame }) => frame).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: FRAMES + 11 }, (_, frame) => frame),
    );
    const added = out.filter(({ data }) => data.byteLength < 24).map(({ frame }) => frame);
    expect(added).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, FRAMES + 9, FRAMES + 10]);
  });

  test('have numbers of their own, in parameters that say how long these are', async () => {
    const clip = await encoded(OURS);
    const { held, out } = await filled(clip, clip.packets, FRAMES);
    const parametersOf = (description: Uint8Array) => {
      const { sequenceParameters, pictureParameters, lengthBytes } = readAvcConfiguration(description);
      const { slices, ...picture } = readSequenceParameters(sequenceParameters[0] ?? new Uint8Array());
      return { picture, slices, lengthBytes, pictureParameters };
    };
    const [before, after] = [parametersOf(descriptionOf(clip)), parametersOf(held.description)];
    expect(after.picture).toEqual(before.picture);
    expect(after.slices).toEqual({ ...before.slices, orderBits: (before.slices.orderBits ?? 0) + 8 });
    expect(after.pictureParameters).toHaveLength(2);
    const sizes = out.map(({ data }, at) => data.byteLength - (clip.packets[at]?.data.byteLength ?? 0));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(3);
  });

  test('can follow only what others are predicted from', async () => {
    const clip = await encoded(OURS);
    const without = clip.packets.filter(({ frame }) => frame !== 6);
    await expect(filled(clip, without, FRAMES)).rejects.toThrow('The encoder left out a picture between');
  });

  test('are not put where the encoder lost what it was given: a picture, a group, a keyframe, the end, all', async () => {
    const clip = await encoded(`${OURS}:keyint=8`);
    const losing = (lost: (frame: number) => boolean) =>
      filled(
        clip,
        clip.packets.filter(({ frame }) => !lost(frame)),
        FRAMES,
        clip.packets,
      );
    await expect(losing((frame) => frame === 6)).rejects.toThrow('The encoder left out a picture between');
    await expect(losing((frame) => frame >= 1 && frame <= 4)).rejects.toThrow('The encoder left out picture 1, which');
    await expect(losing((frame) => frame === 8)).rejects.toThrow('The encoder left out picture 8, which');
    await expect(losing((frame) => frame > 16)).rejects.toThrow('The encoder left out picture 17, which');
    await expect(losing((frame) => frame < 8)).rejects.toThrow('The encoder left out the first picture');
    await expect(losing(() => true)).rejects.toThrow('The encoder wrote no picture');
  });

  test.each([
    ['the order of decoding', 'bframes=0', 'numbers its pictures in a way in which none can be put between them'],
    ['fields', `${OURS}:interlaced=1`, 'numbers its pictures in a way in which none can be put between them'],
  ])('cannot be put into a stream in %s', async (_, x264, says) => {
    const clip = await encoded(x264);
    const failure = failureOf(() => new HeldPictures(descriptionOf(clip)));
    expect(failure).toMatchObject({ failureClass: 'Internal', message: expect.stringContaining(says) });
  });
});

test('a packet is put together from its NAL units as it was', async () => {
  const { packets } = await encoded(OURS);
  for (const { data } of packets) expect([...packetOf(nalUnitsOf(data, 4), 4)]).toEqual([...data]);
});
