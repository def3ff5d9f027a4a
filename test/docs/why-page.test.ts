/** docs/why.md names every field of the line of a failed attempt, and no other. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { failureLineSchema } from '../../src/reporting/why/failure-line.ts';

test('the page has every field of the schema, in its order', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/why.md'), 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| `'));
  const fields = table.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(fields).toEqual(Object.keys(failureLineSchema.shape));
});
