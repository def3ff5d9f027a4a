import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { assertConditionalWrites } from '../../src/storage/conditional-writes.ts';
import { TestHome } from '../support/nightreel.ts';
import { TEST_CREDENTIALS, TestS3 } from '../support/s3.ts';
import { type Intercept, ignoring, S3Proxy } from '../support/s3-proxy.ts';

let server: TestS3;
beforeAll(async () => {
  server = await TestS3.start();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

async function ask(intercept: Intercept): Promise<unknown> {
  await using proxy = await S3Proxy.start(server, intercept);
  using store = server.store({ endpoint: proxy.endpoint });
  return await assertConditionalWrites(store).then(
    () => 'fit',
    (error: unknown) => error,
  );
}

test('a store that honours both conditions is fit, asked for the first time, again, and by many at once', async () => {
  expect(await ask(() => false)).toBe('fit');
  expect(await ask(() => false)).toBe('fit');
  using store = server.store();
  await Promise.all(Array.from({ length: 12 }, () => assertConditionalWrites(store)));
});

test.each([
  ['if-none-match', 'overwrites an object in spite of `If-None-Match: *`'],
  ['if-match', 'overwrites an object in spite of a stale `If-Match`'],
] as const)('a store that does not know %s is refused', async (header, said) => {
  expect(await ask(ignoring(server, header))).toMatchObject({
    failureClass: 'StorageUnfit',
    message: expect.stringContaining(said),
  });
});

test('a store that never swaps is refused', async () => {
  const refuse: Intercept = (request, answer) => {
    if (request.headers['if-match'] === undefined) return false;
    answer.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>');
    return true;
  };
  expect(await ask(refuse)).toMatchObject({
    failureClass: 'StorageUnfit',
    message: expect.stringContaining('refuses to overwrite an object with its own ETag'),
  });
});

test('a store that slows every write down once is not taken for one that overwrites', async () => {
  const slowed = new Set<unknown>();
  const slowDown: Intercept = (request, answer) => {
    const id = request.headers['amz-sdk-invocation-id'];
    if (request.method !== 'PUT' || slowed.has(id)) return false;
    slowed.add(id);
    answer.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
    return true;
  };
  expect(await ask(slowDown)).toBe('fit');
});

test('a worker does not start on a store that is not fit, and says why', async () => {
  const home = await TestHome.create();
  await using proxy = await S3Proxy.start(server, ignoring(server, 'if-match'));
  const { code, stderr } = await home.run(['serve', '--roles', 'storage'], {
    ...{ AWS_ENDPOINT_URL_S3: proxy.endpoint, NIGHTREEL_BUCKET: server.bucket, TEMPORAL_ADDRESS: '127.0.0.1:9' },
    AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey,
  });
  await home.end();
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringMatching(/in spite of a stale `If-Match`: writers .* \(StorageUnfit\)/),
  });
});
