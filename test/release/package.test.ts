/** What `npm pack` makes, laid out as npm does it in a folder that has nothing else, with the packages that it says it needs. */

import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lockedPackages, readLock } from '../../scripts/licences.ts';
import type { Diagnosis } from '../../src/cli/doctor/check.ts';
import { workflowVersion } from '../../src/workers/workflow-version.ts';
import { temporaryFolder } from '../warehouse/support.ts';

const MINUTE = 60_000;
const ROOT = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let installed: string;
let packed: string[];

beforeAll(async () => {
  folder = await temporaryFolder();
  installed = join(folder.path, 'node_modules/nightreel');
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder.path], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  });
  // Npm prints what `prepack` says before its own JSON.
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [
    { filename: string; files: { path: string }[] },
  ];
  packed = files.map(({ path }) => path);
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder.path, filename), '-C', installed, '--strip-components', '1']);
  // As `npm install` without development packages would leave it: those of this checkout, by links.
  for (const { path, isDev, isOptional } of lockedPackages(await readLock())) {
    if (isDev || path.lastIndexOf('node_modules') > 0) continue;
    const [from, to] = [join(ROOT, path), join(folder.path, path)];
    if (isOptional && !(await isThere(from))) continue;
    await mkdir(dirname(to), { recursive: true });
    await symlink(from, to);
  }
  await mkdir(join(folder.path, 'node_modules/.bin'));
  await symlink('../nightreel/bin/nightreel', join(folder.path, 'node_modules/.bin/nightreel'));
}, 3 * MINUTE);

afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
});

const isThere = (path: string): Promise<boolean> =>
  readdir(path).then(
    () => true,
    () => false,
  );

/** Of somebody who has installed the Node.js that it needs. */
const inherited = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(TEMPORAL_|AWS_|OTEL_|NIGHTREEL_(HOME|PROJECT)|NODE_OPTIONS)/.test(name),
    ),
  ),
  PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
  // The package lies in another folder every time: nobody would ever use what is kept of it.
  NODE_COMPILE_CACHE: '',
};

/** The command as npm puts it on a project's path, in that project. */
const nightreel = (...args: string[]) =>
  run(join(folder.path, 'node_modules/.bin/nightreel'), args, { cwd: folder.path, env: inherited });

