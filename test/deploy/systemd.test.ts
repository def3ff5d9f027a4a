/** The units of deploy/systemd, as systemd itself reads them; and that a broken copy does not pass. */

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isRole, ROLES } from '../../src/workers/roles.ts';
import { SHUTDOWN_FORCE } from '../../src/workers/shutdown.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const UNITS = join(ROOT, 'deploy/systemd');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightreel-units-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

const textOf = (name: string): Promise<string> => readFile(join(UNITS, name), 'utf8');
const valueIn = (text: string, key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';

/** What systemd and we have against a unit. */
async function faultsOf(name: string, text: string): Promise<string> {
  const here = join(folder, name);
  // It looks whether the program is there.
  await writeFile(here, text.replace('/opt/nightreel/bin', join(ROOT, 'bin')));
  const verified = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', here]).catch(
    (error: { readonly stderr: string }) => error,
  );
  const faults = [verified.stderr.replaceAll(`${folder}/`, '')];
  if (Number(valueIn(text, 'TimeoutStopSec')) <= Number.parseInt(SHUTDOWN_FORCE, 10))
    faults.push(`systemd kills before a worker has ended by itself, after ${SHUTDOWN_FORCE}: TimeoutStopSec=90.`);
  for (const [key, value] of [
    ['NoNewPrivileges', 'yes'],
    ['CapabilityBoundingSet', ''],
    ['ProtectSystem', 'strict'],
  ] as const)
    if (!text.includes(`\n${key}=${value}\n`)) faults.push(`Set ${key}=${value}.`);
  if (valueIn(text, 'User') === '') faults.push('It runs as root: set User.');
  return faults.join('').trim();
}

test('the units are sound, and between them they have every role', async () => {
  const names = (await readdir(UNITS)).sort();
  const roles: string[] = [];
  for (const name of names) {
    const text = await textOf(name);
    expect(await faultsOf(name, text)).toBe('');
    roles.push(...(/--roles (\S+)/.exec(text)?.[1]?.split(',') ?? []));
  }
  expect(roles.filter(isRole).sort()).toEqual([...ROLES].sort());
});

test.each([
  ['a misspelt key', 'NoNewPrivileges', 'NoNewPrivilege', "'NoNewPrivilege' in section"],
  ['a program that is not there', 'bin/nightreel', 'bin/nightrail', 'is not executable: No such file or directory'],
  ['a system call that there is not', '@system-service', '@system-servise', '@system-servise'],
  ['a stop that is too early', 'TimeoutStopSec=90', 'TimeoutStopSec=60', 'systemd kills before a worker has ended'],
  ['root', 'User=nightreel\n', '', 'It runs as root: set User.'],
])('a broken copy is refused: %s', async (_, right, wrong, sentence) => {
  const text = await textOf('nightreel-render.service');
  expect(text).toContain(right);
  expect(await faultsOf('nightreel-render.service', text.replace(right, wrong))).toContain(sentence);
});
