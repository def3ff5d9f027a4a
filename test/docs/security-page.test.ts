/** SECURITY.md names tests and pages: they are there. */

import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const isThere = (path: string): Promise<boolean> =>
  access(join(ROOT, path)).then(
    () => true,
    () => false,
  );

test('every threat names a test, and every test and page that is named exists', async () => {
  const page = await readFile(join(ROOT, 'SECURITY.md'), 'utf8');
  const [, section = ''] = page.split('\n## Threats\n');
  const threats = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| **'));
  expect(threats.length).toBeGreaterThan(15);
  const unshown = threats.filter((threat) => !/`test\/[\w/-]+\.test\.ts`/.test(threat));
  expect(unshown).toEqual([]);
  const named = [...page.matchAll(/`(test\/[^`]+)`|\]\((docs\/[^)#]+)/g)].map(([, file, link]) => file ?? link ?? '');
  const missing = [];
  for (const path of new Set(named)) if (!(await isThere(path))) missing.push(path);
  expect(missing).toEqual([]);
});
