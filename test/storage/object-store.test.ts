import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { Failure } from '../../src/contracts/failures.ts';
import { readJsonLines } from '../../src/storage/documents.ts';
import { IMMUTABLE, ObjectStore } from '../../src/storage/object-store.ts';
import { TestS3 } from '../support/s3.ts';
import { S3Proxy } from '../support/s3-proxy.ts';

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

const text = { contentType: 'text/plain' };

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`expected a Failure, got ${String(error)}`);
  return error;
}

describe('writing', () => {
  test('an immutable object is written once, and a second writer learns that it exists', async () => {
    expect(
      await store.putImmutable('videos/aa/once.mp4', 'first', { contentType: 'video/mp4', metadata: { width: '7' } }),
    ).toBe('stored');
    expect(await store.putImmutable('videos/aa/once.mp4', 'second', { contentType: 'video/mp4' })).toBe('exists');
    const found = await store.get('videos/aa/once.mp4');
    expect(found?.body.toString()).toBe('first');
    expect(found).toMatchObject({ contentType: 'video/mp4', metadata: { width: '7' }, sizeBytes: 5 });
  });

  test('of many who write the same immutable key at once, exactly one stores it', async () => {
    const bodies = Array.from({ length: 40 }, (_, n) => `writer ${n}`);
    const outcomes = await Promise.all(bodies.map((body) => store.putImmutable('videos/aa/race.mp4', body, text)));
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect(await store.getText('videos/aa/race.mp4')).toBe(bodies[outcomes.indexOf('stored')]);
  });

  test('a swap succeeds against the version that was read and no other', async () => {
    expect(await store.compareAndSwap('state/swap', null, 'one', text)).toBe('stored');
    expect(await store.compareAndSwap('state/swap', null, 'again', text)).toBe('conflict');
    const { etag } = (await store.head('state/swap')) ?? { etag: '' };
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.compareAndSwap('state/swap', etag, `two ${n}`, text)),
    );
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect(await store.compareAndSwap('state/absent', etag, 'x', text)).toBe('conflict');
  });

  test('an object is cached as its writer says, and nothing is said for him', async () => {
    const video = { contentType: 'video/mp4' };
    await store.putImmutable('videos/ab/cache.mp4', 'bytes', { ...video, cacheControl: IMMUTABLE });
    await store.putImmutable('videos/ab/plain.mp4', 'bytes', video);
    const said = async (key: string) => (await fetch(store.url(key))).headers.get('cache-control');
    expect(await said('videos/ab/cache.mp4')).toBe('public,max-age=31536000,immutable');
    expect(await said('videos/ab/plain.mp4')).toBeNull();
  });

  test.each([
    ['WHEN_SUPPORTED', 'x-amz-checksum-crc32', 'content-md5'],
    ['WHEN_REQUIRED', 'content-md5', 'x-amz-checksum-crc32'],
  ] as const)('the server can prove the bytes: %s, by %s', async (requestChecksumCalculation, sent, unsent) => {
    const headers: NodeJS.Dict<unknown>[] = [];
    await using proxy = await S3Proxy.start(server, (request) => {
      headers.push(request.headers);
      return false;
    });
    using other = server.store({ endpoint: proxy.endpoint, requestChecksumCalculation });
    await other.put('state/proven', 'bytes', text);
    expect(headers).toMatchObject([{ [sent]: expect.any(String) }]);
    expect(headers[0]).not.toHaveProperty(unsent);
  });

  test('three megabytes of binary come back unchanged, whole and as a stream', async () => {
    const body = Buffer.alloc(3_000_000, Buffer.from(Array.from({ length: 251 }, (_, n) => n)));
    await store.put('state/big', body, { contentType: 'application/octet-stream' });
    expect((await store.get('state/big'))?.body.equals(body)).toBe(true);
    const chunks: Buffer[] = [];
    for await (const chunk of (await store.getStream('state/big')) ?? []) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
  });
});

describe('reading', () => {
  test('an absent key is null, not an error', async () => {
    expect(await store.head('videos/no/thing.mp4')).toBeNull();
    expect(await store.get('videos/no/thing.mp4')).toBeNull();
    expect(await store.getText('videos/no/thing.mp4')).toBeNull();
    expect(await store.getStream('videos/no/thing.mp4')).toBeNull();
  });

  test('a listing goes over page boundaries, in key order', async () => {
    const keys = Array.from({ length: 1_003 }, (_, n) => `batches/list/${String(n).padStart(5, '0')}`);
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, 'x', text)));
    }
    const listed: string[] = [];
    for await (const { key } of store.list('batches/list/')) listed.push(key);
    expect(listed).toEqual(keys);
  });

  test('folders are listed by name, without what lies in them or beside them', async () => {
    for (const key of ['b/1/x', 'b/1/y/z', 'a/x', 'file']) await store.put(`batches/folders/${key}`, 'x', text);
    expect(await store.folders('batches/folders/')).toEqual(['a', 'b']);
    expect(await store.folders('batches/folders/b/')).toEqual(['1']);
    expect(await store.folders('batches/none/')).toEqual([]);
  });
});

