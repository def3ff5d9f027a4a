/** Writing down a failure never makes another one of it, and holds nobody up for long. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Attempt } from '../../src/activities/attempt.ts';
import { FailedAttempts } from '../../src/activities/failed-attempts.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { isBusinessDate, isCampaignId, isVariantKey } from '../../src/contracts/ids.ts';
import { failureLineSchema } from '../../src/reporting/why/failure-line.ts';
import { readFailureLines } from '../../src/reporting/why/failure-lines.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { TestS3 } from '../support/s3.ts';

let server: TestS3;
let store: ObjectStore;
/** Takes connections and never says a word. */
let mute: Server;

beforeAll(async () => {
  server = await TestS3.start();
  store = server.store();
  mute = createServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
});
afterAll(async () => {
  store?.close();
  mute?.close();
  await server?.[Symbol.asyncDispose]();
});

const [campaign, businessDate, key] = ['card', '2026-11-23', 'a'.repeat(64)];
if (!isCampaignId(campaign) || !isBusinessDate(businessDate) || !isVariantKey(key)) throw new TypeError('no batch');
const AT = { batch: { campaign, businessDate, attempt: 1 }, kind: 'variant', key, page: 1, index: 0 } as const;

/** Runs one attempt that fails; returns what was thrown, what was logged, and how long that took. */
async function attempted(to: ObjectStore, attempt: number, body: (attempt: Attempt) => Promise<never>) {
  const logged: Record<string, unknown>[] = [];
  const log = { warn: (line: Record<string, unknown>) => void logged.push(line) } as unknown as Logger;
  const failures = new FailedAttempts({ store: to, log });
  const environment = new MockActivityEnvironment({ activityType: 'renderVariant', attempt });
  const startedAt = performance.now();
  const thrown = await environment
    .run(() => failures.watch(AT, null, new AbortController().signal, body))
    .catch((error: unknown) => error);
  return { thrown, logged, ms: performance.now() - startedAt };
}

const crash = new Failure('BrowserCrashed', 'Chromium ended (SIGKILL).', { cause: new Error('pipe of Ada closed') });
const JPEG = { jpeg: Buffer.from('jpeg'), width: 4, height: 2 };

test('each attempt is a line of its own, in order, and what its page showed lies beside it', async () => {
  for (const attempt of [1, 2]) {
    const { thrown, logged } = await attempted(store, attempt, async (own) => {
      own.params = { name: 'Ada' };
      own.onFailure({ stage: 'capture', lastFrame: 7, messages: [], screenshot: attempt === 2 ? JPEG : null });
      throw crash;
    });
    expect(thrown).toBe(crash);
    expect(logged).toHaveLength(1);
    expect(failureLineSchema.parse(logged[0])).toMatchObject({ attempt, willRetry: true, stage: 'capture' });
  }
  const { attempts, unreadable } = await readFailureLines(store, AT);
  expect(unreadable).toEqual([]);
  expect(attempts.map(({ line }) => line.attempt)).toEqual([1, 2]);
  expect(attempts[0]?.line.causes).toEqual(['Error: … of ‹name› closed']);
  expect(attempts[0]?.screenshot).toBeNull();
  expect((await store.get(attempts[1]?.screenshot ?? 'none'))?.body.toString()).toBe('jpeg');
});

test.each([
  ['capture', 'StorageUnavailable', 'upload'],
  ['encode', 'StorageDenied', 'upload'],
  ['encode', 'EncoderFailed', 'encode'],
] as const)('where %s ends with %s, the stage that failed is %s', async (stage, failureClass, told) => {
  const { logged } = await attempted(store, 4, async (own) => {
    own.onFailure({ stage, lastFrame: 7, messages: [], screenshot: null });
    throw new Failure(failureClass, 'It did not work.');
  });
  expect(logged[0]).toMatchObject({ stage: told, failureClass });
});

test('of what is no failure of ours nothing is believed', async () => {
  const { thrown, logged } = await attempted(store, 3, async (own) => {
    own.params = { name: 'Ada' };
    throw new TypeError('cannot greet ADA of Paris');
  });
  expect(thrown).toBeInstanceOf(TypeError);
  expect(logged[0]).toMatchObject({ failureClass: 'Internal', causes: ['TypeError: cannot … of …'] });
  expect(JSON.stringify(logged)).not.toMatch(/ada|paris/i);
});

test('a store that never answers changes nothing about the failure, and holds it up for some seconds at most', async () => {
  const address = mute.address();
  if (address === null || typeof address === 'string') throw new TypeError('no port');
  const clientConfig = { ...server.clientConfig(), endpoint: `http://127.0.0.1:${address.port}` };
  using silent = new ObjectStore({ clientConfig, bucket: server.bucket });
  const { thrown, logged, ms } = await attempted(silent, 1, async () => {
    throw crash;
  });
  expect(thrown).toBe(crash);
  expect(logged).toHaveLength(2);
  expect(logged[0]).toMatchObject({ failureClass: 'BrowserCrashed' });
  expect(ms).toBeLessThan(10_000);
}, 20_000);
