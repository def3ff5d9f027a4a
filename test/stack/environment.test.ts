import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { embeddedParts, resolveConnections } from '../../src/config/connections.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { ROOT } from './helpers.ts';

const failureOf = (variables: Record<string, string>): { failureClass: string; message: string } => {
  try {
    readEnvironment(variables);
  } catch (error) {
    return error as { failureClass: string; message: string };
  }
  throw new Error('nothing was thrown');
};

describe('without variables', () => {
  test('the embedded servers are meant, and their state lies in the project', () => {
    const environment = readEnvironment({ AWS_REGION: 'eu-central-1', TEMPORAL_DEBUG: '1', TEMPORAL_ADDRESS: '' });
    expect(environment).toMatchObject({ home: `${ROOT}/.nightreel`, temporal: null, s3: null, logLevel: 'info' });
    expect(embeddedParts(environment)).toEqual(['temporal', 'seaweedfs']);
  });

  test('a stack that does not run is a sentence that says what to do', async () => {
    const nowhere = readEnvironment({ NIGHTREEL_HOME: '/nowhere/at/all' });
    await expect(resolveConnections(nowhere)).rejects.toMatchObject({ failureClass: 'TemporalUnavailable' });
    const ownTemporal = readEnvironment({ NIGHTREEL_HOME: '/nowhere/at/all', TEMPORAL_ADDRESS: 'temporal:7233' });
    await expect(resolveConnections(ownTemporal)).rejects.toMatchObject({
      failureClass: 'StorageUnavailable',
      message: expect.stringContaining('nightreel up'),
    });
  });
});

test('videos go to the store as they are made unless a variable says otherwise', () => {
  const directOf = (value: string): boolean => readEnvironment({ NIGHTREEL_UPLOAD_DIRECT: value }).uploadDirect;
  expect([directOf(''), directOf('on'), directOf('off')]).toEqual([true, true, false]);
  expect(failureOf({ NIGHTREEL_UPLOAD_DIRECT: 'no' })).toMatchObject({
    failureClass: 'EnvironmentInvalid',
    message: 'NIGHTREEL_UPLOAD_DIRECT must be one of on, off.',
  });
});

test('webhooks are web addresses without a password, and one of your own comes with a secret; no message shows them', () => {
  expect(readEnvironment({}).webhooks).toEqual({ slack: null, own: null });
  const set = {
    NIGHTREEL_SLACK_WEBHOOK: 'https://hooks.slack.com/services/T0/B0/x',
    NIGHTREEL_WEBHOOK: 'https://hooks.example/nights',
    NIGHTREEL_WEBHOOK_SECRET: 'sixteen letters.',
  };
  expect(readEnvironment(set).webhooks).toEqual({
    slack: set.NIGHTREEL_SLACK_WEBHOOK,
    own: { url: set.NIGHTREEL_WEBHOOK, secret: set.NIGHTREEL_WEBHOOK_SECRET },
  });
  for (const [wrong, sentence] of [
    [{ NIGHTREEL_SLACK_WEBHOOK: 'hush-hush' }, 'NIGHTREEL_SLACK_WEBHOOK must be an http or https address.'],
    [
      { NIGHTREEL_WEBHOOK: 'https://me:hush@a.example' },
      'NIGHTREEL_WEBHOOK must have no user name and password in it.',
    ],
    [{ NIGHTREEL_WEBHOOK_SECRET: 'hush' }, 'NIGHTREEL_WEBHOOK_SECRET must have 16 characters or more.'],
    [{ NIGHTREEL_WEBHOOK_SECRET: '' }, /^NIGHTREEL_WEBHOOK goes with NIGHTREEL_WEBHOOK_SECRET/],
  ] as const) {
    const { failureClass, message } = failureOf({ ...set, ...wrong });
    expect([failureClass, message]).toEqual([
      'EnvironmentInvalid',
      typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    ]);
  }
});

test('no address that is shown has a password in it, and no message has one that did', () => {
  const s3 = { AWS_ACCESS_KEY_ID: 'x', NIGHTREEL_BUCKET: 'some-bucket' };
  const refused: readonly Record<string, string>[] = [
    { ...s3, AWS_ENDPOINT_URL_S3: 'http://me:hush-hush@store:9000' },
    { ...s3, AWS_ENDPOINT_URL: 'https://hush-hush@store' },
    { TEMPORAL_ADDRESS: 'me:hush-hush@temporal:7233' },
    { NIGHTREEL_PUBLIC_URL: 'https://me:hush-hush@cdn.example' },
    { NIGHTREEL_REPORT_URL: 'https://me:hush-hush@reports.example' },
    { NIGHTREEL_TEMPORAL_UI_URL: 'https://me:hush-hush@ui.example' },
    { NIGHTREEL_TRACE_URL: 'https://me:hush-hush@traces.example/{traceId}' },
  ];
  for (const variables of refused) {
    const { failureClass, message } = failureOf(variables);
    expect(failureClass).toBe('EnvironmentInvalid');
    expect(message).toMatch(/(without a|must have no) user name/);
    expect(message).not.toContain('hush-hush');
  }
});

