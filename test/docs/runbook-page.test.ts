/** What keeps a page of commands honest: none is left out, fails, or prints something else unnoticed. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Runbook } from '../support/runbook.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightreel-page-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

const VARIABLES = { PATH: '/usr/bin:/bin' };

async function pageOf(...lines: string[]): Promise<Runbook> {
  const path = join(folder, 'page.md');
  await writeFile(path, lines.join('\n'));
  return await Runbook.read(path);
}

test('a command that nobody ran is told with its line, and one that ran is not', async () => {
  const page = await pageOf(
    '# One',
    '```sh',
    'echo one',
    'echo two \\',
    '  three',
    '```',
    '# Two',
    '```sh',
    'true',
    '```',
  );
  const one = page.under('One', folder, VARIABLES);
  expect(page.untested).toEqual(['3: echo one', '5: echo two \\\n  three', '9: true']);
  expect(await one.run('echo two')).toBe('two three\n');
  await page.under('Two', folder, VARIABLES).run('true');
  expect(page.untested).toEqual(['3: echo one']);
  await expect(one.run('true')).rejects.toThrow("no command 'true'");
});

test('values stand in for the samples of a page, and what is exported is there for the next command', async () => {
  const page = await pageOf('# One', '```sh', 'export DAY=2026-11-23 OF=$DAY', 'echo $OF', '#> 2026-03-02', '```');
  const one = page.under('One', folder, VARIABLES);
  await one.run('export', { DAY: '2026-03-02' });
  expect(await one.run('echo')).toBe('2026-03-02\n');
});

test('a command that fails, or prints something else than the page says, is not taken for run', async () => {
  const page = await pageOf('# One', '```sh', 'echo a b c', '#> a … c', 'echo a b', '#> a … c', 'false', '```');
  const one = page.under('One', folder, VARIABLES);
  await one.run('echo a b c');
  await expect(one.run('echo a b')).rejects.toThrow('line 5 promises');
  await expect(one.run('false')).rejects.toThrow('ended with 1');
  expect(page.untested).toEqual(['5: echo a b', '7: false']);
});

test('a command outside of the blocks must begin one that is in a block', async () => {
  const page = await pageOf(
    'Take `tctl workflow',
    'reset`, not `nightreel fly` nor `temporal server` nor `make`.',
    '',
    '    nightreel swim',
    '```sh',
    'tctl workflow reset --run_id $RUN',
    '```',
  );
  expect(page.unknown).toEqual(['nightreel fly', 'temporal server', 'nightreel swim']);
  await expect(pageOf('```bash', '$ nightreel fly', '```')).rejects.toThrow(
    "line 2: a command in a block that is not 'sh'",
  );
});
