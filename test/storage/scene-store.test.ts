import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { asFailure, Failure } from '../../src/contracts/failures.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { SceneStore } from '../../src/storage/scene-store.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { TestS3 } from '../support/s3.ts';

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

const DIGEST_BYTES = 32;
const digestOf = (body: Uint8Array): Buffer => createHash('sha256').update(body).digest();
/** An entry: any bytes, and a checksum behind them. */
const entry = (text: string): Uint8Array => {
  const body = Buffer.from(text);
  return new Uint8Array(Buffer.concat([body, digestOf(body)]));
};
const textOf = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes.subarray(0, -DIGEST_BYTES)).toString();
const check = (bytes: Uint8Array): void => {
  const body = bytes.subarray(0, -DIGEST_BYTES);
  if (!digestOf(body).equals(bytes.subarray(body.byteLength))) throw new Failure('SceneDamaged', 'A scene is damaged.');
};
const quiet = { warn: () => undefined } as unknown as Logger;
const worker = (over: { store?: ObjectStore; memoryBytes?: number } = {}): SceneStore =>
  new SceneStore({ store, memoryBytes: 1024 * 1024, check, log: quiet, ...over });

let made = 0;
const freshKey = (): string => {
  made += 1;
  return `scenes/aa/${made}.clip`;
};
const never = (): Promise<Uint8Array> => Promise.reject(new Error('nobody should have made this'));
const failureOf = async (work: Promise<unknown>): Promise<Failure> =>
  asFailure(
    await work.then(
      () => new Error('it went well'),
      (error: unknown) => error,
    ),
  );

describe('a scene', () => {
  test('is made once, stored, and found by every other worker', async () => {
    const [key, one, two] = [freshKey(), worker(), worker()];
    expect(await one.get(key)).toBeNull();
    expect(await one.getOrMake(key, async () => entry('scene'))).toMatchObject({ origin: 'made' });
    expect(await one.getOrMake(key, never)).toMatchObject({ origin: 'memory' });
    const found = await two.getOrMake(key, never);
    expect([found.origin, textOf(found.bytes)]).toEqual(['store', 'scene']);
    expect(textOf(await two.get(key))).toBe('scene');
    expect(one.stats).toMatchObject({ made: 1, memoryHits: 1, storeHits: 0, damaged: 0 });
    expect(two.stats).toMatchObject({ made: 0, memoryHits: 1, storeHits: 1, damaged: 0 });
  });

  test('that many want at once is made once', async () => {
    const [key, scenes] = [freshKey(), worker()];
    let calls = 0;
    const make = async () => {
      calls += 1;
      await new Promise((done) => setTimeout(done, 50));
      return entry('once');
    };
    const all = await Promise.all(Array.from({ length: 10 }, () => scenes.getOrMake(key, make)));
    expect(calls).toBe(1);
    expect(new Set(all.map(({ bytes }) => textOf(bytes)))).toEqual(new Set(['once']));
  });

  test('that two workers make at the same moment is one object, and both have it', async () => {
    const key = freshKey();
    const [one, two] = [worker(), worker()];
    const [a, b] = await Promise.all([one, two].map((scenes) => scenes.getOrMake(key, async () => entry('equal'))));
    expect([textOf(a?.bytes ?? null), textOf(b?.bytes ?? null)]).toEqual(['equal', 'equal']);
    expect(textOf((await store.get(key))?.body ?? null)).toBe('equal');
  });

  test('whose making fails leaves nothing behind, fails all who wait, and can be made later', async () => {
    const [key, scenes] = [freshKey(), worker()];
    const failing = () => Promise.reject(new Failure('TemplateCrashed', 'It threw.'));
    const failures = await Promise.all([1, 2, 3].map(() => failureOf(scenes.getOrMake(key, failing))));
    expect(failures.map(({ failureClass }) => failureClass)).toEqual(Array(3).fill('TemplateCrashed'));
    expect(await store.head(key)).toBeNull();
    expect(await scenes.getOrMake(key, async () => entry('at last'))).toMatchObject({ origin: 'made' });
  });

  test('that is not sound when it is made is not stored', async () => {
    const [key, scenes] = [freshKey(), worker()];
    const failure = await failureOf(scenes.getOrMake(key, async () => Buffer.from('no checksum')));
    expect(failure.failureClass).toBe('SceneDamaged');
    expect(await store.head(key)).toBeNull();
  });
});

