/** docs/failures.md says of every class what the code does with it. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { describeFailure, FAILURES, type FailureClass, RETRY } from '../../src/contracts/failures.ts';

test('the page has a line for every class, with who acts, how often it is tried, and the sentence that people read', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/failures.md'), 'utf8');
  const lines = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const expected = (Object.keys(FAILURES) as FailureClass[]).map((name) => {
    const { actor, retryable, attempts = RETRY.attempts, pause, sentence } = describeFailure(name);
    const again = retryable ? `${attempts} attempts${pause === undefined ? '' : `, ${pause} apart`}` : 'no';
    return ['', `\`${name}\``, actor, again, sentence, ''];
  });
  expect(lines).toEqual(expected);
});
