/** Finding out which of a large night's videos are stored: by listing where that is cheaper, by asking for each where it is not. */

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pMap from 'p-map';
import { objectKeys, type VariantKey } from '../../src/contracts/ids.ts';
import { type DeltaPlan, planDelta } from '../../src/planning/delta-plan.ts';
import { storedRanks } from '../../src/planning/stored-videos.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { putVideo } from '../../src/storage/videos.ts';
import { BLIND_CREDENTIALS, TestS3 } from '../support/s3.ts';
import { never } from '../warehouse/support.ts';
import { keyOf, row, stream, validateParams } from './support.ts';

const RENDITION = 'phone-720p';

class CountingStore extends ObjectStore {
  heads = 0;
  lists = 0;

  override async head(...args: Parameters<ObjectStore['head']>) {
    this.heads += 1;
    return await super.head(...args);
  }

  override list(...args: Parameters<ObjectStore['list']>) {
    this.lists += 1;
    return super.list(...args);
  }
}

let s3: TestS3;

beforeAll(async () => {
  s3 = await TestS3.start();
}, 60_000);
afterAll(async () => {
  await s3?.[Symbol.asyncDispose]();
});

const nightOf = (variants: number): Promise<DeltaPlan> =>
  planDelta({
    ...{ rows: stream(Array.from({ length: variants }, (_, n) => row(`p${n}`, null, n))), ordered: false, end: null },
    ...{ range: { since: null, until: '2026-11-24T00:00:00Z' }, validateParams, keyOf },
  });

async function storeVideo(store: ObjectStore, key: VariantKey): Promise<void> {
  const bytes = Buffer.from(key);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await putVideo(
    store,
    { bytes, width: 2, height: 2, durationMs: 1, sha256, making: 'whole' },
    {
      ...{ variantKey: key, rendition: RENDITION, engineDigest: 'e', templateDigest: 't' },
      ...{ batchId: 'referral/2026-11-23/1', renderMs: 1 },
    },
  );
}

const counting = (credentials = {}) =>
  new CountingStore({ clientConfig: s3.clientConfig(credentials), bucket: s3.bucket });

test('a few are asked for by name, many by listing, and either way the same are found', async () => {
  using night = await nightOf(4_000);
  const { variants } = night;
  using store = counting();
  const stored = [0, 7, 1_999, 3_999];
  await pMap(stored, (rank) => storeVideo(store, variants.keyAt(rank)));
  // Of other nights, and no video at all.
  await storeVideo(store, keyOf({ n: -1 }));
  await store.put(`videos/ab/${'z'.repeat(64)}.mp4`, 'x', { contentType: 'text/plain' });

  const large = await storedRanks(store, variants, RENDITION, never);
  expect([...large.stored.entries()].flatMap(([rank, is]) => (is === 1 ? [rank] : []))).toEqual(stored);
  expect(large.storedCount).toBe(stored.length);
  expect(store.lists).toBe(256);
  expect(store.heads).toBe(stored.length);

  using few = await nightOf(50);
  const small = await storedRanks(store, few.variants, RENDITION, never);
  expect(small.storedCount).toBe(2);
  expect(store.lists).toBe(256);
  expect(store.heads).toBe(stored.length + 50);
}, 60_000);

test('where the first of the prefixes is too full for listing to pay, or may not be listed, each is asked for', async () => {
  using night = await nightOf(3_300);
  using store = counting();
  await storeVideo(store, night.variants.keyAt(5));
  using blind = counting({ credentials: BLIND_CREDENTIALS });
  expect((await storedRanks(blind, night.variants, RENDITION, never)).stored[5]).toBe(1);
  expect(blind.heads).toBe(3_300);

  const others = Array.from({ length: 1_000 }, (_, n) =>
    objectKeys.video(`00${`${n}`.padStart(62, '0')}` as VariantKey),
  );
  await pMap(others, (key) => store.put(key, 'x', { contentType: 'video/mp4' }), { concurrency: 32 });
  const asked = await storedRanks(store, night.variants, RENDITION, never);
  expect(asked.stored[5]).toBe(1);
  expect(store.lists).toBe(1);
  expect(store.heads).toBe(3_300);
}, 120_000);
