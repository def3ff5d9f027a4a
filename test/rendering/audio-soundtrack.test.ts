import { describe, expect, test } from '@jest/globals';
import { decodeClip } from '../../src/rendering/audio/decode.ts';
import { bytesOf, lengthOf, loudnessOf, type Pcm, SAMPLE_RATE } from '../../src/rendering/audio/pcm.ts';
import { ENCODE_OPTIONS, encodeSoundtrack } from '../../src/rendering/audio/soundtrack.ts';
import { Soundtracks } from '../../src/rendering/audio/soundtracks.ts';
import { clipOf, failureOf, ffmpeg, never, onsetOf, pictures, runTool, withAudio } from './audio-support.ts';

const { files } = await withAudio();
const file = (name: string): Uint8Array => files.get(name) ?? new Uint8Array();
const decode = (bytes: Uint8Array, extras: Parameters<typeof clipOf>[1] = {}) =>
  decodeClip(clipOf(bytes, extras), { ffmpeg }, never);
const soundOf = async (...args: Parameters<typeof decode>): Promise<Pcm> => {
  const pcm = await decode(...args);
  if (pcm === null) throw new Error('there is no sound');
  return pcm;
};
const convert = (...options: string[]) => runTool(ffmpeg, ['-i', 'pipe:0', ...options, 'pipe:1'], file('click.wav'));

