/** A store that asks for fewer requests gets fewer, and everything in the end. THROTTLED_SECONDS=60 has it ask for that long. */

import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pMap from 'p-map';
import { Failure } from '../../src/contracts/failures.ts';
import { TestS3 } from '../support/s3.ts';
import { type Intercept, S3Proxy } from '../support/s3-proxy.ts';

const THROTTLED_MS = Number(process.env['THROTTLED_SECONDS'] ?? 8) * 1_000;
const OBJECTS = 400;
const WRITERS = 64;
/** As an activity has. */
const ATTEMPTS = 15;

let server: TestS3;
beforeAll(async () => {
  server = await TestS3.start();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

const text = { contentType: 'text/plain' };

/** 503, with S3's words for it where the answer may have a body. */
const slowDown =
  (when: (request: IncomingMessage) => boolean): Intercept =>
  (request, answer) => {
    if (!when(request)) return false;
    answer.writeHead(503, { 'content-type': 'application/xml' });
    answer.end(request.method === 'HEAD' ? '' : '<Error><Code>SlowDown</Code></Error>');
    return true;
  };

describe('a store that answers SlowDown to a third of all requests for a while', () => {
  test(
    'has everything in the end, after hardly more requests than objects',
    async () => {
      const until = Date.now() + THROTTLED_MS;
      let slowed = 0;
      let meanwhile = 0;
      const written = new Map<string | undefined, number>();
      await using proxy = await S3Proxy.start(server, (request, ...rest) => {
        const isThrottled = Date.now() < until;
        if (isThrottled) meanwhile += 1;
        if (isThrottled && Math.random() < 0.3) {
          slowed += 1;
          return slowDown(() => true)(request, ...rest);
        }
        written.set(request.url, (written.get(request.url) ?? 0) + 1);
        return false;
      });
      using store = server.store({ endpoint: proxy.endpoint });
      let failures = 0;
      const put = async (n: number, attempt = 1): Promise<void> => {
        try {
          await store.putImmutable(`videos/th/${n}.mp4`, `film ${n}`, { contentType: 'video/mp4' });
        } catch (error) {
          if (!(error instanceof Failure) || error.failureClass !== 'StorageUnavailable' || attempt === ATTEMPTS)
            throw error;
          failures += 1;
          await sleep(1_000);
          await put(n, attempt + 1);
        }
      };
      await pMap(Array.from({ length: OBJECTS }).keys(), (n) => put(n), { concurrency: WRITERS });

      using own = server.store();
      expect(await Array.fromAsync(own.list('videos/th/'))).toHaveLength(OBJECTS);
      expect([...written.values()].filter((times) => times > 1)).toEqual([]);
      // Nothing is asked twice but what was told to wait.
      expect(proxy.requests).toBe(OBJECTS + slowed);
      // All writers' first requests, and then some ten a second: without a common brake these would be hundreds a second.
      const bound = WRITERS + (12 * THROTTLED_MS) / 1_000;
      expect(meanwhile).toBeLessThanOrEqual(bound);
      const counts = { objects: OBJECTS, requests: proxy.requests, slowed, meanwhile, bound, failures };
      if (process.env['THROTTLED_SECONDS']) process.stdout.write(`${JSON.stringify(counts)}\n`);
    },
    10 * 60_000,
  );
});

describe('a request that is slowed down', () => {
  test.each(['HEAD', 'GET', 'PUT', 'DELETE'])('holds all others back: %s', async (method) => {
    // All others are answered here as well, at once: a busy machine does not look like a brake.
    await using proxy = await S3Proxy.start(server, (request, answer, body) => {
      if (slowDown(() => request.method === method)(request, answer, body)) return true;
      answer.writeHead(200).end('<ListBucketResult/>');
      return true;
    });
    using store = server.store({ endpoint: proxy.endpoint, maxAttempts: 2 });
    const operation = {
      HEAD: () => store.head('state/x'),
      GET: () => store.get('state/x'),
      PUT: () => store.put('state/x', 'x', text),
      DELETE: () => store.remove('state/x'),
    }[method];
    await expect(operation?.()).rejects.toMatchObject({ failureClass: 'StorageUnavailable' });
    const abort = new AbortController();
    let ended = 0;
    const others = Array.from({ length: 40 }, async () => {
      await store.checkBucket(abort.signal).catch(() => undefined);
      ended += 1;
    });
    // Without the brake all have ended by then.
    await sleep(3_000);
    const early = ended;
    abort.abort();
    await Promise.all(others);
    expect(early).toBeLessThan(20);
  });

  test('can be cancelled while it waits', async () => {
    await using proxy = await S3Proxy.start(
      server,
      slowDown(() => true),
    );
    using store = server.store({ endpoint: proxy.endpoint, maxAttempts: 20 });
    const abort = new AbortController();
    const puts = [1, 2, 3].map((n) =>
      store.put(`state/${n}`, 'x', text, abort.signal).catch((error: unknown) => error),
    );
    while (proxy.requests < 4) await sleep(10);
    abort.abort();
    expect(await Promise.all(puts)).toMatchObject(puts.map(() => ({ failureClass: 'Cancelled' })));
  });
});

describe('many operations at once', () => {
  test('go to the server so many at a time, and the others wait for as long as it takes', async () => {
    let underWay = 0;
    let most = 0;
    await using proxy = await S3Proxy.start(server, async (_, answer) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(2_200);
      underWay -= 1;
      answer.writeHead(200, { etag: '"1"' }).end();
      return true;
    });
    using store = server.store({ endpoint: proxy.endpoint, maxAttempts: 1 });
    // More than five seconds, which is all that a request may wait for a connection.
    const puts = Array.from({ length: 4 * 128 }, (_, n) => store.put(`state/${n}`, 'x', text));
    const gone = new AbortController();
    const waiting = store.put('state/waiting', 'x', text, gone.signal);
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ failureClass: 'Cancelled' });
    await Promise.all(puts);
    expect(most).toBe(128);
  });
});
