import {
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findAbortRule } from '../../src/storage/abandoned-uploads.ts';
import { CONFORMANCE_FOLDER, examineConformance, type Finding } from '../../src/storage/conformance.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { createS3Client, type Encryption } from '../../src/storage/s3-client.ts';
import { TestS3 } from '../support/s3.ts';
import { type Intercept, ignoring, S3Proxy } from '../support/s3-proxy.ts';

let server: TestS3;
let store: ObjectStore;
beforeAll(async () => {
  server = await TestS3.start();
  store = server.store();
});
afterAll(async () => {
  store?.close();
  await server?.[Symbol.asyncDispose]();
});

const never = new AbortController().signal;
const pass: Intercept = () => false;

async function examine(
  intercept: Intercept,
  over: { encryption?: Encryption; config?: object; signal?: AbortSignal } = {},
): Promise<Finding[]> {
  await using proxy = await S3Proxy.start(server, intercept);
  const client = createS3Client(server.clientConfig({ endpoint: proxy.endpoint, ...over.config }));
  try {
    const target = { client, bucket: server.bucket, encryption: over.encryption ?? null };
    return await examineConformance(target, over.signal ?? never);
  } finally {
    client.destroy();
  }
}

const notWorking = (findings: readonly Finding[]) =>
  findings.filter(({ works }) => !works).map(({ name, found }) => `${name}: ${found}`);

const leftOvers = async () => (await Array.fromAsync(store.list(CONFORMANCE_FOLDER))).map(({ key }) => key);

describe('an examination of a store', () => {
  test('finds that SeaweedFS does all of it, and leaves nothing behind', async () => {
    const findings = await examine(pass);
    expect(notWorking(findings)).toEqual([]);
    expect(findings).toHaveLength(16);
    expect(await leftOvers()).toEqual([]);
  });

  test('goes as well with the older checksum only, and with encryption', async () => {
    const headers = new Set<unknown>();
    const noting: Intercept = (request) => {
      if (request.method === 'PUT' && request.headers['content-md5'] !== undefined) headers.add('content-md5');
      headers.add(request.headers['x-amz-server-side-encryption']);
      return false;
    };
    const config = { requestChecksumCalculation: 'WHEN_REQUIRED' as const };
    const findings = await examine(noting, { config, encryption: { algorithm: 'AES256', kmsKey: null } });
    expect(notWorking(findings)).toEqual([]);
    expect(headers).toEqual(new Set(['content-md5', 'AES256', undefined]));
  });

  test.each<[string, () => Intercept, string[]]>([
    [
      'does not know if-none-match',
      () => ignoring(server, 'if-none-match'),
      ['put if-none-match: there: done all the same'],
    ],
    ['does not know if-match', () => ignoring(server, 'if-match'), ['put if-match: stale: done all the same']],
    ['has no ranges', () => answeringWhole(), ['range: 38 bytes, not four']],
    [
      'has no uploads in parts',
      () => answering(({ url = '' }) => /[?&](uploads|uploadId)/.test(url), 501, 'NotImplemented'),
      ['multipart', 'multipart if-none-match: there', 'multipart abort'].map((name) => `${name}: 501 NotImplemented`),
    ],
  ])('says what it means that one %s', async (_, intercept, expected) => {
    const findings = await examine(intercept());
    expect(notWorking(findings).filter((line) => !line.startsWith('put if-match: absent'))).toEqual(expected);
    for (const { works, consequence } of findings) expect(consequence === null).toBe(works);
    expect(await leftOvers()).toEqual([]);
  });

  test('that is interrupted cleans up all the same', async () => {
    const abort = new AbortController();
    const interrupting: Intercept = ({ method, url = '' }) => {
      if (method === 'POST' && url.includes('uploadId')) abort.abort();
      return false;
    };
    await expect(examine(interrupting, { signal: abort.signal })).rejects.toThrow();
    expect(await leftOvers()).toEqual([]);
    const findings = await examine(pass);
    expect(findings.find(({ name }) => name === 'multipart abort')?.works).toBe(true);
  });

  test('writes objects encrypted as is wanted', async () => {
    const sent: unknown[] = [];
    await using proxy = await S3Proxy.start(server, ({ headers }, answer) => {
      sent.push([headers['x-amz-server-side-encryption'], headers['x-amz-server-side-encryption-aws-kms-key-id']]);
      answer.writeHead(200, { etag: '"1"' }).end();
      return true;
    });
    const encryption = { algorithm: 'aws:kms', kmsKey: 'alias/films' } as const;
    const clientConfig = server.clientConfig({ endpoint: proxy.endpoint });
    using encrypted = new ObjectStore({ clientConfig, bucket: server.bucket, encryption });
    await encrypted.put('state/secret', 'x', { contentType: 'text/plain' });
    expect(sent).toEqual([['aws:kms', 'alias/films']]);
  });
});

describe('the rule against abandoned uploads', () => {
  const client = () => new S3Client({ ...server.clientConfig(), forcePathStyle: true, maxAttempts: 1 });
  const find = async (install: boolean, intercept: Intercept = pass) => {
    await using proxy = await S3Proxy.start(server, intercept);
    const own = createS3Client(server.clientConfig({ endpoint: proxy.endpoint, maxAttempts: 1 }));
    const rule = await findAbortRule({ client: own, bucket: server.bucket }, { install }, never);
    own.destroy();
    return rule;
  };

  test('is installed beside the rules that are there, once', async () => {
    const own = client();
    const where = { Bucket: server.bucket };
    const mine = { ID: 'mine', Status: 'Enabled' as const, Filter: { Prefix: 'scenes/' }, Expiration: { Days: 90 } };
    const some = { ...mine, ID: 'some', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 3 } };
    await own.send(
      new PutBucketLifecycleConfigurationCommand({ ...where, LifecycleConfiguration: { Rules: [mine, some] } }),
    );
    expect(await find(false)).toEqual({ state: 'absent', others: 2 });
    expect(await find(true)).toEqual({ state: 'there', days: 1, others: 2, isNew: true });
    expect(await find(true)).toEqual({ state: 'there', days: 1, others: 2, isNew: false });
    const { Rules } = await own.send(new GetBucketLifecycleConfigurationCommand(where));
    expect(Rules).toEqual([mine, some, expect.objectContaining({ ID: 'nightreel-abort-incomplete-uploads' })]);
    own.destroy();
  });

  test.each([
    ['has no such rules', () => answering(isLifecycle, 501, 'NotImplemented'), 'unsupported', '501 NotImplemented'],
    ['does not let us', () => answering(isLifecycle, 403, 'AccessDenied'), 'refused', '403 AccessDenied'],
  ] as const)('is told where the server %s', async (_, intercept, state, answer) => {
    expect(await find(true, intercept())).toEqual({ state, answer });
  });
});

const isLifecycle = ({ url = '' }: { readonly url?: string }): boolean => url.includes('lifecycle');

const answering =
  (matches: (request: { readonly url?: string }) => boolean, status: number, code: string): Intercept =>
  (request, answer) => {
    if (!matches(request)) return false;
    answer.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
    return true;
  };

/** Answers with the whole object, as a server does that does not know ranges. */
const answeringWhole = (): Intercept => async (request, answer) => {
  if (request.headers.range === undefined) return false;
  const key = new URL(request.url ?? '', server.endpoint).pathname.slice(`/${server.bucket}/`.length);
  answer.writeHead(200, { etag: '"1"' }).end((await store.get(key))?.body);
  return true;
};
