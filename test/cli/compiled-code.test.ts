/** Code that is compiled is kept between two starts, and only where nobody else can have put any. */

import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtempDisposable, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);
const CLI = resolve(import.meta.dirname, '../../bin/nightreel');
const NOBODY = 65_534;

/** Starts the command line once with such variables; what it has kept, by name, in a folder that `variables` may name as `{home}`. */
async function keptBy(variables: Readonly<Record<string, string>>, prepare?: (home: string) => Promise<void>) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'nightreel-compiled-'));
  await prepare?.(folder.path);
  const env = Object.entries(variables).map(([name, value]) => [name, value.replace('{home}', folder.path)]);
  await run(CLI, ['--version'], {
    env: { PATH: process.env['PATH'] ?? '', ...Object.fromEntries(env) },
    cwd: folder.path,
  });
  const names = await readdir(folder.path, { recursive: true });
  const kept = names.find((name) => name.endsWith('nightreel/compiled'));
  const mode = kept === undefined ? null : ((await stat(join(folder.path, kept))).mode & 0o777).toString(8);
  return { kept, mode, isFilled: names.some((name) => name.includes('compiled/v')) };
}

test('in the home folder of the user, closed to others', async () => {
  const expected = { kept: '.cache/nightreel/compiled', mode: '700', isFilled: true };
  expect(await keptBy({ HOME: '{home}' })).toEqual(expected);
});

test('or where XDG_CACHE_HOME is, with a home folder or without', async () => {
  const expected = { kept: 'nightreel/compiled', mode: '700', isFilled: true };
  expect(await keptBy({ XDG_CACHE_HOME: '{home}' })).toEqual(expected);
  expect(await keptBy({ HOME: '/proc', XDG_CACHE_HOME: '{home}' })).toEqual(expected);
});

test.each<[string, Record<string, string>]>([
  ['there is no home folder', {}],
  ['that is not there', { HOME: '{home}/none' }],
  ['nothing can be made in it', { HOME: '/proc' }],
  ['XDG_CACHE_HOME is no whole path', { XDG_CACHE_HOME: 'cache' }],
  ['somebody wants it so', { HOME: '{home}', NODE_COMPILE_CACHE: '' }],
])('nowhere, and all works as well, where %s', async (_, variables) => {
  expect(await keptBy(variables)).toEqual({ kept: undefined, mode: null, isFilled: false });
});

test('not in a folder of somebody else, who could have put code there', async () => {
  if (process.getuid?.() !== 0) return;
  const prepare = async (home: string): Promise<void> => {
    const path = join(home, '.cache/nightreel/compiled');
    await mkdir(path, { recursive: true });
    await chmod(path, 0o777);
    await chown(path, NOBODY, NOBODY);
  };
  expect(await keptBy({ HOME: '{home}' }, prepare)).toMatchObject({ isFilled: false });
});
