import { beforeAll, describe, expect, test } from '@jest/globals';
import { BufferSource, EncodedPacketSink, Input, MP4 } from 'mediabunny';
import { lengthOf, SAMPLE_RATE } from '../../src/rendering/audio/pcm.ts';
import type { Soundtrack } from '../../src/rendering/audio/soundtrack.ts';
import { Soundtracks } from '../../src/rendering/audio/soundtracks.ts';
import { verifyAudio } from '../../src/rendering/audio/verify.ts';
import { boxesOf, isFastStart } from '../../src/rendering/mp4/boxes.ts';
import {
  clipOf,
  failureOf,
  ffmpeg,
  heard,
  never,
  onsetOf,
  openedPage,
  pictures,
  rmsBetween,
  runTool,
  withAudio,
} from './audio-support.ts';
import { remux } from './support.ts';

const FPS = 32;
const { files } = await withAudio();
const file = (name: string): Uint8Array => files.get(name) ?? new Uint8Array();
const soundtrackOf = async (clips: Parameters<Soundtracks['of']>[0], durationMs = 2000): Promise<Soundtrack> => {
  await using soundtracks = new Soundtracks({ ffmpeg });
  const made = await soundtracks.of(clips, durationMs, never);
  if (made === null) throw new Error('there is no soundtrack');
  return made;
};
/** Every packet of a video track: when it is shown, and its bytes. */
async function picturesOf(mp4: Uint8Array, number = 0) {
  using input = new Input({ formats: [MP4], source: new BufferSource(mp4) });
  const track = (await input.getVideoTracks())[number];
  if (track === undefined) throw new Error('there is no such track');
  const packets: { frame: number; type: string; data: string }[] = [];
  for await (const { timestamp, type, data } of new EncodedPacketSink(track).packets()) {
    packets.push({ frame: Math.round(timestamp * FPS), type, data: Buffer.from(data).toString('base64') });
  }
  return packets;
}
const probe = async (mp4: Uint8Array) =>
  JSON.parse(
    (
      await runTool(
        'ffprobe',
        [
          '-show_entries',
          'stream=codec_name,profile,start_time,duration,nb_frames,width:format=duration',
          '-of',
          'json',
          'pipe:0',
        ],
        mp4,
      )
    ).toString(),
  );

let fragmented: Buffer;
let audio: Soundtrack;
beforeAll(async () => {
  fragmented = await pictures(64, FPS);
  audio = await soundtrackOf([clipOf(file('click.wav'), { start: 24_000 })]);
});

describe('picture and sound in one file', () => {
  test('both are exactly as long as the video and begin at 0; the index is in front', async () => {
    const mp4 = await remux(fragmented, { fps: FPS, audio });
    expect(await probe(mp4)).toMatchObject({
      streams: [
        { codec_name: 'h264', start_time: '0.000000', duration: '2.000000', nb_frames: '64' },
        { codec_name: 'aac', profile: 'LC', start_time: '0.000000', duration: '2.000000', nb_frames: '95' },
      ],
      format: { duration: '2.000000' },
    });
    expect(isFastStart(mp4)).toBe(true);
  });

  test('the packets of the picture are those of the stream', async () => {
    const mp4 = await remux(fragmented, { fps: FPS, audio });
    expect(await picturesOf(mp4)).toEqual(await picturesOf(fragmented));
    const frames = (bytes: Uint8Array) =>
      runTool(ffmpeg, ['-i', 'pipe:0', '-map', '0:v', '-f', 'framemd5', 'pipe:1'], bytes);
    const hashes = (text: Buffer) => [...text.toString().matchAll(/[0-9a-f]{32}/g)].map(String);
    expect(hashes(await frames(mp4))).toEqual(hashes(await frames(fragmented)));
  });

  test.each([0, 0.0401, 0.5, 1.2345])(
    'a click declared for %s s is heard there, within a millisecond',
    async (seconds) => {
      // The click is 0.1 s into its file.
      const clip = clipOf(file('click.wav'), { start: Math.round(seconds * SAMPLE_RATE), sourceStart: 4800 });
      const sound = await heard(await remux(fragmented, { fps: FPS, audio: await soundtrackOf([clip]) }));
      expect(Math.abs(onsetOf(sound) - seconds)).toBeLessThan(0.001);
      expect(Math.abs(lengthOf(sound) - 2 * SAMPLE_RATE)).toBeLessThan(1024);
      expect(rmsBetween(sound, seconds + 0.1, 2)).toBeLessThan(1e-3);
    },
  );

  test('a browser hears it there too, and as long as the video is', async () => {
    await using opened = await openedPage(await withAudio());
    const clip = clipOf(file('click.wav'), { start: 36_000, sourceStart: 4800 });
    const mp4 = await remux(fragmented, { fps: FPS, audio: await soundtrackOf([clip]) });
    const sound = await opened.evaluate(`(async () => {
        const bytes = Uint8Array.from(atob('${Buffer.from(mp4).toString('base64')}'), (char) => char.charCodeAt(0));
        const decoded = await new OfflineAudioContext(2, 1, 48000).decodeAudioData(bytes.buffer);
        const onset = decoded.getChannelData(0).findIndex((sample) => Math.abs(sample) > 0.1);
        return { length: decoded.length, onset: onset / 48000 };
      })()`);
    expect(sound).toEqual({ length: 96_000, onset: expect.closeTo(0.75, 3) });
  });

  test('lie side by side: no player has to read far ahead for either', async () => {
    const long = await soundtrackOf([clipOf(file('sweep.m4a'), { loops: true, limit: 10 * SAMPLE_RATE })], 10_000);
    const mp4 = await remux(await pictures(320, FPS), { fps: FPS, audio: long });
    const listed = await runTool('ffprobe', ['-show_entries', 'packet=pos,dts_time', '-of', 'json', 'pipe:0'], mp4);
    const packets: { pos: string; dts_time: string }[] = JSON.parse(listed.toString()).packets;
    const order = packets.toSorted((a, b) => Number(a.pos) - Number(b.pos)).map(({ dts_time }) => Number(dts_time));
    let latest = 0;
    const late = order.map((seconds) => {
      latest = Math.max(latest, seconds);
      return latest - seconds;
    });
    expect(Math.max(...late)).toBeLessThan(1.2);
  });

  test('the same bytes each time', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => remux(fragmented, { fps: FPS, audio })));
    expect(one).toEqual(two);
  });

  test('without sound there is no audio track', async () => {
    const mp4 = await remux(fragmented, { fps: FPS, audio: null });
    expect((await probe(mp4)).streams).toHaveLength(1);
    expect(mp4).toEqual(await remux(fragmented, { fps: FPS }));
  });
});

