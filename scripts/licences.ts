/**
 * Licences of what package-lock.json names: `npm run build:licences` writes docs/licences.md from it. A licence that is not allowed
 * here fails a test.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');

/** By SPDX's names: of no one of them does anything follow for Nightreel's own code, which only calls such packages. */
const ALLOWED: ReadonlySet<string> = new Set([
  ...['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT', 'Unlicense'],
  // Data (caniuse-lite); whole files of its own (mediabunny); a shared library of its own (libvips).
  ...['CC-BY-4.0', 'MPL-2.0', 'LGPL-3.0-or-later'],
]);

/** Read in the packages themselves, where the lock file says nothing or no name of SPDX's. */
const READ: Readonly<Record<string, string>> = {
  '@biomejs/cli': 'MIT OR Apache-2.0',
  '@duckdb/node-bindings': 'MIT',
  '@hyperframes/core': 'Apache-2.0',
  '@hyperframes/lint': 'Apache-2.0',
  '@hyperframes/parsers': 'Apache-2.0',
  '@hyperframes/studio-server': 'Apache-2.0',
  '@swc/core': 'Apache-2.0 AND MIT',
  '@unrs/resolver-binding': 'MIT',
  async: 'MIT',
  'simple-lru-cache': 'MIT',
  unionfs: 'Unlicense',
};
/** Of no kind of their own, and read by a person. GSAP may be used and passed on free of charge, but for tools that make animations without code. */
const SPECIAL: Readonly<Record<string, string>> = {
  gsap: "Standard 'no charge' license: https://gsap.com/standard-license.",
};

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string(),
      license: z.string().optional(),
      integrity: z.string().optional(),
      dev: z.boolean().default(false),
      optional: z.boolean().default(false),
      hasInstallScript: z.boolean().default(false),
    }),
  ),
});

export interface LockedPackage {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly isAllowed: boolean;
  /** Null: nothing says what its bytes must be. */
  readonly integrity: string | null;
  /** Not installed with Nightreel's package. */
  readonly isDev: boolean;
  readonly isOptional: boolean;
  readonly hasInstallScript: boolean;
}

/** All that the text of a package-lock.json names, but for the project itself. */
export function lockedPackages(lock: string): LockedPackage[] {
  const { packages } = lockSchema.parse(JSON.parse(lock));
  return Object.entries(packages).flatMap(
    ([path, { version, license, integrity = null, dev, optional, hasInstallScript }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      if (path === '') return [];
      const licence = license ?? readBy(name) ?? 'unknown';
      const isAllowed = SPECIAL[name] === licence || allows(licence);
      return { path, name, version, licence, isAllowed, integrity, isDev: dev, isOptional: optional, hasInstallScript };
    },
  );
}

/** One for each system has the licence of the others. */
const readBy = (name: string): string | undefined =>
  READ[name] ?? READ[Object.keys(READ).find((known) => name.startsWith(`${known}-`)) ?? ''];

/** Whether one side of an `OR`, and both of an `AND`, may be used. No expression here nests them. */
const allows = (expression: string): boolean =>
  expression
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((side) => side.split(' AND ').every((licence) => ALLOWED.has(licence)));

/** docs/licences.md. */
export function licencesPage(packages: readonly LockedPackage[]): string {
  const byLicence = Map.groupBy(
    packages.filter(({ isDev }) => !isDev),
    ({ licence }) => licence,
  );
  const sections = [...byLicence]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([licence, of]) => {
      const names = [...new Set(of.map(({ name, version }) => `${name} ${version}`))].sort();
      return `## ${licence}\n\n${names.join(', ')}`;
    });
  return `${[
    '# Licences of what Nightreel is installed with',
    'Nightreel itself: [Apache-2.0](../LICENSE). Fonts inside the templates: the SIL Open Font License, whose text lies beside them (`OFL.txt`). Each package below brings the text of its own licence. `npm run build:licences` writes this page from `package-lock.json`; packages for other systems than yours are on it, too. `sbom.cdx.json` in the package has the same for programs (CycloneDX).',
    ...sections,
  ].join('\n\n')}\n`;
}

export const readLock = (): Promise<string> => readFile(join(ROOT, 'package-lock.json'), 'utf8');

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await writeFile(join(ROOT, 'docs/licences.md'), licencesPage(lockedPackages(await readLock())));
}