describe('links', () => {
  test('are public where the bucket is read over HTTP, and play there without credentials, by range', async () => {
    await store.putImmutable('videos/ac/link.mp4', '0123456789', { contentType: 'video/mp4' });
    const answer = await fetch(store.url('videos/ac/link.mp4'), { headers: { range: 'bytes=2-4' } });
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([206, 'video/mp4', '234']);
  });

  test('say bucket and key where it is not', () => {
    using closed = new ObjectStore({ clientConfig: server.clientConfig(), bucket: 'films' });
    expect(closed.url('videos/ac/x.mp4')).toBe('s3://films/videos/ac/x.mp4');
  });

  test('lead staff to reports elsewhere where that is said, else to where everybody reads', () => {
    const report = 'batches/c/2026-01-05/1/report.html';
    const cdn = { clientConfig: server.clientConfig(), bucket: 'films', publicBaseUrl: 'https://cdn.example' };
    using own = new ObjectStore({ ...cdn, reportBaseUrl: 'https://staff.example/films/' });
    expect(own.reportUrl(report)).toBe(`https://staff.example/films/${report}`);
    expect(own.url('videos/ac/x.mp4')).toBe('https://cdn.example/videos/ac/x.mp4');
    using same = new ObjectStore(cdn);
    expect(same.reportUrl(report)).toBe(`https://cdn.example/${report}`);
  });

  test('escape what a URL cannot hold', () => {
    expect(store.url('users/a%2Fb.json')).toBe(`${server.publicBaseUrl}/users/a%252Fb.json`);
  });

  test('without credentials nobody reads pointers, rejects or lists the bucket', async () => {
    await store.put('users/someone.json', '{}', text);
    await store.put('batches/c/2026-01-05/1/rejects.jsonl', '{}', text);
    await store.put('batches/c/2026-01-05/1/report.html', '<p>', { contentType: 'text/html' });
    const statusOf = async (path: string) => (await fetch(`${server.publicBaseUrl}/${path}`)).status;
    expect(await statusOf('users/someone.json')).toBe(403);
    expect(await statusOf('batches/c/2026-01-05/1/rejects.jsonl')).toBe(403);
    expect(await statusOf('?list-type=2')).toBe(403);
    expect(await statusOf('batches/c/2026-01-05/1/report.html')).toBe(200);
  });
});

