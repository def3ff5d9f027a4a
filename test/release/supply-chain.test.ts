/** What Nightreel is made of: every package has a reason, a licence that may be used, and a digest. docs/dependencies.md, docs/licences.md. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { licencesPage, lockedPackages, readLock } from '../../scripts/licences.ts';

const ROOT = join(import.meta.dirname, '../..');
const text = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

/** Cells of the rows below a heading. */
function rowsOf(page: string, heading: string): string[][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const lines = section.split('\n## ')[0]?.split('\n') ?? [];
  return lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test('every dependency is on the page with its version, its day, its licence and why it is there; nothing else is', async () => {
  const page = await text('docs/dependencies.md');
  const { dependencies, devDependencies } = JSON.parse(await text('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const locked = new Map(lockedPackages(await readLock()).map((one) => [one.path, one]));
  for (const [heading, wanted = {}] of [
    ['At run time', dependencies],
    ['For tests and tools only', devDependencies],
  ] as const) {
    const rows = rowsOf(page, heading);
    const listed = rows.map(([name = '', version, , licence]) => [name, version, licence]);
    const licences = Object.entries(wanted).map(([name, version]) => [
      name,
      // One may stand in for another: npm:NAME@VERSION.
      version.replace(/^npm:.*@/, ''),
      locked.get(`node_modules/${name}`)?.licence,
    ]);
    expect(listed.sort()).toEqual(licences.sort());
    for (const [name, version, published, , why] of rows) {
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+(-r\.\d+)?$/)]);
      expect([name, published]).toEqual([name, expect.stringMatching(/^20\d\d-[01]\d-[0-3]\d$/)]);
      expect([name, why]).toEqual([name, expect.stringMatching(/\w/)]);
    }
  }
});

test('every licence may be used, and docs/licences.md is what `npm run build:licences` writes', async () => {
  const packages = lockedPackages(await readLock());
  expect(packages.filter(({ isAllowed }) => !isAllowed).map(({ name, licence }) => `${name}: ${licence}`)).toEqual([]);
  expect(await text('docs/licences.md')).toBe(licencesPage(packages));
});

test.each(['GPL-3.0-only', 'SEE LICENSE IN terms.txt', 'MIT AND SSPL-1.0', '(AGPL-3.0-only OR BUSL-1.1)', undefined])(
  'a package of licence %s is refused',
  (license) => {
    const packages = { 'node_modules/a/node_modules/@x/new': { version: '1.0.0', ...(license && { license }) } };
    const [found] = lockedPackages(JSON.stringify({ packages }));
    expect(found).toMatchObject({ name: '@x/new', isAllowed: false });
  },
);

test('a package of two licences is let through for either, or for both', () => {
  const of = (license: string) =>
    lockedPackages(JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0', license } } }));
  expect(of('(GPL-2.0-only OR MIT)')[0]?.isAllowed).toBe(true);
  expect(of('Apache-2.0 AND MIT')[0]?.isAllowed).toBe(true);
});

test('every package has a digest, comes from a registry, and the lock file names none', async () => {
  const lock = await readLock();
  const packages = lockedPackages(lock);
  expect(packages.length).toBeGreaterThan(500);
  expect(packages.filter(({ integrity }) => !integrity?.startsWith('sha512-')).map(({ path }) => path)).toEqual([]);
  expect(lock).not.toMatch(/"resolved":|"link": true/);
});

test('every install script was looked at, and setup runs none', async () => {
  const have = lockedPackages(await readLock()).filter(({ hasInstallScript }) => hasInstallScript);
  const listed = rowsOf(await text('docs/dependencies.md'), 'Install scripts').map(([name]) => name);
  expect(listed.sort()).toEqual([...new Set(have.map(({ name }) => name))].sort());
  const setup = await Promise.all(
    ['setup-node.sh', 'setup.sh', 'setup-tests.sh'].map((name) => text(`scripts/${name}`)),
  );
  const installs =
    setup
      .join('\n')
      .replaceAll('\\\n', ' ')
      .match(/\bnpm (install|ci) -.*/g) ?? [];
  expect(installs.length).toBe(2);
  for (const command of installs) expect(command).toContain('--ignore-scripts');
});

test('everything from PyPI is pinned by its digest, and pip is told to hold to that', async () => {
  for (const file of ['tools.lock', 'fakesnow.txt', 'hcl.txt']) {
    const requirements = (await text(`scripts/${file}`))
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('#'));
    expect(requirements.length).toBeGreaterThan(1);
    for (const line of requirements)
      expect(line).toMatch(/^[\w.-]+(\[[\w,]+\])?==[\w.]+( +--hash=sha256:[0-9a-f]{64})+$/);
  }
  for (const file of ['setup-servers.sh', 'setup-tests.sh']) {
    const commands =
      (await text(`scripts/${file}`)).replaceAll('\\\n', ' ').match(/-m pip (install|download) .*/g) ?? [];
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) expect(command).toContain('--require-hashes');
  }
});
