import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { workRoot } from '../../src/machine/owned-folders.ts';
import { viaFile } from '../../src/storage/staging.ts';

const folders = (): string[] =>
  existsSync(workRoot()) ? readdirSync(workRoot()).filter((name) => name.includes(`-${process.pid}-`)) : [];

test('a staged video is read from a file that is gone afterwards, however it went', async () => {
  const before = folders();
  const bytes = Buffer.from('a video');
  const read = await viaFile(bytes, async (same) => {
    expect(folders()).toHaveLength(before.length + 1);
    return same;
  });
  expect(Buffer.from(read).equals(bytes)).toBe(true);
  const failing = viaFile(bytes, () => Promise.reject(new Error('no store')));
  await expect(failing).rejects.toThrow('no store');
  expect(folders()).toEqual(before);
});
