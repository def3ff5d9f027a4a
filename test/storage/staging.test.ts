import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import { viaFile } from '../../src/storage/staging.ts';

const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('nightreel-staged-'));

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
