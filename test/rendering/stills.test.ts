import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { findTools } from '../../src/config/tools.ts';
import { runFfmpeg } from '../../src/rendering/encode/ffmpeg.ts';
import type { Size } from '../../src/rendering/geometry.ts';
import { DetailMeter } from '../../src/rendering/stills/detail.ts';
import { areaMeans, rgbOf, smallRgbOf } from '../../src/rendering/stills/pixels.ts';
import { PosterChoice } from '../../src/rendering/stills/poster-choice.ts';
import { PREVIEW_DEFAULTS, previewSteps } from '../../src/rendering/stills/preview-plan.ts';
import { StillsCollector, type StillsOptions } from '../../src/rendering/stills/stills.ts';

type Colour = readonly [number, number, number];

const SIZE = { width: 320, height: 180 };
const signal = new AbortController().signal;
const COLOURS: Readonly<Record<string, Colour>> = {
  white: [255, 255, 255],
  black: [0, 0, 0],
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
  gold: [0xe0, 0xa0, 0x30],
  night: [0x10, 0x18, 0x20],
};

/** BT.709 limited range by its definition: Kr 0.2126, Kb 0.0722. */
function yuvOf([red, green, blue]: Colour): Colour {
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const chroma = (level: number, weight: number): number =>
    Math.round(128 + (224 / 255) * ((level - light) / (2 * (1 - weight))));
  return [Math.round(16 + (219 / 255) * light), chroma(blue, 0.0722), chroma(red, 0.2126)];
}

/** One colour all over, with upright light stripes `stripe` pixels wide in its left half when asked. */
function picture(colour: Colour, { size = SIZE, stripe = 0, shift = 0, soft = 0 } = {}): Buffer {
  const [y, u, v] = yuvOf(colour);
  const [luma, chroma] = [size.width * size.height, Math.ceil(size.width / 2) * Math.ceil(size.height / 2)];
  const data = Buffer.alloc(luma + 2 * chroma, y);
  data.fill(u, luma, luma + chroma).fill(v, luma + chroma);
  if (stripe === 0) return data;
  for (let x = 0; x < size.width / 2; x++) {
    const phase = (x + shift) % (2 * stripe);
    const edge = Math.min(phase, 2 * stripe - phase) / Math.max(1, soft);
    const level = Math.round(y + (235 - y) * (phase < stripe ? Math.min(1, edge) : 0));
    for (let row = 0; row < size.height; row++) data[row * size.width + x] = level;
  }
  return data;
}

const near = (shown: Iterable<number>, wanted: Colour, levels: number): boolean =>
  [...shown].every((level, at) => Math.abs(level - (wanted[at % 3] ?? 0)) <= levels);

async function decodedByFfmpeg(jpeg: Uint8Array): Promise<Buffer> {
  return await runFfmpeg(
    {
      ffmpeg: findTools().ffmpeg,
      input: ['-f', 'image2pipe', '-c:v', 'mjpeg'],
      filter: 'scale=flags=accurate_rnd+full_chroma_int,format=rgb24',
      output: ['-f', 'rawvideo'],
    },
    jpeg,
    signal,
  );
}

function collect(frames: readonly Buffer[], options: Partial<StillsOptions> = {}): StillsCollector {
  const collector = new StillsCollector({
    size: SIZE,
    fps: 30,
    frameCount: frames.length,
    posterFrame: null,
    ...options,
  });
  // One buffer for all of them, as capturing has it.
  const data = Buffer.alloc(frames[0]?.length ?? 0);
  for (const [index, frame] of frames.entries()) {
    frame.copy(data);
    collector.consider({ index, data, isRepeat: index > 0 && frames[index - 1]?.equals(frame) === true });
  }
  data.fill(0);
  return collector;
}

function choose(frames: readonly Buffer[], wanted: number | null = null, size: Size = SIZE): number | undefined {
  const choice = new PosterChoice({ ...size, fps: 30, wanted });
  for (const [index, data] of frames.entries()) {
    choice.consider({ index, data, isRepeat: index > 0 && frames[index - 1]?.equals(data) === true });
  }
  return choice.choice?.index;
}

