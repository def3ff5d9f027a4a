/** What nothing refers to any more goes once it is old enough, and not a moment before. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { objectKeys, type VariantKey } from '../../src/contracts/ids.ts';
import type { PlannedCampaign } from '../../src/planning/read-night.ts';
import { collectGarbage, type GarbageRequest, type RunningNight } from '../../src/retention/collect-garbage.ts';
import { pointerPrefixes } from '../../src/retention/pointer-scan.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { TestS3 } from '../support/s3.ts';
import { never } from '../warehouse/support.ts';
import { night, type Person, snapshotCampaign } from './nights.ts';

const DAY_MS = 86_400_000;

let server: TestS3;
let store: ObjectStore;
let people: readonly Person[];
let story: PlannedCampaign;

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
  const over = { template: 'story', scenes: 'auto', pointerKey: 'people/{recipientId}.json' } as const;
  story = snapshotCampaign('story', () => people, store, over);
});

/** As it would be so many days from now, with the patterns that the bucket itself knows. */
const gc = async (days: number, over: Partial<GarbageRequest> = {}) =>
  await collectGarbage(
    store,
    {
      ...{ pointerPatterns: [], olderThanDays: 30, keepBatchesDays: 90, runningNights: async () => [] },
      nowMs: Date.now() + days * DAY_MS,
      ...over,
    },
    never,
  );

const keys = async (prefix: string): Promise<string[]> =>
  (await Array.fromAsync(store.list(prefix))).map(({ key }) => key);
const person = (n: number, id = 'ann'): Person => ({ id, name: `Ann ${n}`, n });
const videoOf = async (id: string): Promise<VariantKey> =>
  (JSON.parse((await store.getText(`people/${id}.json`)) ?? '') as { variantKey: VariantKey }).variantKey;

/** Three nights: ann's first two videos are replaced, bo's first stays the current one. */
async function threeNights(): Promise<{ readonly old: VariantKey[]; readonly current: VariantKey[] }> {
  const old: VariantKey[] = [];
  for (const day of [2, 3, 4]) {
    people = [person(day), person(1, 'bo')];
    await night(store, story, day, people);
    if (day < 4) old.push(await videoOf('ann'));
  }
  return { old, current: [await videoOf('ann'), await videoOf('bo')] };
}

test('old videos, posters and scenes go when no pointer and no kept batch names them, and pointers always lead to a video', async () => {
  const { old, current } = await threeNights();
  const others = ['videos/00/notes.txt', 'videos/ab/short.mp4', 'scenes/readme'];
  for (const key of others) await store.put(key, 'not ours', { contentType: 'text/plain' });
  const there = await keys('');

  const dry = await gc(100, { runningNights: null });
  expect(dry).toMatchObject({ pointers: 2, keptBatches: 0, pastBatches: 3, heldBy: [], unknownScenes: [] });
  expect(dry.kinds.videos).toMatchObject({ there: { objects: 4 }, unused: { objects: 2 }, removed: { objects: 0 } });
  expect(await keys('')).toEqual(there);

  const done = await gc(100);
  const bytes = 2 * `film ${old[0]}`.length;
  expect(done.kinds.videos.removed).toEqual({ objects: 2, bytes });
  expect(done.kinds.posters.removed).toEqual({ objects: 2, bytes });
  // No batch is kept, so nobody needs scenes, the template or an earlier night's ledger.
  expect(done.kinds.templates.removed.objects).toBe(1);
  expect(done.kinds.ledgers.removed.objects).toBe(2);
  expect((await keys('scenes/')).filter((key) => !others.includes(key))).toEqual([]);
  expect(await keys('videos/')).toEqual(
    [...current.flatMap((key) => [objectKeys.poster(key), objectKeys.video(key)]), ...others.slice(0, 2)].sort(),
  );
  expect(await gc(100)).toMatchObject({ kinds: { videos: { unused: { objects: 0 } } } });
});

test('what a kept batch names stays, and so does whatever is young', async () => {
  await threeNights();
  const there = await keys('');
  const kept = await gc(60);
  expect(kept).toMatchObject({ keptBatches: 3, pastBatches: 0, unknownScenes: [] });
  expect(kept.kinds.videos).toMatchObject({ unused: { objects: 0 } });
  expect(kept.kinds.scenes).toMatchObject({ unused: { objects: 0 } });
  expect(kept.kinds.ledgers).toMatchObject({ removed: { objects: 2 } });
  const ledgers = there.filter((key) => key.startsWith('state/ledgers/'));
  expect(await keys('')).toEqual(there.filter((key) => !ledgers.includes(key) || key.includes('2026-11-04')));

  const young = await gc(20, { keepBatchesDays: 10 });
  expect(young.kinds.videos).toMatchObject({ unused: { objects: 2 }, young: { objects: 2 }, removed: { objects: 0 } });
});

