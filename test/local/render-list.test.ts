/** The folder of a list and what is done to it: everything but the pixels. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Failure, type FailureClass } from '../../src/contracts/failures.ts';
import type { Params } from '../../src/contracts/video.ts';
import { OutputFolder } from '../../src/local/output-folder.ts';
import { readList } from '../../src/local/read-list.ts';
import { renderList, type SettledVideo } from '../../src/local/render-list.ts';
import type { ManifestLine } from '../../src/local/row-manifest.ts';
import { ListTally } from '../../src/local/summary.ts';
import type { Template } from '../../src/templates/template.ts';
import { fixture } from '../rendering/support.ts';

let template: Template;
let out: string;
beforeAll(async () => {
  template = await fixture('tiny');
});
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'nightreel-list-'));
});
afterEach(() => rm(out, { recursive: true }));

interface Run {
  readonly engineDigest?: string;
  readonly render?: (params: Params, signal: AbortSignal) => Promise<void>;
  readonly signal?: AbortSignal;
  readonly isWhole?: boolean;
  /** Of every video. */
  readonly padding?: number;
  readonly onSettled?: (settled: SettledVideo) => void;
}

/** Renders a list with an engine that makes a few bytes of each set of params; says what it made. */
async function run(rows: string, { engineDigest = 'e', render, isWhole = true, padding = 0, ...over }: Run = {}) {
  const signal = over.signal ?? new AbortController().signal;
  const open = async () => Readable.from([Buffer.from(`id,name\n${rows}`)], { objectMode: false });
  using plan = await readList({ name: 'list', open, template, rendition: 'email-480p' }, signal);
  const tally = new ListTally();
  const made: string[] = [];
  await using folder = await OutputFolder.open(out);
  await renderList(
    {
      ...{ variants: plan.variants, template, rendition: 'email-480p', engineDigest, folder, concurrency: 3 },
      render: async (params, either) => {
        await render?.(params, either);
        made.push(String(params['name']));
        const bytes = Buffer.concat([Buffer.from(`${params['name']} by ${engineDigest}`), Buffer.alloc(padding)]);
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        return { bytes, sha256, sizeBytes: bytes.length, durationMs: 2000 };
      },
      onSettled: async (settled) => {
        tally.add(settled);
        over.onSettled?.(settled);
      },
    },
    signal,
  );
  if (isWhole) await folder.tidy();
  const { there, given, failed, failures } = tally;
  return { made: made.toSorted(), there, given, failed, failures };
}