describe('colours', () => {
  test.each(Object.entries(COLOURS))('%s comes back from I420 within 2 levels', (_, colour) => {
    for (const size of [SIZE, { width: 17, height: 9 }]) {
      const rgb = rgbOf(picture(colour, { size }), size);
      expect(rgb).toHaveLength(size.width * size.height * 3);
      expect(near(rgb, colour, 2)).toBe(true);
      expect(near(smallRgbOf(picture(colour, { size }), size, { width: 8, height: 4 }), colour, 2)).toBe(true);
    }
  });

  test.each(Object.entries(COLOURS))(
    '%s is the same to others who decode the poster, within 3 levels',
    async (_name, colour) => {
      const { poster } = await collect([picture(colour)]).finish(signal);
      const rgb = await decodedByFfmpeg(poster);
      expect(rgb).toHaveLength(SIZE.width * SIZE.height * 3);
      expect(near(rgb, colour, 3)).toBe(true);
    },
  );

  // WebP itself is off by 5 at these qualities.
  test.each([
    ['gif', 4],
    ['webp', 8],
  ] as const)('those of a %s preview are right within %i levels', async (format, levels) => {
    for (const colour of Object.values(COLOURS)) {
      const { preview } = await collect([picture(colour)], { preview: { ...PREVIEW_DEFAULTS, format } }).finish(signal);
      const rgb = await sharp(preview ?? undefined)
        .removeAlpha()
        .raw()
        .toBuffer();
      expect(near(rgb, colour, levels)).toBe(true);
    }
  });

  test('a plane that shrinks keeps its means, also where pixels are cut', () => {
    expect([...areaMeans(Uint8Array.of(0, 90, 240), { width: 3, height: 1 }, { width: 2, height: 1 })]).toEqual([
      30, 190,
    ]);
    expect([...areaMeans(Uint8Array.of(10, 20, 30, 40), { width: 2, height: 2 }, { width: 1, height: 1 })]).toEqual([
      25,
    ]);
    expect([...areaMeans(Uint8Array.of(10, 20), { width: 2, height: 1 }, { width: 4, height: 1 })]).toEqual([
      10, 10, 20, 20,
    ]);
  });
});

describe('the poster', () => {
  test('is a JPEG as large as the video, or a WebP', async () => {
    const frames = [picture(COLOURS['gold'] as Colour, { stripe: 8 })];
    const jpeg = await sharp((await collect(frames).finish(signal)).poster).metadata();
    expect([jpeg.format, jpeg.width, jpeg.height, jpeg.chromaSubsampling]).toEqual(['jpeg', 320, 180, '4:2:0']);
    const webp = await sharp((await collect(frames, { posterFormat: 'webp' }).finish(signal)).poster).metadata();
    expect([webp.format, webp.width, webp.height]).toEqual(['webp', 320, 180]);
  });

  test('shows the frame that the template names', async () => {
    const frames = [COLOURS['red'], COLOURS['gold'], COLOURS['blue']].map((colour) => picture(colour as Colour));
    const { poster, posterFrame } = await collect(frames, { posterFrame: 1 }).finish(signal);
    expect(posterFrame).toBe(1);
    expect(near(await decodedByFfmpeg(poster), COLOURS['gold'] as Colour, 3)).toBe(true);
  });

  test('shows what has sharp detail rather than a plain or a blurred picture', () => {
    const night = COLOURS['night'] as Colour;
    const blurred = picture(night, { stripe: 16, soft: 8 });
    const sharpened = picture(night, { stripe: 16, soft: 1 });
    expect(choose([picture(night), blurred, sharpened, blurred, picture(COLOURS['white'] as Colour)])).toBe(2);
  });

  test('shows a picture that stands rather than one that passes by', () => {
    const night = COLOURS['night'] as Colour;
    const passing = [1, 2, 3, 4].map((step) => picture(night, { stripe: 8, shift: step * 7 }));
    const standing = picture(night, { stripe: 10 });
    // Fewer stripes, so less detail: it wins because it holds.
    const frames = [picture(night), ...passing, standing, standing, standing, ...passing];
    expect(choose(frames)).toBe(6);
  });

  test('is not taken anew for every frame of a picture that hardly changes', () => {
    const night = COLOURS['night'] as Colour;
    const still = picture(night, { stripe: 10 });
    const hardly = Buffer.from(still);
    hardly[SIZE.width * 3 + 200] = 60;
    expect(choose([still, hardly, still, hardly])).toBe(0);
  });

  test('of a film that ends before the named frame is its first', () => {
    const frames = [picture(COLOURS['red'] as Colour), picture(COLOURS['gold'] as Colour)];
    expect(choose(frames, 7)).toBe(0);
    expect(choose([])).toBeUndefined();
  });

  test('is the same bytes for the same frames', async () => {
    const frames = [4, 8, 12].map((stripe) => picture(COLOURS['night'] as Colour, { stripe }));
    const preview = { ...PREVIEW_DEFAULTS, format: 'webp' } as const;
    const [one, two] = [
      await collect(frames, { preview }).finish(signal),
      await collect(frames, { preview }).finish(signal),
    ];
    expect(Buffer.compare(one.poster, two.poster)).toBe(0);
    expect(one.preview).toEqual(two.preview);
  });
});

test('detail is nothing on a plain picture, and movement is the change since the last', () => {
  const meter = new DetailMeter(SIZE);
  expect(meter.look(picture(COLOURS['black'] as Colour))).toEqual({ detail: 0, motion: 0 });
  expect(meter.look(picture(COLOURS['white'] as Colour))).toEqual({ detail: 0, motion: 219 });
  expect(new DetailMeter({ width: 1, height: 1 }).look(Uint8Array.of(90))).toEqual({ detail: 0, motion: 0 });
});

