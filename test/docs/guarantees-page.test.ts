/** docs/guarantees.md names tests: they are there. */

import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

test('every promise names a test, and every test that is named exists', async () => {
  const page = await readFile(join(ROOT, 'docs/guarantees.md'), 'utf8');
  const promises = page.split('\n').filter((line) => line.startsWith('| **'));
  expect(promises.length).toBeGreaterThan(10);
  for (const promise of promises) {
    const named = promise.match(/test\/[\w/-]+\.test\.ts/g) ?? [];
    expect([promise, named.length > 0]).toEqual([promise, true]);
    for (const file of named) await access(join(ROOT, file));
  }
});
