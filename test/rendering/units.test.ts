import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createProfile, sweepProfiles } from '../../src/rendering/browser/profiles.ts';
import { type CaptureChoice, type CaptureTools, candidatesFor } from '../../src/rendering/capture/probe.ts';
import { encodeOptions } from '../../src/rendering/encode/options.ts';
import { frameSizeOf, pageScaleOf } from '../../src/rendering/geometry.ts';
import { boxesOf, isFastStart, zeroCreationTimes } from '../../src/rendering/mp4/boxes.ts';
import { describeMissing } from '../../src/rendering/page/readiness.ts';

const box = (type: string, ...content: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.byteLength);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};

describe('sizes', () => {
  test.each([
    [1920, 1080, 480, 854, 480],
    [1920, 1080, 720, 1280, 720],
    [1920, 1080, 1080, 1920, 1080],
    [1080, 1920, 720, 720, 1280],
    [1000, 1000, 480, 480, 480],
    [4096, 2, 480, 983_040, 480],
    [333, 777, 480, 480, 1120],
  ])('%i x %i with a short side of %i is %i x %i', (width, height, shortSide, wide, high) => {
    expect(frameSizeOf({ width, height }, { shortSide })).toEqual({ width: wide, height: high });
  });

  test('a page is magnified enough to leave no gap on either side', () => {
    const [page, frame] = [
      { width: 1920, height: 1080 },
      { width: 854, height: 480 },
    ];
    const scale = pageScaleOf(page, frame);
    expect(page.width * scale).toBeGreaterThanOrEqual(frame.width);
    expect(page.height * scale).toBeGreaterThanOrEqual(frame.height);
  });
});

describe('boxes of an MP4', () => {
  const times = (version: number): Buffer =>
    Buffer.concat([Buffer.from([version, 0, 0, 0]), Buffer.alloc(version === 1 ? 16 : 8, 7), Buffer.from('rest')]);
  const movie = box(
    'moov',
    box('mvhd', times(0)),
    box('trak', box('tkhd', times(1)), box('mdia', box('mdhd', times(0)))),
  );

  test('creation times become 0 and nothing else changes', () => {
    const bytes = Buffer.concat([movie, box('mdat', Buffer.alloc(16, 7))]);
    const before = Buffer.from(bytes);
    zeroCreationTimes(bytes);
    const changed = [...bytes].filter((value, at) => value !== before[at]);
    expect(changed).toEqual(Array(8 + 16 + 8).fill(0));
  });

  test('an index in front of the media is a fast start, behind it is not', () => {
    const media = box('mdat', Buffer.alloc(4));
    expect(isFastStart(Buffer.concat([box('ftyp'), movie, media]))).toBe(true);
    expect(isFastStart(Buffer.concat([box('ftyp'), media, movie]))).toBe(false);
    expect(isFastStart(Buffer.concat([box('ftyp'), media]))).toBe(false);
  });

  test('a box that is longer than the file is refused', () => {
    const cut = movie.subarray(0, movie.byteLength - 4);
    expect(() => boxesOf(cut)).toThrow(RangeError);
  });
});

test('the encoder is told everything that bytes depend on, and never to leave out the edit list', () => {
  const { input, output } = encodeOptions({ fps: 30, size: { width: 854, height: 480 }, quality: { qp: 23 } });
  const line = output.join(' ');
  for (const wanted of [
    '-threads 1',
    'cpu-independent=1',
    '-fflags +bitexact',
    '-qp:v:0 23',
    '-level:v:0 3.1',
    '-g 60',
    '-movflags frag_keyframe+delay_moov',
    '-map_metadata -1',
  ]) {
    expect(line).toContain(wanted);
  }
  expect(line).not.toContain('empty_moov');
  // Frames are what the video is: nothing converts, repeats or drops them.
  expect(line).toContain('-fps_mode passthrough -enc_time_base 1:30 ');
  expect(line).not.toMatch(/-vf|-filter|scale=|format=/);
  for (const tag of ['-color_range tv', '-colorspace bt709', '-color_primaries bt709', '-color_trc bt709']) {
    expect([input.join(' '), line]).toEqual([expect.stringContaining(tag), expect.stringContaining(tag)]);
  }
});

test('what a page lacks is told by kind and number; the names that it gave are kept apart', () => {
  expect(describeMissing([{ kind: 'composition' }])).toEqual({
    what: 'a timeline with a duration, or window.__hf.seek',
    detail: undefined,
  });
  const images = [1, 2].map((number) => ({ kind: 'image', name: `${number}.png` }) as const);
  expect(describeMissing([...images, { kind: 'font', name: 'Inter' }])).toEqual({
    what: '2 images and 1 font',
    detail: 'image 1.png, image 2.png, font Inter',
  });
});

test('the fastest capture route is tried first, and only what is there', () => {
  const tried = (tools: CaptureTools, choice: CaptureChoice = 'auto') =>
    candidatesFor(tools, choice).map(({ route, executable }) => `${route} ${executable}`);
  const all = { headlessShell: 'shell', chromium: 'chromium', xvfb: 'Xvfb' };
  expect(tried(all)).toEqual(['xvfb chromium', 'begin-frame shell', 'screenshot shell', 'screenshot chromium']);
  expect(tried(all, 'begin-frame')).toEqual(['begin-frame shell']);
  expect(tried(all, 'screenshot')).toEqual(['screenshot shell', 'screenshot chromium']);
  expect(tried({ chromium: 'chromium' })).toEqual(['screenshot chromium']);
  expect(tried({ headlessShell: 'shell', xvfb: 'Xvfb' }, 'xvfb')).toEqual([]);
  expect(tried({})).toEqual([]);
});

test('profiles of processes that are gone are swept, those of this one stay', async () => {
  const root = await mkdtemp(join(tmpdir(), 'nightreel-profiles-'));
  try {
    const mine = await createProfile(root);
    const [space, pid] = mine.slice(root.length + 1).split('-');
    // This pid with another start time is somebody who had it earlier.
    await mkdir(join(root, `${space}-${pid}-1-earlier`));
    await mkdir(join(root, `${space}-4194305-1-gone`));
    await mkdir(join(root, `1${space}-4194305-1-elsewhere`));
    expect(await sweepProfiles(root)).toBe(2);
    expect((await readdir(root)).sort()).toEqual([mine.slice(root.length + 1), `1${space}-4194305-1-elsewhere`].sort());
  } finally {
    await rm(root, { recursive: true });
  }
});