test('has what runs and what is read, and nothing that only a checkout needs', () => {
  const wanted = [
    ...['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'bin/nightreel', 'dist/sbom.cdx.json'],
    ...['dist/lib/src/cli/main.js', 'dist/lib/src/index.d.ts', 'dist/lib/src/rendering/capture/i420/i420.wasm'],
    ...['templates/referral/index.html', 'campaigns/referral.yaml', 'docs/schemas/campaign.schema.json'],
  ];
  expect(wanted.filter((path) => !packed.includes(path))).toEqual([]);
  const source = packed.filter((path) => /(?<!\.d)\.ts$/.test(path) && !path.startsWith('templates/'));
  expect([...new Set(source.map((path) => dirname(path)))].sort()).toEqual(['src/contracts', 'src/workflows']);
  expect(packed.filter((path) => /(^|\/)(test|node_modules|\.nightreel|\.tools|peers)\//.test(path))).toEqual([]);
});

test('names no folder of the machine that made it', async () => {
  const text = packed.filter((path) => /^dist\/.*\.(js|json|d\.ts)$/.test(path));
  for (const path of text) {
    const content = await readFile(join(installed, path), 'utf8');
    const maps = [...content.matchAll(/sourceMappingURL=data:[^,]*;base64,([\w+/=]+)/g)];
    const all = [content, ...maps.map(([, data = '']) => Buffer.from(data, 'base64').toString('utf8'))].join('\n');
    const places = [ROOT, homedir() === '/root' ? '/root/' : homedir()];
    expect([path, places.filter((place) => all.includes(place))]).toEqual([path, []]);
  }
});

/** Runs a few lines in the project's folder. */
const evaluate = async (code: string): Promise<string> =>
  (
    await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: folder.path, env: inherited })
  ).stdout.trim();

/** What a file of the compiled code exports, by its path below src/. */
const exported = (path: string, expression: string): Promise<string> =>
  evaluate(
    `import * as code from ${JSON.stringify(join(installed, 'dist/lib/src', path))}; console.log(${expression});`,
  );

test('has workflows of the version that the checkout has, bundled beforehand', async () => {
  const version = await workflowVersion();
  expect(await exported('workers/workflow-version.js', 'await code.workflowVersion()')).toBe(version);
  const bundles = ['-encoded', '-traced-encoded', '-traced', ''].map((kind) => `${version}${kind}.js`);
  expect((await readdir(join(installed, 'dist/workflows'))).sort()).toEqual(bundles);
});

test(
  'examines the machine, renders the referral template, and makes the bytes that the checkout makes',
  async () => {
    const diagnosis = JSON.parse((await nightreel('doctor', '--json')).stdout) as Diagnosis;
    expect(diagnosis).toMatchObject({ ok: true });
    await nightreel('render', 'referral', '--rendition', 'email-480p', '--out', 'referral.mp4');
    expect((await readFile(join(folder.path, 'referral.mp4'))).length).toBeGreaterThan(100_000);
    const args = ['render', join(ROOT, 'test/fixtures/templates/tiny'), '--rendition', 'email-480p', '--out'];
    const files = ['packed', 'checkout'].map((name) => join(folder.path, `${name}.mp4`)) as [string, string];
    await nightreel(...args, files[0]);
    await run(join(ROOT, 'bin/nightreel'), [...args, files[1]], { env: inherited });
    const [packedBytes, checkoutBytes] = [await readFile(files[0]), await readFile(files[1])];
    expect(packedBytes.equals(checkoutBytes)).toBe(true);
  },
  2 * MINUTE,
);

test(
  'keeps templates and state in the folder where it is used, and looks there first',
  async () => {
    expect((await nightreel('init', 'welcome')).stdout).toContain(join(folder.path, 'templates/welcome'));
    await rm(join(folder.path, 'templates/welcome/index.html'));
    await run(process.execPath, [join(installed, 'dist/lib/scripts/embed-template.js'), 'templates/welcome'], {
      cwd: folder.path,
    });
    expect((await nightreel('check', 'welcome', '--static')).stdout).toContain("Template 'welcome' is fit");
    expect((await nightreel('check', 'referral', '--static')).stdout).toContain("Template 'referral' is fit");
    const state = async () =>
      `${await exported('config/settings.js', 'code.projectRoot()')} ${await exported('config/environment.js', 'code.readEnvironment({}).home')}`;
    expect(await state()).toBe(`${installed} ${join(folder.path, '.nightreel')}`);
    await mkdir(join(folder.path, 'campaigns'));
    expect(await state()).toBe(`${folder.path} ${join(folder.path, '.nightreel')}`);
    await expect(nightreel('bench', 'soak')).rejects.toThrow('Run it in a checkout');
    expect((await readdir(installed)).filter((name) => name.startsWith('.'))).toEqual([]);
  },
  MINUTE,
);

test('has types for what it gives to other programs', async () => {
  const program = `import { type BatchReport, parseReport, pointerSchema } from 'nightreel';
export const failed = (text: string): BatchReport['summary']['failed'] => parseReport(text, 'report.json').summary.failed;
export const name: string = pointerSchema.parse({}).recipientId;
// @ts-expect-error: it is a number
export const wrong: string = parseReport('', '').summary.failed;
`;
  await writeFile(join(folder.path, 'reader.mts'), program);
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--skipLibCheck',
    '--types',
    '',
  ];
  await run(join(ROOT, 'node_modules/.bin/tsc'), [...options, 'reader.mts'], { cwd: folder.path });
  const read = "import { FAILURES } from 'nightreel'; console.log(FAILURES.FontMissing.actor)";
  expect(await evaluate(read)).toBe('author');
});
