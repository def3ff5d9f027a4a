/** The Dockerfile by hadolint and by rules of our own; each refuses a broken copy. */

import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freshCompose, ROOT } from '../support/compose.ts';
import { DOCKERFILE, dockerfileFindings, makeImage } from '../support/dockerfile.ts';

let text: string;
let targets: string[];

beforeAll(async () => {
  text = await readFile(DOCKERFILE, 'utf8');
  const { services } = await freshCompose();
  targets = [...new Set(Object.values(services).flatMap(({ build }) => build?.target ?? []))];
});

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

test('both images are right', async () => {
  expect(targets.sort()).toEqual(['orchestrator', 'render']);
  expect(await dockerfileFindings(text, targets)).toEqual([]);
});

const BROKEN: readonly (readonly [from: string | RegExp, to: string, finding: string | RegExp])[] = [
  ['node:24.21.0-bookworm-slim AS program', 'node:latest AS program', /^1?\d DL3007 /m],
  [
    'node:24.21.0-bookworm-slim AS program',
    'node:24.20.0-bookworm-slim AS program',
    'program is made from node:24.20.0',
  ],
  [/USER 1000:1000\nCMD \["serve", "--roles", "render"\]/, 'CMD ["serve"]', /DL3002 [\s\S]*render runs as 0:0/],
  [/USER 1000:1000/g, 'USER node', 'orchestrator runs as node'],
  ['# hadolint ignore=DL3008\n', '', 'DL3008'],
  ['--no-install-recommends ca', 'ca', 'DL3015'],
  ['RUN npm run build:workflows', 'RUN cd src && npm run build:workflows', 'DL3003'],
  ['COPY . .', 'ADD . .', 'DL3020'],
  ['["tini", "--", "bin/nightreel"]', 'bin/nightreel serve', 'DL3025'],
  ['["tini", "--", "bin/nightreel"]', '["bin/nightreel"]', 'orchestrator has no init'],
  ['ca-certificates tini', 'ca-certificates tini ffmpeg', 'orchestrator has ffmpeg, which nothing in it uses'],
  ['    xvfb \\\n', '', 'render has no xvfb'],
  ['AS render', 'AS renderer', 'there is no stage render'],
];

test.each(BROKEN)('%s → %s is refused', async (from, to, finding) => {
  const broken = text.replace(from, to);
  expect(broken).not.toBe(text);
  const found = (await dockerfileFindings(broken, targets)).join('\n');
  if (typeof finding === 'string') expect(found).toContain(finding);
  else expect(found).toMatch(finding);
});

describe('what the images take of this repository', () => {
  let context: string;

  beforeAll(async () => {
    context = await mkdtemp(join(tmpdir(), 'nightreel-image-'));
    await makeImage(context);
  });
  afterAll(async () => await rm(context, { recursive: true, force: true }));

  test('has every file and every package that the program imports', async () => {
    const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
    const lacking: string[] = [];
    // Benchmarks that start the tests' servers are for a checkout.
    for (const file of globSync('{src,scripts}/**/*.{ts,js,mjs}', { cwd: context })) {
      const source = await readFile(join(context, file), 'utf8');
      for (const [, path = ''] of source.matchAll(/(?:from|import\(|new URL\()\s*'(\.{1,2}\/[^']+)'/g))
        if (!existsSync(join(context, dirname(file), path))) lacking.push(`${file}: ${path}`);
      // npm ci --omit=dev leaves these out.
      for (const [, name = ''] of source.matchAll(/(?:from|import\()\s*'((?:@[\w-]+\/)?[\w-]+)/g))
        if (packages[`node_modules/${name}`]?.dev === true) lacking.push(`${file}: ${name}`);
    }
    expect(lacking).toEqual([]);
  });

  test('tells a worker that does not work by its health check', () => {
    const { status, stdout } = spawnSync(process.execPath, [join(context, 'deploy/docker/healthcheck.mjs')], {
      encoding: 'utf8',
      env: { NIGHTREEL_HEALTH_ADDRESS: '1' },
    });
    expect([status, stdout]).toEqual([1, expect.stringContaining('http://127.0.0.1:1/ready does not answer')]);
  });

  test('is enough to make the warehouse of docker-compose.yml', () => {
    const made = join(context, 'people.csv');
    const { status, stdout, stderr } = spawnSync(
      join(context, 'bin/nightreel'),
      ['data', 'generate', '--to', 'csv', '--file', made, '--recipients', '20', '--json'],
      { encoding: 'utf8', env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` } },
    );
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ place: made });
  });
});
