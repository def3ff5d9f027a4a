import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { unreclaimable } from '../../src/rendering/browser/memory.ts';
import { describePageEnd } from '../../src/rendering/browser/page-end.ts';
import { machineSize, processorQuota, slotsFor } from '../../src/rendering/browser/sizing.ts';

const GiB = 1024 ** 3;

describe('the number of slots', () => {
  test.each([
    { cores: 2, memoryBytes: 24 * GiB, slots: 2, why: 'a browser per core' },
    { cores: 16, memoryBytes: 4 * GiB, slots: 7, why: 'as far as memory goes' },
    { cores: 4, memoryBytes: 1 * GiB, slots: 1, why: 'one where there is little' },
    { cores: 1, memoryBytes: 0.2 * GiB, slots: 1, why: 'one in any case' },
  ])('for $cores cores and $memoryBytes bytes is $slots: $why', ({ slots, ...size }) => {
    expect(slotsFor(size)).toBe(slots);
  });

  test('is found for this machine', () => {
    const { cores, memoryBytes } = machineSize();
    expect(cores).toBeGreaterThanOrEqual(1);
    expect(memoryBytes).toBeGreaterThan(0.1 * GiB);
    expect(Number.isFinite(memoryBytes)).toBe(true);
  });
});

describe('the processors that control groups allow', () => {
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'nightreel-groups-'));
    const files = {
      'cpu.max': 'max 100000\n',
      'kubepods/cpu.max': '350000 100000\n',
      'kubepods/pod/cpu.max': 'max 100000\n',
      'cpu,cpuacct/docker/cpu.cfs_quota_us': '150000\n',
      'cpu,cpuacct/docker/cpu.cfs_period_us': '100000\n',
      'cpu,cpuacct/free/cpu.cfs_quota_us': '-1\n',
      'cpu,cpuacct/free/cpu.cfs_period_us': '100000\n',
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
  });
  afterAll(async () => await rm(root, { recursive: true }));

  test.each([
    ['version 2, the limit of an ancestor', '0::/kubepods/pod\n', 3.5],
    ['version 2, no limit', '0::/\n', Number.POSITIVE_INFINITY],
    ['version 1', '4:memory:/docker\n3:cpu,cpuacct:/docker\n0::/\n', 1.5],
    ['version 1, no limit', '3:cpu,cpuacct:/free\n', Number.POSITIVE_INFINITY],
    ['no control groups', '', Number.POSITIVE_INFINITY],
  ])('%s', (_name, ownGroups, expected) => {
    expect(processorQuota(root, ownGroups)).toBe(expected);
  });
});

test('memory that counts is anonymous and shared memory, not pages of files', () => {
  const status = 'VmRSS:\t  104000 kB\nRssAnon:\t   17000 kB\nRssFile:\t   86000 kB\nRssShmem:\t    1000 kB\n';
  expect(unreclaimable(status)).toBe(18_000 * 1024);
  expect(unreclaimable('')).toBe(0);
});

test.each([
  [9, /killed \(SIGKILL\).*more of it, or fewer slots/],
  [5, /ran out of memory.*template's author/],
  [11, /^Chromium's page process ended \(signal 11\)\.$/],
  [null, /^Chromium's page process ended\.$/],
])('a page that ended by signal %s is told in a sentence that says who can act', (signal, sentence) => {
  expect(describePageEnd(signal)).toMatchObject({
    failureClass: 'BrowserCrashed',
    message: expect.stringMatching(sentence),
  });
});
