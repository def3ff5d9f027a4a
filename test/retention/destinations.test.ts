/** Whose people watch in different places: what refers to their videos, and what goes with one of them. */

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { objectKeys, type VariantKey } from '../../src/contracts/ids.ts';
import { videosOf } from '../../src/planning/manifest.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import type { PlannedCampaign } from '../../src/planning/read-night.ts';
import { failedSlots } from '../../src/reporting/outcomes.ts';
import { collectGarbage } from '../../src/retention/collect-garbage.ts';
import { forgetPerson } from '../../src/retention/forget-person.ts';
import { putVariantList } from '../../src/storage/inputs.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import type { Pointer } from '../../src/storage/pointers.ts';
import { TestS3 } from '../support/s3.ts';
import { never } from '../warehouse/support.ts';
import { keysWith, night, type Person, snapshotCampaign, wholeBucket } from './nights.ts';

const DAY_MS = 86_400_000;
const ANN: Person = { id: 'ann', name: 'Ann Wetherby', n: 1, channel: 'email' };
const BO: Person = { id: 'bo', name: 'Bo', n: 2, channel: 'email' };
/** Is shown Bo's video, elsewhere. */
const CY: Person = { ...BO, id: 'cy', channel: 'phone' };

let server: TestS3;
let store: ObjectStore;
let people: readonly Person[];
let film: PlannedCampaign;

beforeAll(async () => {
  server = await TestS3.start();
  store = server.store();
});
afterAll(async () => {
  store?.close();
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for await (const { key } of store.list('')) await store.remove(key);
  film = snapshotCampaign('film', () => people, store, {
    rendition: 'web-1080p',
    destinations: {
      column: 'channel',
      renditions: { email: ['email-480p', 'web-1080p'], phone: ['phone-720p'], web: ['web-1080p'] },
    },
    results: 'parquet',
  });
});

const tonight = async (day: number, ...who: Person[]) => {
  people = who;
  return await night(store, film, day, people);
};
const pointerOf = async ({ id }: Person) => JSON.parse((await store.getText(`users/${id}.json`)) ?? '') as Pointer;
const keysOf = ({ renditions }: Pointer): VariantKey[] =>
  Object.values(renditions).map(({ variantKey }) => variantKey as VariantKey);
const stored = async (): Promise<string[]> =>
  (await Array.fromAsync(store.list('videos/'))).map(({ key }) => key).filter((key) => key.endsWith('.mp4'));
const gc = async (days: number) =>
  await collectGarbage(
    store,
    {
      ...{ pointerPatterns: [], olderThanDays: 30, keepBatchesDays: 90, runningNights: async () => [] },
      nowMs: Date.now() + days * DAY_MS,
    },
    never,
  );

test('a night says of everyone which videos are theirs: on pages, in pointers, in the ledger and in the results', async () => {
  const batch = await tonight(2, ANN, BO, CY);
  const [line, other] = (await new ManifestReader(store).page(batch, 1)).variants;
  expect([line, other].map((one) => one && videosOf(one).map(({ rendition }) => rendition))).toEqual([
    ['web-1080p', 'email-480p'],
    undefined,
  ]);
  const second = (await new ManifestReader(store).page(batch, 2)).variants[0];
  expect(second).toMatchObject({ recipients: ['bo', 'cy'], destinations: [0, 1] });
  const [bo, cy] = await Promise.all([pointerOf(BO), pointerOf(CY)]);
  expect(Object.keys(bo.renditions).sort()).toEqual(['email-480p', 'web-1080p']);
  expect(bo.variantKey).toBe(bo.renditions['email-480p']?.variantKey);
  expect(Object.keys(cy.renditions)).toEqual(['phone-720p']);
  const results = (await wholeBucket(store)).get('results/film/2026-11-02/1.parquet') ?? '';
  const keyOf = ({ id }: Person) => new RegExp(`\\["${id}",.*"([0-9a-f]{64})"\\]`).exec(results)?.[1];
  expect([BO, CY].map(keyOf)).toEqual([bo.variantKey, cy.variantKey]);

  // All unchanged, but who watches elsewhere now.
  const next = await tonight(3, ANN, BO, { ...CY, channel: 'web' });
  expect((await new ManifestReader(store).plan(next)).counts).toMatchObject({ unchanged: 2, recipients: 1, cached: 1 });
});

test('whose video failed is found again by any of its renditions, as one failed variant', async () => {
  people = [ANN, BO, CY];
  const batch = await night(store, film, 2, people, { failing: [BO.id] });
  const manifests = new ManifestReader(store);
  const line = (await manifests.page(batch, 2)).variants[0];
  if (line === undefined) throw new TypeError('there is a line');
  const slot = { page: 2, index: 0, key: line.key };
  for (const { key } of videosOf(line)) {
    const variantsKey = await putVariantList(store, [key]);
    expect(await failedSlots({ store, manifests }, { batch, variantsKey, limit: 9 })).toEqual([slot]);
  }
  const variantsKey = await putVariantList(store, ['0'.repeat(64) as VariantKey]);
  await expect(failedSlots({ store, manifests }, { batch, variantsKey, limit: 9 })).rejects.toThrow(/not in batch/);
});

test('videos that only a pointer links stay, and so do all renditions that a kept batch names', async () => {
  await tonight(2, ANN, BO, CY);
  const first = await stored();
  expect(first).toHaveLength(5);
  await tonight(3, { ...ANN, n: 8 }, BO, CY);
  expect(await stored()).toHaveLength(7);
  expect((await gc(60)).kinds.videos).toMatchObject({ unused: { objects: 0 } });

  // No batch is kept: Ann's first two go.
  expect((await gc(100)).kinds.videos).toMatchObject({ removed: { objects: 2 } });
  const pointers = await Promise.all([ANN, BO, CY].map(pointerOf));
  expect(await stored()).toEqual(pointers.flatMap(keysOf).map(objectKeys.video).sort());
});

test('who is forgotten is gone with every rendition that was theirs alone, and of shared videos none goes', async () => {
  const batch = await tonight(2, ANN, BO, CY);
  const [ann, bo, cy] = await Promise.all([ANN, BO, CY].map(pointerOf));
  if (ann === undefined || bo === undefined || cy === undefined) throw new TypeError('everyone has a pointer');
  const forget = async ({ id }: Person) =>
    await forgetPerson(store, { recipientId: id, campaign: null, campaigns: [film], dryRun: false }, never);

  const gone = await forget(ANN);
  expect([...gone.videoKeys].sort()).toEqual(keysOf(ann).sort());
  expect(keysWith(await wholeBucket(store), ANN.name, '"ann"', ...keysOf(ann))).toEqual([]);

  expect(await forget(BO)).toMatchObject({ videoKeys: [], unreadable: [] });
  expect(await stored()).toEqual([...keysOf(bo), ...keysOf(cy)].map(objectKeys.video).sort());
  const line = (await new ManifestReader(store).page(batch, 2)).variants[0];
  expect(line).toMatchObject({ recipients: ['cy'], destinations: [1] });

  // Nobody is left: those that were Bo's go, too.
  const last = await forget(CY);
  expect(last.videoKeys).toHaveLength(3);
  expect(await stored()).toEqual([]);
});