const contents = async (): Promise<Record<string, string>> => {
  const names = (await readdir(out)).filter((name) => name.endsWith('.mp4')).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(out, name), 'utf8')] as const)),
  );
};
const manifest = async () =>
  (await readFile(join(out, 'manifest.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ManifestLine);

test('each row gets a file, and one that is shared is rendered once and lies on the disk once', async () => {
  expect(await run('a,Ada\nb,Bo\nc,Ada')).toMatchObject({ made: ['Ada', 'Bo'], there: 0, given: 3 });
  expect(await contents()).toEqual({ 'a.mp4': 'Ada by e', 'b.mp4': 'Bo by e', 'c.mp4': 'Ada by e' });
  expect((await stat(join(out, 'a.mp4'))).ino).toBe((await stat(join(out, 'c.mp4'))).ino);
  const sha256 = createHash('sha256').update('Bo by e').digest('hex');
  expect((await manifest()).find(({ id }) => id === 'b')).toEqual({
    ...{ id: 'b', file: 'b.mp4', sha256, sizeBytes: 7, durationMs: 2000, key: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect((await readdir(out)).sort()).toEqual(['a.mp4', 'b.mp4', 'c.mp4', 'manifest.jsonl']);
});

describe('the next run', () => {
  beforeEach(() => run('a,Ada\nb,Bo\nc,Cy'));

  test('renders nothing that is there', async () => {
    expect(await run('a,Ada\nb,Bo\nc,Cy')).toMatchObject({ made: [], there: 3, given: 0 });
  });

  test('renders what changed, gives a new row what another has, and leaves who is gone', async () => {
    expect(await run('a,Ada\nb,Bob\nd,Ada')).toMatchObject({ made: ['Bob'], there: 1, given: 2 });
    expect(await contents()).toEqual({
      ...{ 'a.mp4': 'Ada by e', 'b.mp4': 'Bob by e', 'c.mp4': 'Cy by e', 'd.mp4': 'Ada by e' },
    });
    expect((await manifest()).map(({ id }) => id).sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('renders everything for another engine', async () => {
    expect(await run('a,Ada\nb,Bo', { engineDigest: 'f' })).toMatchObject({ made: ['Ada', 'Bo'], there: 0 });
    expect(await contents()).toMatchObject({ 'a.mp4': 'Ada by f', 'c.mp4': 'Cy by e' });
  });

  test('renders again what was removed, altered or cut off', async () => {
    await rm(join(out, 'a.mp4'));
    await rm(join(out, 'b.mp4'));
    await writeFile(join(out, 'b.mp4'), 'Bo by x');
    await writeFile(join(out, 'c.mp4'), 'Cy');
    expect((await run('a,Ada\nb,Bo\nc,Cy')).made).toEqual(['Ada', 'Bo', 'Cy']);
    expect(await contents()).toMatchObject({ 'b.mp4': 'Bo by e', 'c.mp4': 'Cy by e' });
  });

  test('two people who swap their params get each the own', async () => {
    expect((await run('a,Bo\nb,Ada\nc,Cy')).there).toBe(1);
    expect(await contents()).toMatchObject({ 'a.mp4': 'Bo by e', 'b.mp4': 'Ada by e' });
  });
});

describe('of a run that was killed', () => {
  const work = () => join(out, '.nightreel-work');

  test('a video that was on the disk and in no manifest is not rendered again', async () => {
    await run('a,Ada');
    const [line] = await manifest();
    // As it was between the first name and the line that says so.
    await writeFile(join(out, 'manifest.jsonl'), '');
    await mkdir(work());
    await link(join(out, 'a.mp4'), join(work(), `${line?.key}.mp4`));
    expect(await run('a,Ada\nc,Ada')).toMatchObject({ made: [], given: 2 });
    expect((await readdir(out)).sort()).toEqual(['a.mp4', 'c.mp4', 'manifest.jsonl']);
    expect((await manifest()).map(({ id }) => id)).toEqual(['a', 'c']);
  });

  test('what was half-written goes, and what is not ours stays', async () => {
    await mkdir(work());
    const half = [join(work(), `${'a'.repeat(64)}.mp4.partial`), join(work(), 'a.mp4.partial')];
    for (const path of [...half, join(work(), 'notes.txt')]) await writeFile(path, 'x');
    await run('a,Ada');
    expect(await readdir(work())).toEqual(['notes.txt']);
  });
});

describe('a video that fails', () => {
  const failing = (failureClass: FailureClass, times = Number.POSITIVE_INFINITY) => {
    let left = times;
    return async ({ name }: Params): Promise<void> => {
      if (name !== 'Bo' || left === 0) return;
      left -= 1;
      throw new Failure(failureClass, 'It did.');
    };
  };

  test('leaves the others alone, and all who share it lack it', async () => {
    const settled: SettledVideo[] = [];
    const done = await run('a,Ada\nb,Bo\nc,Cy\nd,Bo', {
      ...{ render: failing('TemplateCrashed'), onSettled: (one) => void settled.push(one) },
    });
    expect(done).toMatchObject({ given: 2, failed: 2, failures: { TemplateCrashed: 2 } });
    expect(Object.keys(await contents())).toEqual(['a.mp4', 'c.mp4']);
    expect(settled.find(({ outcome }) => outcome === 'failed')?.ids).toEqual(['b', 'd']);
  });

  test('is tried again where that may help, and not for ever', async () => {
    expect(await run('b,Bo', { render: failing('BrowserCrashed', 2) })).toMatchObject({ given: 1, failed: 0 });
    await rm(join(out, 'b.mp4'));
    const lasting = await run('b,Bo', { render: failing('BrowserCrashed') });
    expect(lasting).toMatchObject({ given: 0, failed: 1, failures: { BrowserCrashed: 1 } });
  });

  test('for a reason that all would meet stops them all, and what was done stays', async () => {
    const full = run('a,Ada\nb,Bo\nc,Cy\nd,Di\ne,Ed', { render: failing('EnvironmentInvalid') });
    await expect(full).rejects.toMatchObject({ failureClass: 'EnvironmentInvalid' });
    const before = Object.keys(await contents()).length;
    expect(await run('a,Ada\nb,Bo\nc,Cy\nd,Di\ne,Ed')).toMatchObject({ there: before, given: 5 - before });
  });
});

test('what is stopped says so, and goes on where it was', async () => {
  const stop = new AbortController();
  const stopped = run('a,Ada\nb,Bo\nc,Cy\nd,Di\ne,Ed\nf,Flo\ng,Gil', {
    signal: stop.signal,
    isWhole: false,
    onSettled: () => stop.abort(new Failure('Cancelled', 'Stopped.')),
  });
  await expect(stopped).rejects.toMatchObject({ failureClass: 'Cancelled' });
  const { length: there } = await manifest();
  expect(there).toBeLessThan(7);
  expect(await run('a,Ada\nb,Bo\nc,Cy\nd,Di\ne,Ed\nf,Flo\ng,Gil')).toMatchObject({ there, given: 7 - there });
});

test('where a video cannot be written, it is said with the reason and nothing half-written stays', async () => {
  const replace = async (): Promise<void> => {
    // As a disk that went away.
    await rm(join(out, '.nightreel-work'), { recursive: true, force: true });
    await writeFile(join(out, '.nightreel-work'), '');
  };
  await expect(run('a,Ada', { render: replace })).rejects.toThrow(
    /cannot be written: part of the path is not a folder/,
  );
  expect(await contents()).toEqual({});
});

/** Only where this user may give a folder a disk of its own. */
const mountAt = (folder: string, options: string): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0;
const canMount = await (async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-disk-'));
  const mounted = mountAt(folder, 'size=64k');
  if (mounted) spawnSync('umount', [folder]);
  await rm(folder, { recursive: true });
  return mounted;
})();

(canMount ? test : test.skip)('a full disk stops the run and says so; with more room it goes on', async () => {
  const rows = Array.from({ length: 8 }, (_, at) => `id-${at},Person ${at}`).join('\n');
  expect(mountAt(out, 'size=256k')).toBe(true);
  try {
    const full = run(rows, { padding: 60_000 });
    await expect(full).rejects.toMatchObject({
      ...{
        failureClass: 'EnvironmentInvalid',
        message: expect.stringContaining('cannot be written: the disk is full'),
      },
    });
    const lines = await manifest();
    const found = await contents();
    expect(Object.keys(found)).toEqual(expect.arrayContaining(lines.map(({ file }) => file)));
    for (const text of Object.values(found)) expect(text.length).toBeGreaterThan(60_000);
    spawnSync('mount', ['-o', 'remount,size=4m', out]);
    expect(await run(rows, { padding: 60_000 })).toMatchObject({ there: lines.length, given: 8 - lines.length });
  } finally {
    spawnSync('umount', [out]);
  }
});