describe('a preview shows', () => {
  const frames = (count: number, fps: number, options = PREVIEW_DEFAULTS) =>
    previewSteps({ frameCount: count, fps }, options).map(({ frame }) => frame);
  const total = (count: number, fps: number): number =>
    previewSteps({ frameCount: count, fps }, PREVIEW_DEFAULTS).reduce((sum, { ms }) => sum + ms, 0);

  test('the middle second of each third of a long film', () => {
    const shown = frames(360, 30);
    expect(shown).toHaveLength(24);
    expect([shown[0], shown[8], shown[16]]).toEqual([45, 165, 285]);
    expect(shown.at(-1)).toBeLessThan(315);
    expect(shown).toEqual([...new Set(shown)].sort((a, b) => a - b));
    expect(total(360, 30)).toBe(3000);
  });

  test('all of a short film', () => {
    expect(frames(60, 30)).toEqual([0, 4, 8, 11, 15, 19, 23, 26, 30, 34, 38, 41, 45, 49, 53, 56]);
    expect(total(60, 30)).toBe(2000);
    expect(frames(1, 30)).toEqual([0]);
  });

  test('each picture of a slow film once, for longer', () => {
    const steps = previewSteps({ frameCount: 4, fps: 2 }, PREVIEW_DEFAULTS);
    expect(steps.map(({ frame }) => frame)).toEqual([0, 1, 2, 3]);
    expect(steps.reduce((sum, { ms }) => sum + ms, 0)).toBe(2000);
  });

  test('one stretch when it is too short for three', () => {
    const shown = frames(360, 30, { ...PREVIEW_DEFAULTS, lengthMs: 500 });
    expect((shown.at(-1) ?? 0) - (shown[0] ?? 0)).toBeLessThan(30);
  });
});

describe('a preview', () => {
  const moving = Array.from({ length: 60 }, (_, index) =>
    picture(COLOURS['night'] as Colour, { stripe: 12, shift: index }),
  );

  test.each(['gif', 'webp'] as const)('as %s begins with the poster and goes on with the film', async (format) => {
    const { preview } = await collect(moving, {
      posterFrame: 59,
      preview: { ...PREVIEW_DEFAULTS, format, width: 160 },
    }).finish(signal);
    const about = await sharp(preview ?? undefined, { pages: -1 }).metadata();
    expect([about.format, about.width, about.pageHeight, about.pages, about.loop]).toEqual([format, 160, 90, 17, 0]);
    expect(about.delay?.[0]).toBe(1000);
    expect(about.delay?.slice(1).reduce((sum, ms) => sum + ms, 0)).toBe(2000);
  });

  test('is never wider than the video', async () => {
    const { preview } = await collect(moving.slice(0, 2), { preview: { ...PREVIEW_DEFAULTS, width: 640 } }).finish(
      signal,
    );
    expect((await sharp(preview ?? undefined).metadata()).width).toBe(320);
  });

  test('holds a picture that stands instead of repeating it', async () => {
    const held = Array.from({ length: 60 }, (_, index) => moving[index < 30 ? 0 : 1] as Buffer);
    const { preview } = await collect(held, { posterFrame: 59, preview: PREVIEW_DEFAULTS }).finish(signal);
    expect((await sharp(preview ?? undefined, { pages: -1 }).metadata()).delay).toEqual([1000, 1000, 1000]);
  });

  test('keeps to its limit: coarser, then with fewer pictures, then the poster alone, then not at all', async () => {
    const noisy = Array.from({ length: 30 }, (_, frame) => {
      const data = picture(COLOURS['night'] as Colour);
      for (let at = 0, seed = frame + 1; at < SIZE.width * SIZE.height; at++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        data[at] = 16 + (seed >>> 24) * 0.85;
      }
      return data;
    });
    const previewWithin = async (limitBytes: number): Promise<{ bytes: number; pages: number } | null> => {
      const { preview } = await collect(noisy, {
        posterFrame: 29,
        preview: { ...PREVIEW_DEFAULTS, limitBytes },
      }).finish(signal);
      if (preview === null) return null;
      return { bytes: preview.byteLength, pages: (await sharp(preview, { pages: -1 }).metadata()).pages ?? 1 };
    };
    const free = await previewWithin(10_000_000);
    expect(free?.pages).toBe(9);
    for (const share of [0.9, 0.4]) {
      const limit = Math.round((free?.bytes ?? 0) * share);
      const bound = await previewWithin(limit);
      expect(bound?.bytes).toBeLessThanOrEqual(limit);
    }
    expect((await previewWithin(Math.round((free?.bytes ?? 0) * 0.18)))?.pages).toBe(1);
    expect(await previewWithin(1_000)).toBeNull();
  });

  test.each([
    ['width', { width: 4 }],
    ['fps', { fps: 60 }],
    ['lengthMs', { lengthMs: 60_000 }],
    ['limitBytes', { limitBytes: 1.5 }],
  ])('with a %s out of range is refused', (name, change) => {
    expect(() => collect(moving.slice(0, 1), { preview: { ...PREVIEW_DEFAULTS, ...change } })).toThrow(
      new RegExp(`^A preview's ${name} is a whole number from \\d+ to \\d+, not`),
    );
  });

  test('is not made for a render that was cancelled', async () => {
    await expect(collect(moving.slice(0, 1)).finish(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