test("a mistake in a profile's file is told by its line, without what stands there", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-profile-'));
  try {
    const path = join(folder, 'temporal.toml');
    for (const text of ['[profile.default]\napi_key = "hush-hush\n', '[profile.default]\napi_key = hush-hush\n']) {
      await writeFile(path, text);
      const { failureClass, message } = failureOf({ TEMPORAL_CONFIG_FILE: path });
      expect([failureClass, message]).toEqual([
        'EnvironmentInvalid',
        expect.stringMatching(/Invalid TOML.*\(line 2 of/),
      ]);
      expect(message).not.toContain('hush-hush');
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe("the user's own Temporal", () => {
  test.each([
    [{ TEMPORAL_ADDRESS: 'temporal.internal:7233' }, { address: 'temporal.internal:7233' }, 'default'],
    [{ TEMPORAL_NAMESPACE: 'video' }, { address: 'localhost:7233' }, 'video'],
    [
      { TEMPORAL_ADDRESS: 'a.tmprl.cloud:7233', TEMPORAL_API_KEY: 'key', TEMPORAL_NAMESPACE: 'a.b' },
      { address: 'a.tmprl.cloud:7233', apiKey: 'key', tls: true },
      'a.b',
    ],
  ])('is taken from %j', (variables, connectionOptions, namespace) => {
    const { temporal } = readEnvironment(variables);
    expect(temporal).toMatchObject({ connectionOptions, namespace, uiUrl: null });
  });

  test('shows its Web UI where that is named', () => {
    const variables = { TEMPORAL_ADDRESS: 'a:7233', NIGHTREEL_TEMPORAL_UI_URL: 'https://temporal.internal/' };
    expect(readEnvironment(variables).temporal?.uiUrl).toBe('https://temporal.internal');
  });

  test('with a profile that does not exist is refused', () => {
    const failure = failureOf({ TEMPORAL_PROFILE: 'nobody', TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml' });
    expect(failure.failureClass).toBe('EnvironmentInvalid');
  });
});

describe("the user's own object store", () => {
  test('on AWS leaves region and credentials to the SDK unless a region is named', () => {
    expect(readEnvironment({ NIGHTREEL_BUCKET: 'reels', AWS_PROFILE: 'prod' }).s3).toMatchObject({
      bucket: 'reels',
      clientConfig: {},
      publicBaseUrl: null,
    });
    const { s3 } = readEnvironment({ NIGHTREEL_BUCKET: 'reels', AWS_DEFAULT_REGION: 'eu-west-1' });
    expect(s3?.clientConfig).toEqual({ region: 'eu-west-1' });
  });

  test('at an endpoint is addressed by path, in the bucket nightreel, in some region', () => {
    const { s3 } = readEnvironment({
      AWS_ENDPOINT_URL_S3: 'http://minio:9000',
      NIGHTREEL_PUBLIC_URL: 'https://cdn.example/v/',
      NIGHTREEL_REPORT_URL: 'https://staff.example/',
    });
    expect(s3).toMatchObject({
      bucket: 'nightreel',
      clientConfig: { endpoint: 'http://minio:9000', forcePathStyle: true, region: 'us-east-1' },
      publicBaseUrl: 'https://cdn.example/v',
      reportBaseUrl: 'https://staff.example',
    });
  });

  test('is addressed by host name where that is said, and encrypts as is said', () => {
    const own = {
      ...{ AWS_ENDPOINT_URL_S3: 'https://cos.example', NIGHTREEL_S3_ADDRESSING: 'host' },
      ...{ NIGHTREEL_S3_ENCRYPTION: 'aws:kms', NIGHTREEL_S3_KMS_KEY: 'alias/films' },
    };
    expect(readEnvironment(own).s3).toMatchObject({
      clientConfig: { endpoint: 'https://cos.example', forcePathStyle: false },
      encryption: { algorithm: 'aws:kms', kmsKey: 'alias/films' },
    });
    const { s3 } = readEnvironment({ NIGHTREEL_BUCKET: 'reels', NIGHTREEL_S3_ADDRESSING: 'path' });
    expect(s3).toMatchObject({ clientConfig: { forcePathStyle: true }, encryption: null });
  });

  test.each(['', 'AES256'])('with a KMS key and encryption "%s" is refused', (algorithm) => {
    const own = { NIGHTREEL_BUCKET: 'reels', NIGHTREEL_S3_KMS_KEY: 'k', NIGHTREEL_S3_ENCRYPTION: algorithm };
    expect(failureOf(own)).toMatchObject({
      failureClass: 'EnvironmentInvalid',
      message: expect.stringContaining('NIGHTREEL_S3_KMS_KEY goes with NIGHTREEL_S3_ENCRYPTION=aws:kms'),
    });
  });

  test('on AWS without a bucket is refused, naming what says that it is meant', () => {
    const failure = failureOf({ AWS_ACCESS_KEY_ID: 'AKIA' });
    expect(failure.failureClass).toBe('EnvironmentInvalid');
    expect(failure.message).toContain('AWS_ACCESS_KEY_ID');
    expect(failure.message).toContain('NIGHTREEL_BUCKET');
  });
});

test.each([
  ['NIGHTREEL_LOG_LEVEL', 'loud'],
  ['NIGHTREEL_BUCKET', 'Not A Bucket'],
  ['NIGHTREEL_PUBLIC_URL', 'cdn.example'],
  ['NIGHTREEL_REPORT_URL', 'staff.example'],
  ['NIGHTREEL_S3_ADDRESSING', 'virtual'],
  ['NIGHTREEL_S3_ENCRYPTION', 'rot13'],
])('%s=%s is refused by name', (name, value) => {
  const failure = failureOf({ [name]: value });
  expect(failure.failureClass).toBe('EnvironmentInvalid');
  expect(failure.message).toContain(name);
});