test('what failures show goes with the batch that they are of, and their lines stay in it', async () => {
  await threeNights();
  const folder = `batches/story/2026-11-02/1/failures/${'a'.repeat(64)}/`;
  const scene = `batches/story/2026-11-03/1/failures/scenes/${'b'.repeat(64)}/`;
  const [line = '', ...pictures] = [`${folder}one.json`, `${folder}one.jpg`, `${scene}two.jpg`];
  for (const key of [line, ...pictures]) await store.put(key, 'it', { contentType: 'text/plain' });
  expect((await gc(60)).kinds.screenshots).toMatchObject({ there: { objects: 2 }, unused: { objects: 0 } });
  expect((await gc(100)).kinds.screenshots).toMatchObject({ removed: { objects: 2 } });
  expect((await keys('batches/')).filter((key) => key.includes('/failures/'))).toEqual([line]);
});

test('of a scene of a kept batch, whose template nobody has any more, nobody knows: then no scene goes', async () => {
  await threeNights();
  for (const key of await keys('templates/')) await store.remove(key);
  const { kinds, unknownScenes } = await gc(60);
  expect(unknownScenes).toHaveLength(3);
  expect(kinds.scenes).toMatchObject({ unused: { objects: 0 } });
});

test('a damaged page or pointer costs nobody a video', async () => {
  const { old } = await threeNights();
  const page = 'batches/story/2026-11-02/1/manifest/000001.json';
  for (const key of [page, 'people/ann.json']) {
    await store.put(key, ((await store.getText(key)) ?? '').slice(0, -3), { contentType: 'application/json' });
  }
  expect((await gc(60)).kinds.videos).toMatchObject({ unused: { objects: 0 } });
  expect((await gc(100)).kinds.videos).toMatchObject({ removed: { objects: old.length } });
  expect(await store.head(objectKeys.video(await videoOf('bo')))).not.toBeNull();
});

test('nothing goes while a night is being planned, which may have found an old video a moment ago', async () => {
  const { old } = await threeNights();
  const planned: RunningNight = { workflowId: 'batch/story/2026-11-04', runId: 'run story 4 false' };
  const planning: RunningNight = { workflowId: 'batch/story/2026-11-05', runId: 'run story 5 false' };
  expect(await gc(100, { keepBatchesDays: 200, runningNights: async () => [planned] })).toMatchObject({ heldBy: [] });

  const held = await gc(100, { runningNights: async () => [planning] });
  expect(held.heldBy).toEqual(['batch/story/2026-11-05']);
  expect(held.kinds.videos).toMatchObject({ unused: { objects: 2 }, removed: { objects: 0 } });
  for (const key of old) expect(await store.head(objectKeys.video(key))).not.toBeNull();
});

test('a night that is planned after the batches were read keeps the old video that it found', async () => {
  const { old } = await threeNights();
  // The first that is looked at, so that it is on the list of what goes by then.
  const [again] = old.toSorted();
  if (again === undefined) throw new TypeError('no video');
  const day = old.indexOf(again) + 2;
  for (const key of await keys('scenes/')) await store.remove(key);
  const planning: RunningNight = { workflowId: 'batch/story/2026-11-05', runId: 'run story 5 true' };
  let began = false;
  const runningNights = async (): Promise<RunningNight[]> => {
    // Between the look at the batches and the first removal: ann has the numbers of that night again.
    if (!began) await night(store, story, 5, [person(day), person(1, 'bo')], { byHand: true, onlyPlanned: true });
    began = true;
    return [planning];
  };
  // So that the three nights are past, and the one to come is not.
  await sleep(2_500);
  const seconds = 1 / 86_400;
  const done = await gc(0, { olderThanDays: seconds, keepBatchesDays: 2 * seconds, runningNights });
  expect(began).toBe(true);
  expect(done).toMatchObject({ heldBy: [], kinds: { videos: { removed: { objects: 1 } } } });
  expect(await store.head(objectKeys.video(again))).not.toBeNull();
});

test('pointers are looked for under what is fixed of the patterns, once', () => {
  const patterns = ['users/{recipientId}.json', 'users/{campaign}/{recipientId}.json', 'p/x-{hash2}/{recipientId}'];
  expect(pointerPrefixes(patterns)).toEqual(['p/x-', 'users/']);
});