describe('what goes wrong', () => {
  test('an unknown access key is StorageDenied and says which setting to look at', async () => {
    using other = server.store({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } });
    const failure = await failureOf(other.checkBucket());
    expect(failure.failureClass).toBe('StorageDenied');
    expect(failure.message).toBe(
      `ListObjectsV2 in bucket nightreel-test at ${server.endpoint} failed: the access key is not known there (InvalidAccessKeyId). Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE).`,
    );
    expect((await failureOf(other.put('state/x', 'x', text))).failureClass).toBe('StorageDenied');
    expect((await failureOf(other.head('videos/aa/x.mp4'))).failureClass).toBe('StorageDenied');
  });

  test('a wrong secret is StorageDenied', async () => {
    using other = server.store({ credentials: { accessKeyId: 'nightreel-test-key', secretAccessKey: 'wrong' } });
    const failure = await failureOf(other.checkBucket());
    expect(failure.failureClass).toBe('StorageDenied');
    expect(failure.message).toContain('SignatureDoesNotMatch');
  });

  test('a bucket that does not exist is StorageDenied, for writers too', async () => {
    using other = new ObjectStore({ clientConfig: server.clientConfig(), bucket: 'no-such-bucket' });
    const attempts = [() => other.checkBucket(), () => other.put('state/x', 'x', text), () => other.get('state/x')];
    for (const attempt of attempts) {
      const failure = await failureOf(attempt());
      expect([failure.failureClass, failure.message]).toEqual([
        'StorageDenied',
        expect.stringContaining('no such bucket'),
      ]);
    }
  });

  // In a process of its own: inside Jest's realm the SDK does not know Node's errors for errors and drops their codes.
  test.each([
    ['http://127.0.0.1:9', 'nothing listens there (ECONNREFUSED)'],
    ['http://no-such-host.invalid', 'the host name does not resolve (ENOTFOUND)'],
  ])('%s is StorageUnavailable: %s', async (endpoint, reason) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(import.meta.dirname, 'check-bucket.ts'),
      endpoint,
    ]);
    expect(JSON.parse(stdout)).toEqual({
      failureClass: 'StorageUnavailable',
      message: `ListObjectsV2 in bucket films at ${endpoint} failed: ${reason}. Check the endpoint (AWS_ENDPOINT_URL_S3) and that the server runs (\`nightreel status\`).`,
    });
  });

  describe('a server that falls silent in the middle of a body', () => {
    // As S3 answers, with a checksum of the whole object, and as a plain server does.
    test.each([
      ['with', { 'x-amz-checksum-crc32': 'AAAAAA==' }],
      ['without', {}],
    ])('is given up as StorageUnavailable, %s a checksum', async (_, checksum) => {
      const silent = createServer((_, answer) => {
        answer.writeHead(200, { etag: '"1"', 'content-length': '1000', ...checksum }).write('{"half":1}\n');
      });
      await once(silent.listen(0, '127.0.0.1'), 'listening');
      try {
        const { port } = silent.address() as AddressInfo;
        using other = new ObjectStore({
          clientConfig: server.clientConfig({ endpoint: `http://127.0.0.1:${port}`, maxAttempts: 1 }),
          bucket: 'films',
          idleTimeoutMs: 300,
        });
        const stream = async () => await Array.fromAsync((await other.getStream('state/x')) ?? []);
        const lines = () => Array.fromAsync(readJsonLines(other, 'state/x', z.unknown()));
        for (const read of [() => other.get('state/x'), () => other.getText('state/x'), stream, lines]) {
          const failure = await failureOf(read());
          expect(failure.failureClass).toBe('StorageUnavailable');
          expect(failure.message).toContain('GetObject of state/x in bucket films');
          expect(failure.message).toContain('it did not answer in time (TimeoutError)');
        }
      } finally {
        silent.closeAllConnections();
        silent.close();
      }
    });
  });

  test('a stream that its reader leaves, or that is cancelled, ends its connection', async () => {
    let open = 0;
    const endless = createServer((_, answer) => {
      open += 1;
      answer.once('close', () => {
        open -= 1;
      });
      answer.writeHead(200, { etag: '"1"', 'content-length': '100000000' });
      const more = () => {
        while (!answer.destroyed && answer.write(Buffer.alloc(65_536)));
      };
      answer.on('drain', more);
      more();
    });
    await once(endless.listen(0, '127.0.0.1'), 'listening');
    const closed = async () => {
      while (open > 0) await sleep(5);
    };
    try {
      const { port } = endless.address() as AddressInfo;
      using other = server.store({ endpoint: `http://127.0.0.1:${port}`, maxAttempts: 1 });
      for await (const _ of (await other.getStream('state/x')) ?? []) break;
      await closed();
      (await other.getStream('state/x'))?.destroy();
      await closed();
      const abort = new AbortController();
      const reading = async () => {
        for await (const _ of (await other.getStream('state/x', abort.signal)) ?? []) abort.abort();
      };
      expect((await failureOf(reading())).failureClass).toBe('Cancelled');
      await closed();
    } finally {
      endless.closeAllConnections();
      endless.close();
    }
  });

  test('an aborted request is Cancelled, before and in flight', async () => {
    expect((await failureOf(store.get('state/big', AbortSignal.abort()))).failureClass).toBe('Cancelled');
    const abort = new AbortController();
    const upload = failureOf(store.put('state/aborted', Buffer.alloc(8_000_000), text, abort.signal));
    setImmediate(() => abort.abort());
    expect((await upload).failureClass).toBe('Cancelled');
    expect(await store.head('state/aborted')).toBeNull();
  });

  test("a message about a pointer does not show the recipient's ID", async () => {
    using other = server.store({ endpoint: 'http://127.0.0.1:9', maxAttempts: 1 });
    const failure = await failureOf(other.get('users/ada%40example.com.json'));
    expect(failure.message).not.toContain('ada');
    expect(failure.message).toMatch(/the pointer with key sha256 [0-9a-f]{12} in bucket/);
  });

  test('nor does its cause, where the store names the object that it refuses, as AWS does', async () => {
    await using proxy = await S3Proxy.start(server, (_, answer) => {
      answer.writeHead(403, { 'content-type': 'application/xml' });
      const what = 'User is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::bucket/';
      answer.end(`<Error><Code>AccessDenied</Code><Message>${what}users/ada@example.com.json</Message></Error>`);
      return true;
    });
    using other = server.store({ endpoint: proxy.endpoint, maxAttempts: 1 });
    const failure = await failureOf(other.get('users/ada%40example.com.json'));
    expect(failure.failureClass).toBe('StorageDenied');
    expect(inspect(failure, { depth: 9 })).toContain('AccessDenied');
    expect(inspect(failure, { depth: 9 })).not.toContain('ada');
  });
});
