import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type ManifestLine, RowManifest } from '../../src/local/row-manifest.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightreel-manifest-'));
  path = join(folder, 'manifest.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const line = (id: string, digit = 'a'): ManifestLine => ({
  ...{ id, file: `${id}.mp4`, sha256: digit.repeat(64), sizeBytes: 7, durationMs: 250, key: 'c'.repeat(64) },
});
const textOf = (...lines: readonly ManifestLine[]): string => lines.map((one) => `${JSON.stringify(one)}\n`).join('');

test('what was added is there for the next process, and the last line of an ID counts', async () => {
  {
    await using manifest = await RowManifest.open(path);
    await Promise.all([manifest.append([line('a'), line('b')]), manifest.append([line('ü 🦊', 'e')])]);
    await manifest.append([line('a', 'f')]);
    expect(await manifest.get('a')).toEqual(line('a', 'f'));
  }
  await using again = await RowManifest.open(path);
  expect(again.size).toBe(3);
  expect(await again.get('a')).toEqual(line('a', 'f'));
  expect(await again.get('b')).toEqual(line('b'));
  expect(await again.get('ü 🦊')).toEqual(line('ü 🦊', 'e'));
  expect(await again.get('c')).toBeNull();
});

test('a line that was cut off by a kill is dropped, wherever it was cut, and the next one follows on whole lines', async () => {
  const [whole, torn] = [textOf(line('a'), line('b')), textOf(line('ü'))];
  // Nothing of it, its first byte, half a letter, all but its end.
  const cuts = [0, 1, Buffer.from(torn).indexOf('ü') + 1, Buffer.byteLength(torn) - 1];
  for (const bytes of cuts) {
    await writeFile(path, Buffer.concat([Buffer.from(whole), Buffer.from(torn).subarray(0, bytes)]));
    await using manifest = await RowManifest.open(path);
    expect([await manifest.get('ü'), manifest.size]).toEqual([null, 2]);
    await manifest.append([line('d')]);
    expect(await readFile(path, 'utf8')).toBe(whole + textOf(line('d')));
  }
});

test('lines that are none are passed over', async () => {
  await writeFile(path, textOf(line('a')));
  await appendFile(path, 'not JSON\n\n{"id":"x"}\n');
  await appendFile(path, textOf(line('b')));
  await using manifest = await RowManifest.open(path);
  expect(manifest.size).toBe(2);
  expect(await manifest.get('b')).toEqual(line('b'));
  expect(await manifest.get('x')).toBeNull();
  await manifest.compact();
  expect(await readFile(path, 'utf8')).toBe(textOf(line('a'), line('b')));
});

test('compacting leaves the last line of each ID', async () => {
  await using manifest = await RowManifest.open(path);
  await manifest.append([line('a'), line('b'), line('c')]);
  await manifest.append([line('a', 'd'), line('c', 'd'), line('a', 'e')]);
  await manifest.compact();
  expect(await readFile(path, 'utf8')).toBe(textOf(line('b'), line('c', 'd'), line('a', 'e')));
});

test('thousands of lines are found again', async () => {
  const lines = Array.from({ length: 5000 }, (_, at) => line(`id-${at}`));
  {
    await using manifest = await RowManifest.open(path);
    await manifest.append(lines);
    await manifest.append(lines.slice(0, 2500).map(({ id }) => line(id, 'b')));
    await manifest.compact();
  }
  await using again = await RowManifest.open(path);
  expect(again.size).toBe(5000);
  for (const at of [0, 1, 2499]) expect(await again.get(`id-${at}`)).toEqual(line(`id-${at}`, 'b'));
  for (const at of [2500, 4999]) expect(await again.get(`id-${at}`)).toEqual(line(`id-${at}`));
});

test('one that cannot be opened says why', async () => {
  await expect(RowManifest.open(join(folder, 'no/manifest.jsonl'))).rejects.toMatchObject({
    failureClass: 'EnvironmentInvalid',
    message: expect.stringMatching(/manifest\.jsonl cannot be written: the folder does not exist/),
  });
});