describe('who stops waiting', () => {
  test('leaves the work to the others', async () => {
    const [key, scenes, leaver] = [freshKey(), worker(), new AbortController()];
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const make = async (signal: AbortSignal) => {
      resolve();
      await gate.promise;
      signal.throwIfAborted();
      return entry('for the others');
    };
    const leaving = failureOf(scenes.getOrMake(key, make, { signal: leaver.signal }));
    const staying = scenes.getOrMake(key, never);
    await begun;
    leaver.abort();
    expect((await leaving).failureClass).toBe('Cancelled');
    gate.resolve();
    expect(textOf((await staying).bytes)).toBe('for the others');
  });

  test('as the last one takes the work along', async () => {
    const [key, scenes, last] = [freshKey(), worker(), new AbortController()];
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const make = (signal: AbortSignal): Promise<Uint8Array> => {
      last.abort();
      return new Promise((_, reject) => {
        const stop = () => {
          resolve();
          reject(signal.reason);
        };
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop);
      });
    };
    expect((await failureOf(scenes.getOrMake(key, make, { signal: last.signal }))).failureClass).toBe('Cancelled');
    await stopped;
    expect(await scenes.getOrMake(key, async () => entry('anew'))).toMatchObject({ origin: 'made' });
  });

  test('before it has begun does not begin it', async () => {
    const signal = AbortSignal.abort();
    expect((await failureOf(worker().getOrMake(freshKey(), never, { signal }))).failureClass).toBe('Cancelled');
    expect((await failureOf(worker().get(freshKey(), { signal }))).failureClass).toBe('Cancelled');
  });
});

describe('a scene that is damaged in the store', () => {
  const octets = { contentType: 'application/octet-stream' };
  const whole = entry('a scene of some length');
  const flipped = new Uint8Array(whole);
  flipped[5] = (flipped[5] ?? 0) ^ 1;

  test.each([
    ['cut off', whole.subarray(0, -1)],
    ['altered', flipped],
    ['empty', new Uint8Array()],
  ])('%s, is never handed out, counted, and replaced by what is made again', async (_how, damaged) => {
    const [key, scenes] = [freshKey(), worker()];
    await store.put(key, damaged, octets);
    expect(await scenes.get(key)).toBeNull();
    const again = await scenes.getOrMake(key, async () => whole);
    expect([again.origin, textOf(again.bytes)]).toEqual(['made', 'a scene of some length']);
    expect(textOf((await store.get(key))?.body ?? null)).toBe('a scene of some length');
    // Looked at by both calls, and once more when it was to be replaced.
    expect(scenes.stats.damaged).toBe(3);
  });

  test('while it is being made is replaced by what was made', async () => {
    const [key, scenes] = [freshKey(), worker()];
    const make = async () => {
      await store.put(key, flipped, octets);
      return whole;
    };
    expect(textOf((await scenes.getOrMake(key, make)).bytes)).toBe('a scene of some length');
    expect(textOf((await store.get(key))?.body ?? null)).toBe('a scene of some length');
  });
});

test('what is kept in memory stays within its bytes, and what went is read again', async () => {
  const scenes = worker({ memoryBytes: 10_000 });
  const keys = Array.from({ length: 40 }, freshKey);
  for (const [index, key] of keys.entries()) {
    await scenes.getOrMake(key, async () => entry('x'.repeat(200 + 37 * index)));
    expect(scenes.stats.memoryBytes).toBeLessThanOrEqual(10_000);
  }
  expect(await scenes.getOrMake(keys[0] ?? '', never)).toMatchObject({ origin: 'store' });
  // Larger than all of the memory: stored, and not kept.
  const large = freshKey();
  await scenes.getOrMake(large, async () => entry('y'.repeat(20_000)));
  expect(await scenes.getOrMake(large, never)).toMatchObject({ origin: 'store' });
});

test('a store that refuses is StorageDenied, and nothing is made for it', async () => {
  using other = server.store({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } });
  const scenes = worker({ store: other });
  expect((await failureOf(scenes.get(freshKey()))).failureClass).toBe('StorageDenied');
  expect((await failureOf(scenes.getOrMake(freshKey(), never))).failureClass).toBe('StorageDenied');
});