describe('a stream of several renditions', () => {
  test('each comes out alone, as it is in the stream', async () => {
    const ladder = await pictures(64, FPS, ['128x72', '96x54', '64x36']);
    for (const [track, width] of [128, 96, 64].entries()) {
      const mp4 = await remux(ladder, { fps: FPS, track, audio });
      expect((await probe(mp4)).streams).toMatchObject([
        { width, nb_frames: '64', duration: '2.000000' },
        { codec_name: 'aac' },
      ]);
      expect(await picturesOf(mp4)).toEqual(await picturesOf(ladder, track));
    }
  });

  test('one that is not there is refused', async () => {
    expect(await failureOf(remux(fragmented, { fps: FPS, track: 1 }))).toMatchObject({
      failureClass: 'OutputInvalid',
      message: 'ffmpeg wrote 1 video tracks, none is number 1.',
    });
  });
});

describe('the sound of a finished video', () => {
  test('passes when it is what was made for it', async () => {
    await verifyAudio(await remux(fragmented, { fps: FPS, audio }), audio);
    await verifyAudio(await remux(fragmented, { fps: FPS }), null);
  });

  test('is refused when it is missing, not asked for, another, or damaged', async () => {
    const mp4 = await remux(fragmented, { fps: FPS, audio });
    const refused = async (bytes: Uint8Array, expected: Soundtrack | null): Promise<string> => {
      const { failureClass, message } = await failureOf(verifyAudio(bytes, expected));
      expect(failureClass).toBe('OutputInvalid');
      return message;
    };
    expect(await refused(await remux(fragmented, { fps: FPS }), audio)).toContain('has no sound');
    expect(await refused(mp4, null)).toContain('has sound, though');
    const other = await soundtrackOf([clipOf(file('click.wav'), { start: 0 })]);
    expect(await refused(mp4, other)).toContain('has other sound');
    expect(await refused(mp4, { ...audio, sampleCount: audio.sampleCount + 1024 })).toContain('samples of sound');

    const late = Buffer.from(mp4);
    late.write('free', late.lastIndexOf('edts'), 'latin1');
    expect(await refused(late, audio)).toContain('1024 samples late');

    const damaged = Buffer.from(mp4);
    const loudest = audio.packets.reduce((most, { byteLength }, index) => {
      return byteLength > (audio.packets[most]?.byteLength ?? 0) ? index : most;
    }, 0);
    const packet = damaged.indexOf(audio.packets[loudest] ?? '');
    damaged[packet + 20] = (damaged[packet + 20] ?? 0) ^ 1;
    expect(await refused(damaged, audio)).toContain(`other sound from packet ${loudest} on`);
  });
});

test('no clock is written', async () => {
  const mp4 = await remux(fragmented, { fps: FPS, audio });
  const moov = boxesOf(mp4).find(({ type }) => type === 'moov');
  const header = boxesOf(mp4, (moov?.start ?? 0) + 8, moov?.end)[0];
  expect(header?.type).toBe('mvhd');
  expect([...mp4.subarray((header?.start ?? 0) + 12, (header?.start ?? 0) + 20)]).toEqual(Array(8).fill(0));
});