describe('decoding', () => {
  test.each([
    ['WAV', file('click.wav'), 9600, 0.1],
    ['MP3', file('beep.mp3'), 24_000, 0],
    ['Opus', file('chime.opus'), 24_000, 0],
    ['M4A with its index behind', file('sweep.m4a'), 48_000, 0],
    // Its sound is declared to begin 0.25 s after its picture; AAC rings a little ahead of a tone.
    ['film', file('film.mp4'), 36_000, 0.25],
  ])('%s: as long as it is, and its sound where it is', async (_, bytes, samples, onset) => {
    const pcm = await soundOf(bytes);
    expect(Math.abs(lengthOf(pcm) - samples)).toBeLessThanOrEqual(1152);
    expect(Math.abs(onsetOf(pcm) - onset)).toBeLessThan(0.001);
  });

  test.each([
    ['FLAC', ['-c:a', 'flac', '-f', 'flac']],
    ['Vorbis', ['-c:a', 'libvorbis', '-q:a', '6', '-f', 'ogg']],
    ['WebM', ['-c:a', 'libopus', '-b:a', '96k', '-f', 'webm']],
    ['ADTS', ['-c:a', 'aac', '-b:a', '96k', '-f', 'adts']],
  ])('%s keeps a click in its place', async (name, options) => {
    // ADTS has no place to say how long the encoder's run-up was, in browsers neither.
    const late = name === 'ADTS' ? 1024 / 16_000 : 0;
    expect(Math.abs(onsetOf(await soundOf(await convert(...options))) - 0.1 - late)).toBeLessThan(0.001);
  });

  test('one channel is heard from both sides, as loud as it is', async () => {
    const pcm = await soundOf(file('click.wav'));
    expect(loudnessOf(pcm).peak).toBeCloseTo(28_000 / 32_768, 2);
    expect(pcm.filter((_, i) => i % 2 === 0)).toEqual(pcm.filter((_, i) => i % 2 === 1));
  });

  test('a cut is exact to the sample', async () => {
    const whole = await soundOf(file('chime.opus'));
    const cut = await soundOf(file('chime.opus'), { sourceStart: 4801, limit: 777 });
    expect(cut).toEqual(whole.slice(2 * 4801, 2 * (4801 + 777)));
  });

  test.each([0.2, 0.5, 2, 3])('at %s times the speed it takes as much less time', async (rate) => {
    const pcm = await soundOf(file('sweep.m4a'), { rate, limit: 10 * SAMPLE_RATE });
    expect(Math.abs(lengthOf(pcm) / SAMPLE_RATE - 1 / rate)).toBeLessThan(0.1);
  });

  test('a film without sound is silent, unless it says to have some', async () => {
    const mute = await pictures(5, 10);
    expect(await decode(mute, { claimsAudio: false })).toBeNull();
    expect(await failureOf(decode(mute))).toMatchObject({
      failureClass: 'TemplateInvalid',
      message: 'its file holds no sound',
    });
  });

  test.each([
    ['text', Buffer.from('<!doctype html><p>Not found'.repeat(50))],
    ['nothing', new Uint8Array()],
    ['a playlist that names other files', Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n')],
    ['an M4A without its end', file('sweep.m4a').slice(0, 5000)],
  ])('%s is refused', async (_, bytes) => {
    expect(await failureOf(decode(bytes))).toMatchObject({
      failureClass: 'TemplateInvalid',
      message: expect.stringContaining('its file is damaged'),
    });
  });

  test('a file with a hole is refused, not heard with a gap', async () => {
    const holed = file('chime.opus').slice();
    holed.fill(0, 1500, 3000);
    expect((await failureOf(decode(holed))).failureClass).toBe('TemplateInvalid');
  });

  test('a clip that begins after its file ends is refused', async () => {
    expect(await failureOf(decode(file('click.wav'), { sourceStart: SAMPLE_RATE }))).toMatchObject({
      failureClass: 'TemplateInvalid',
      message: expect.stringContaining('where that is over'),
    });
  });
});

describe('the soundtrack', () => {
  const clips = () => [clipOf(file('click.wav'), { start: 24_000 }), clipOf(file('beep.mp3'), { start: 48_000 })];

  test('is AAC-LC, as long as the video, with its run-up told, and the same bytes each time', async () => {
    const made = await Promise.all(
      [1, 2].map(async () => {
        await using soundtracks = new Soundtracks({ ffmpeg });
        return await soundtracks.of(clips(), 2000, never);
      }),
    );
    expect(made[0]).toMatchObject({
      sampleCount: 96_000,
      primingSamples: 1024,
      decoderConfig: { codec: 'mp4a.40.2', sampleRate: 48_000, numberOfChannels: 2 },
    });
    expect(made[0]?.packets).toHaveLength(Math.ceil((96_000 + 1024) / 1024));
    expect(Buffer.concat(made[0]?.packets ?? [])).toEqual(Buffer.concat(made[1]?.packets ?? [new Uint8Array()]));
  });

  test('is the same from an encoder that may use none of what the processor is good at', async () => {
    const mixed = await soundOf(file('sweep.m4a'));
    const { output } = ENCODE_OPTIONS;
    const [plain, fast] = await Promise.all(
      [['-cpuflags', '0'], []].map((flags) =>
        runTool(
          ffmpeg,
          [...flags, '-f', 'f32le', '-ar', '48000', '-ac', '2', '-i', 'pipe:0', ...output, 'pipe:1'],
          bytesOf(mixed),
        ),
      ),
    );
    expect(plain).toEqual(fast);
  });

  test('there is none without clips, and none of a silent film alone', async () => {
    await using soundtracks = new Soundtracks({ ffmpeg });
    const film = clipOf(await pictures(5, 10), { claimsAudio: false });
    expect(await soundtracks.of([film], 2000, never)).toBeNull();
    expect(await soundtracks.of([], 2000, never)).toBeNull();
  });

  test('silence that is declared is a soundtrack too', async () => {
    await using soundtracks = new Soundtracks({ ffmpeg });
    const { envelope } = clipOf(file('click.wav'));
    const silent = clipOf(file('click.wav'), { envelope: { ...envelope, volume: 0 } });
    expect((await soundtracks.of([silent], 2000, never))?.loudness).toEqual({ peak: 0, rms: 0 });
  });

  test('that comes out of the encoder silent is refused', async () => {
    // Nothing but 22 kHz: the encoder's low-pass takes all of it.
    const ultrasound = Float32Array.from(
      { length: 96_000 },
      (_, i) => 0.5 * Math.sin(((i >> 1) / SAMPLE_RATE) * 2 * Math.PI * 22_000),
    );
    expect(await failureOf(encodeSoundtrack(ultrasound, { ffmpeg }, never))).toMatchObject({
      failureClass: 'OutputInvalid',
    });
  });
});

describe('soundtracks in memory', () => {
  const click = (start: number) => [clipOf(file('click.wav'), { start })];

  test('are made once, for those who ask at the same time and for those who come later', async () => {
    await using soundtracks = new Soundtracks({ ffmpeg });
    const [one, two] = await Promise.all([1, 2].map(() => soundtracks.of(click(0), 2000, never)));
    expect(two).toBe(one);
    expect(await soundtracks.of(click(0), 2000, never)).toBe(one);
    for (const other of [soundtracks.of(click(1), 2000, never), soundtracks.of(click(0), 1500, never)]) {
      expect(await other).not.toBe(one);
    }
  });

  test('take no more bytes than they may: the one that was not asked for longest goes', async () => {
    const { sizeBytes } = (await new Soundtracks({ ffmpeg }).of(click(0), 2000, never)) ?? { sizeBytes: 0 };
    await using soundtracks = new Soundtracks({ ffmpeg, maxBytes: 2 * sizeBytes + 100 });
    const made = async (start: number) => await soundtracks.of(click(start), 2000, never);
    const [first, second] = [await made(0), await made(480)];
    expect(await made(0)).toBe(first);
    await made(960);
    expect(await made(0)).toBe(first);
    expect(await made(480)).not.toBe(second);
  });

  test('whoever goes away leaves the work to those who stay; a cancelled one does not poison the next', async () => {
    await using soundtracks = new Soundtracks({ ffmpeg });
    const gone = new AbortController();
    const [left, stayed] = [soundtracks.of(click(0), 2000, gone.signal), soundtracks.of(click(0), 2000, never)];
    gone.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect((await stayed)?.packets.length).toBeGreaterThan(0);

    const alone = new AbortController();
    const abandoned = soundtracks.of(click(480), 2000, alone.signal);
    alone.abort(new Error('gone'));
    await expect(abandoned).rejects.toThrow('gone');
    expect(await soundtracks.of(click(480), 2000, never)).not.toBeNull();
  });

  test('closing them ends what is under way', async () => {
    const soundtracks = new Soundtracks({ ffmpeg });
    const failure = failureOf(soundtracks.of(click(0), 2000, never));
    await soundtracks[Symbol.asyncDispose]();
    expect((await failure).failureClass).toBe('Cancelled');
  });

  test('a failure is told to all who wait, and tried again for the next', async () => {
    await using soundtracks = new Soundtracks({ ffmpeg });
    const broken = [clipOf(Buffer.from('no sound'.repeat(100)))];
    for (const _ of [1, 2]) {
      const failures = await Promise.all([1, 2].map(() => failureOf(soundtracks.of(broken, 2000, never))));
      expect(failures[0]?.failureClass).toBe('TemplateInvalid');
      expect(failures[1]).toBe(failures[0]);
    }
  });
});
