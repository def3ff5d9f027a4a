import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { workflowVersion } from '../../src/workers/workflow-version.ts';

interface Start {
  readonly codePath: string;
  readonly bundled: boolean;
}

test('a worker bundles once and reads that again; where the bundle was built beforehand, it never does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-bundle-'));
  const program = join(import.meta.dirname, '../support/bundle.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, folder]);
  const { before, built, after } = JSON.parse(stdout) as { before: Start[]; built: string[]; after: Start };
  expect(before.map(({ bundled }) => bundled)).toEqual([true, false]);
  expect(before.map(({ codePath }) => basename(dirname(codePath)))).toEqual(['cache', 'cache']);
  expect(after).toEqual({ codePath: built[0], bundled: false });
  // Named by its version, and alone: what older code left is gone.
  expect(await readdir(join(folder, 'prebuilt'))).toEqual([`${await workflowVersion()}.js`]);
  await rm(folder, { recursive: true });
});
