/** What a campaign remembers does not grow into one document with those who are owed a video. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { objectKeys } from '../../src/contracts/ids.ts';
import { carriedOverOf, MOST_INLINE, readState, swapState } from '../../src/planning/campaign-state.ts';
import { type CampaignState, NEW_CAMPAIGN } from '../../src/planning/manifest.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { forgetPerson } from '../../src/retention/forget-person.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { planOf } from '../reporting/night.ts';
import { keysWith, night, type Person, snapshotCampaign, wholeBucket } from '../retention/nights.ts';
import { TestS3 } from '../support/s3.ts';
import { never } from '../warehouse/support.ts';

let s3: TestS3;
let store: ObjectStore;

beforeAll(async () => {
  s3 = await TestS3.start();
  store = s3.store();
});
afterAll(async () => {
  store?.close();
  await s3?.[Symbol.asyncDispose]();
});

const { batch } = planOf();
const owed = (count: number): CampaignState['carryOver'] =>
  Array.from({ length: count }, (_, n) => ({
    ...{ recipientId: `owed\u2028-${n}@example.com`, reason: n % 2 === 0 ? 'rejected' : 'FontMissing' },
    ...{ businessDate: batch.businessDate, attempt: 1 },
  }));

test('a few are in the state itself, as they always were; very many beside it, and they are read as the same', async () => {
  const key = objectKeys.state(batch.campaign);
  const few = { ...NEW_CAMPAIGN, carryOver: owed(MOST_INLINE) };
  expect(await swapState(store, batch, null, few)).toBe('stored');
  expect(JSON.parse((await store.getText(key)) ?? '')).toEqual(few);
  const first = await readState(store, batch.campaign);
  expect(first).toMatchObject({ state: few, owedKey: null });

  const many = { ...NEW_CAMPAIGN, carryOver: owed(20_000) };
  expect(await swapState(store, batch, first.etag, many)).toBe('stored');
  expect(await swapState(store, batch, first.etag, few)).toBe('conflict');
  expect((await store.getText(key))?.length).toBeLessThan(500);
  const second = await readState(store, batch.campaign);
  expect(second.state).toEqual(many);
  expect(await swapState(store, batch, second.etag, few)).toBe('stored');
  expect((await readState(store, batch.campaign)).state).toEqual(few);
});

test('a night in which very many fail is made up for by the next, and one of them can be forgotten in between', async () => {
  const gone: Person = { id: 'gone@example.com', name: 'Gone Person', n: 1 };
  const people = [
    gone,
    ...Array.from({ length: MOST_INLINE + 200 }, (_, n) => ({ id: `p${n}`, name: `P ${n}`, n: 2 })),
  ];
  const ids = people.map(({ id }) => id);
  let now: readonly Person[] = people;
  const film = snapshotCampaign('film', () => now, store);
  await night(store, film, 2, people, { failing: ids });
  expect((await readState(store, film.id)).owedKey).toMatch(/^state\/ledgers\/film\//);
  const next = await night(store, film, 3, people, { onlyPlanned: true });
  const plan = await new ManifestReader(store).plan(next);
  expect(plan).toMatchObject({ carriedOver: [], carriedOverApart: true, counts: { recipients: people.length } });
  expect(new Set(await carriedOverOf(store, plan))).toEqual(new Set(ids));

  const forget = { recipientId: gone.id, campaign: null, campaigns: [film], dryRun: false };
  await forgetPerson(store, forget, never);
  expect(keysWith(await wholeBucket(store), gone.id, gone.name)).toEqual([]);
  const { state, owedKey } = await readState(store, film.id);
  expect(owedKey).not.toBeNull();
  expect(state.carryOver.map(({ recipientId }) => recipientId).sort()).toEqual(ids.slice(1).sort());

  now = people.slice(1);
  await night(store, film, 4, now);
  expect(await readState(store, film.id)).toMatchObject({ state: { carryOver: [] }, owedKey: null });
}, 180_000);
