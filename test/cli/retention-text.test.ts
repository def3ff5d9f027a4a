import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { forgetText } from '../../src/cli/run-forget.ts';
import { gcText } from '../../src/cli/run-gc.ts';
import { createScanProgress } from '../../src/cli/scan-progress.ts';
import type { Garbage } from '../../src/retention/collect-garbage.ts';

test('what was forgotten is told kind by kind, with what may be left', () => {
  const request = { recipientId: 'u-1', campaign: null, dryRun: false };
  const done = { objects: { manifests: 3, pointers: 1, videos: 2 }, sharedVideos: 1, unknownScenes: 0 };
  expect(forgetText(request, done, true)).toBe(`u-1: forgotten in the bucket
  pointers             1 removed
  videos               2 removed
  manifest pages       3 written anew
  1 of their videos stay: others have them too.
  The bucket keeps versions: what went is there until its lifecycle rules end it. See docs/life-of-data.md.
`);
  expect(forgetText(request, { objects: {}, sharedVideos: 0, unknownScenes: 0 }, true)).toBe(
    'u-1: nothing in the bucket names them.\n',
  );
});

test('garbage is told in columns, the kinds that there are', () => {
  const none = { objects: 0, bytes: 0 };
  const nothing = { there: none, unused: none, young: none, removed: none };
  const videos = {
    there: { objects: 1_204, bytes: 2_000_000_000 },
    unused: { objects: 300, bytes: 450_500_000 },
    young: { objects: 100, bytes: 150_200_000 },
    removed: none,
  };
  const garbage: Garbage = {
    kinds: {
      ...{ videos, posters: nothing, scenes: nothing, templates: nothing, lists: nothing, ledgers: nothing },
      screenshots: nothing,
    },
    ...{ pointers: 904, keptBatches: 64, pastBatches: 12, unknownScenes: [], heldBy: [] },
  };
  expect(gcText({ olderThanDays: 30, keepBatchesDays: 90, removes: false }, garbage)).toBe(
    `904 pointers; 64 batches of the last 90 days, 12 before
                  there       not used   of it younger than 30 d       would go
videos   1,204 (2.0 GB)   300 (451 MB)              100 (150 MB)   200 (300 MB)
Nothing was removed; --delete does that.
`,
  );
});

test('a scan shows one line that changes on a terminal, and a line now and then elsewhere', () => {
  const shown = (isTTY: boolean): string => {
    const stream = Object.assign(new PassThrough(), { isTTY });
    let now = 0;
    const progress = createScanProgress(stream, () => now);
    for (let done = 1_000; done <= 1_300; done += 100) {
      now += 5_000;
      progress.update('pointers read', done);
    }
    progress[Symbol.dispose]();
    return String(stream.read() ?? '');
  };
  expect(shown(false)).toBe('1,100 pointers read\n1,300 pointers read\n');
  const wiped = '\u001b[1G\u001b[2K';
  expect(shown(true)).toBe(
    `${['1,000', '1,100', '1,200', '1,300'].map((count) => `${wiped}${count} pointers read`).join('')}${wiped}`,
  );
});
