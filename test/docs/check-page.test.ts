/** docs/check.md lists every check and every rule of the source, with its severity. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { RULES } from '../../src/checking/rules.ts';
import { selectChecks } from '../../src/checking/selection.ts';

const page = (): Promise<string> => readFile(join(import.meta.dirname, '../../docs/check.md'), 'utf8');

test('the page has a row for every rule, with its severity', async () => {
  const rows = (await page())
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  // The source's table comes first; a check that draws may know better, and say so in its own.
  const listed = new Map(
    rows.toReversed().map(([, , rule = '', severity = '']) => [rule.replaceAll('`', ''), severity]),
  );
  const known = Object.entries(RULES).map(([rule, { severity }]) => [rule, severity]);
  expect(known.map(([rule = '']) => [rule, listed.get(rule)])).toEqual(known);
});

test('the page names every check', async () => {
  const selection = selectChecks({});
  if (typeof selection === 'string') throw new Error(selection);
  const text = await page();
  const unnamed = [...selection.sourceIds, ...selection.drawnIds].filter((id) => !text.includes(`\`${id}\``));
  expect(unnamed).toEqual([]);
});
