import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inspectTemporal, startStack } from '../../src/stack/index.ts';
import { isFree } from '../../src/stack/ports.ts';
import {
  binaries,
  launchNightreel,
  nightreel,
  optionsFor,
  resultOf,
  serversOf,
  temporaryHome,
  until,
} from './helpers.ts';

const oneSentence = (text: string): boolean => text.trim().split('\n').length === 1;

test('up starts, a second up says that it runs, status tells where, down ends it, wipe deletes it', async () => {
  await using home = await temporaryHome();
  const up = await nightreel(home.folder, ['up']);
  expect([up.code, up.stderr]).toEqual([0, expect.stringContaining('`nightreel down` ends it.')]);
  const pids = await serversOf(home.folder);
  expect(pids).toHaveLength(2);

  const again = await nightreel(home.folder, ['up']);
  expect([again.code, again.stdout]).toEqual([0, up.stdout]);
  expect(again.stderr).toContain('It runs already');
  expect(await serversOf(home.folder)).toEqual(pids);

  const status = await nightreel(home.folder, ['status', '--json']);
  expect(status.code).toBe(0);
  const told = JSON.parse(status.stdout);
  expect(told).toMatchObject({
    running: true,
    temporal: { embedded: true, problem: null, namespace: 'default' },
    s3: { embedded: true, problem: null, bucket: 'nightreel' },
  });
  expect(status.stdout).not.toMatch(/secret/i);
  expect(up.stdout).toContain(told.temporal.uiUrl);

  expect((await nightreel(home.folder, ['down'])).code).toBe(0);
  expect(await serversOf(home.folder)).toEqual([]);
  expect((await nightreel(home.folder, ['status'])).code).toBe(3);
  const wiped = await nightreel(home.folder, ['down', '--wipe']);
  expect([wiped.code, wiped.stderr]).toEqual([0, expect.stringContaining('temporal.db')]);
});

test('up tells which usual port is taken and which one it took instead', async () => {
  const squatter = (await isFree(8333)) ? createServer().listen(8333, '127.0.0.1') : null;
  if (squatter) await once(squatter, 'listening');
  try {
    await using home = await temporaryHome();
    const up = await nightreel(home.folder, ['up']);
    expect([up.code, up.stderr]).toEqual([
      0,
      expect.stringMatching(/^Port 8333 is taken; SeaweedFS \(s3\) listens on \d+ /m),
    ]);
    expect(up.stdout).not.toContain(':8333 ');
  } finally {
    squatter?.close();
  }
});

test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  'up --foreground takes its servers with it on %s',
  async (signal) => {
    await using home = await temporaryHome();
    const child = launchNightreel(home.folder, ['up', '--foreground']);
    const ended = resultOf(child);
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += String(chunk);
    });
    await until('it is up', () => said.includes('Ctrl-C'));
    expect(await serversOf(home.folder)).toHaveLength(2);
    child.kill(signal);
    expect((await ended).code).toBe(signal === 'SIGKILL' ? null : 0);
    await until('its servers are gone', async () => (await serversOf(home.folder)).length === 0);
  },
);

describe("with the user's own servers", () => {
  let other: Awaited<ReturnType<typeof temporaryHome>>;
  let variables: Record<string, string>;
  let endpoint: string;

  beforeAll(async () => {
    other = await temporaryHome();
    const { s3 } = await startStack(optionsFor(other.folder));
    endpoint = s3.endpoint;
    variables = {
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      NIGHTREEL_BUCKET: s3.bucket,
    };
  });
  afterAll(async () => other[Symbol.asyncDispose]());

  test('up registers the missing search attributes and starts nothing', async () => {
    await using home = await temporaryHome();
    let port = 13_000;
    while (!(await isFree(port))) port += 1;
    const args = [
      'server',
      'start-dev',
      '--headless',
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--log-level',
      'never',
    ];
    const bare = spawn(binaries.temporal, args, { stdio: 'ignore' });
    try {
      const address = `127.0.0.1:${port}`;
      const target = { connectionOptions: { address }, namespace: 'default' };
      const missing = () => inspectTemporal(target).then((found) => found.missingSearchAttributes);
      await until('the bare server answers', () =>
        missing().then(
          (names) => names?.length === 4,
          () => false,
        ),
      );

      const env = { ...variables, TEMPORAL_ADDRESS: address };
      const up = await nightreel(home.folder, ['up'], env);
      expect([up.code, up.stderr]).toEqual([0, expect.stringContaining('Registered the search attributes')]);
      expect(up.stdout).toContain(address);
      expect(await serversOf(home.folder)).toEqual([]);
      await until('they are there', async () => (await missing())?.length === 0);
      const status = await nightreel(home.folder, ['status', '--json'], env);
      expect(JSON.parse(status.stdout)).toMatchObject({
        running: true,
        temporal: { embedded: false },
        s3: { embedded: false },
      });
    } finally {
      bare.kill();
      await once(bare, 'exit');
    }
  });

  test('only the other one is embedded', async () => {
    await using home = await temporaryHome();
    const up = await nightreel(home.folder, ['up'], variables);
    expect([up.code, up.stdout]).toEqual([0, expect.stringContaining(endpoint)]);
    expect(await serversOf(home.folder)).toHaveLength(1);
  });

  test.each([
    ['a Temporal server that does not answer', { TEMPORAL_ADDRESS: '127.0.0.1:9' }, /127\.0\.0\.1:9.*TEMPORAL_ADDRESS/],
    ['a wrong key', { AWS_SECRET_ACCESS_KEY: 'wrong' }, /StorageDenied/],
    ['a bucket that does not exist', { NIGHTREEL_BUCKET: 'no-such-bucket' }, /no-such-bucket/],
  ])('%s is one sentence and exit code 3, and nothing is started', async (_, wrong, sentence) => {
    await using home = await temporaryHome();
    const up = await nightreel(home.folder, ['up'], { ...variables, ...wrong });
    expect(up.code).toBe(3);
    expect(up.stderr).toMatch(sentence);
    expect(oneSentence(up.stderr)).toBe(true);
    expect(await serversOf(home.folder)).toEqual([]);
  });
});
