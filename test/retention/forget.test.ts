/** One person is taken out of a bucket of many nights: nothing of theirs is left, and everything of everybody else's. */

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type BatchRef, objectKeys } from '../../src/contracts/ids.ts';
import { readState } from '../../src/planning/campaign-state.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import type { PlannedCampaign } from '../../src/planning/read-night.ts';
import { partsOf } from '../../src/planning/scene-key.ts';
import { reportSchema } from '../../src/reporting/report-json.ts';
import { type ForgetRequest, type Forgotten, forgetPerson } from '../../src/retention/forget-person.ts';
import { Ledger } from '../../src/storage/ledger.ts';
import { ObjectStore, type ObjectStoreOptions } from '../../src/storage/object-store.ts';
import { encodeRecipientId } from '../../src/storage/pointer-keys.ts';
import { templates } from '../support/planned-card.ts';
import { TestS3 } from '../support/s3.ts';
import { never } from '../warehouse/support.ts';
import { keysWith, night, type Person, snapshotCampaign, wholeBucket } from './nights.ts';

/** An ID that neither a key, nor JSON, nor CSV holds as it is. */
const GONE: Person = { id: 'ada "7"/ö,@example.com', name: 'Ada 👩‍🚀 Quillfeather', n: 7 };
const SHARER: Person = { id: 'sharer', name: 'Same Name', n: 1 };
const OTHERS: readonly Person[] = [
  SHARER,
  { id: 'ada "7"', name: 'Shorter', n: 2 },
  { id: `${GONE.id}1`, name: 'Longer', n: 3 },
  { id: 'namesake', name: GONE.name.slice(0, 3), n: 7 },
];
/** Every way in which the ID is spelled somewhere, short of the person whose ID begins with it. */
const TRACES = [
  GONE.name,
  `${JSON.stringify(GONE.id)}`,
  `"${GONE.id.replaceAll('"', '""')}"`,
  `${encodeRecipientId(GONE.id)}.json`,
  createHash('sha256').update(GONE.id).digest('hex'),
];

let server: TestS3;
let store: ObjectStore;
let people: readonly Person[];
let story: PlannedCampaign;
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
  story = snapshotCampaign('story', () => people, store, {
    ...{ template: 'story', scenes: 'auto', results: 'parquet' },
    pointerKey: 'people/{campaign}/{hash2}/{recipientId}.json',
  });
  film = snapshotCampaign('film', () => people, store);
});

const campaigns = (): ForgetRequest['campaigns'] => [story, film];
const forget = async (over: Partial<ForgetRequest> = {}, from: ObjectStore = store): Promise<Forgotten> =>
  await forgetPerson(
    from,
    { recipientId: GONE.id, campaign: null, campaigns: campaigns(), dryRun: false, ...over },
    never,
  );

/** Two campaigns, in which the person was shown videos, failed, was rejected, withdrawn, on a list, and in the middle of a plan. */
describe('a person who is forgotten', () => {
  beforeEach(async () => {
    people = [GONE, ...OTHERS];
    await night(store, story, 2, people);
    await leaveFailures(await night(store, film, 2, people));
    people = [{ ...GONE, n: 8 }, ...OTHERS];
    await leaveFailures(await night(store, story, 3, people, { failing: [GONE.id] }));
    people = [{ ...GONE, n: -1 }, ...OTHERS];
    await night(store, story, 4, people);
    people = OTHERS;
    await night(store, film, 4, people);
    await night(store, film, 5, [{ ...SHARER, id: GONE.id }, ...OTHERS], { byHand: true });
    people = [{ ...GONE, n: 9 }, ...OTHERS];
    await night(store, story, 6, people, { onlyPlanned: true });
  });

  test('is found nowhere in the bucket, in whatever form; a dry run says how much that is and changes nothing', async () => {
    const before = await wholeBucket(store);
    const kinds = keysWith(before, ...TRACES).map(
      (key) =>
        /(claim|plan|manifest|failures|rejects|withdrawn)|^[a-z]+/.exec(key.replace('batches/', '/'))?.[0] ?? key,
    );
    expect([...new Set(kinds)].sort()).toEqual([
      'failures',
      'inputs',
      'manifest',
      'people',
      'plan',
      'rejects',
      'results',
      'state',
      'users',
      'withdrawn',
    ]);

    const wouldBe = await forget({ dryRun: true });
    expect(await wholeBucket(store)).toEqual(before);
    const done = await forget();
    expect(done.objects).toEqual(wouldBe.objects);
    expect(done.unreadable).toEqual([]);
    expect(done.objects).toEqual({
      ...{
        pointers: 2,
        videos: 2,
        posters: 2,
        scenes: 2,
        failures: 6,
        manifests: 5,
        outcomes: 3,
        reports: 6,
        plans: 2,
        rejects: 1,
      },
      ...{ withdrawals: 1, results: 3, states: 1, ledgers: 4, lists: 1, tombstones: 1 },
    });
    const after = await wholeBucket(store);
    expect(keysWith(after, ...TRACES)).toEqual([]);
    // Not even what their videos were called.
    expect(keysWith(after, ...done.videoKeys)).toEqual([]);
    expect(done.videoKeys).toHaveLength(2);
  });

  test('is not found the second time, which is no failure', async () => {
    await forget();
    expect(await forget()).toMatchObject({ objects: {}, videoKeys: [], sharedVideos: 0, unreadable: [] });
  });

  test('leaves everybody else as they were', async () => {
    const failuresOfOthers = async () => (await failures()).filter(([, shown]) => shown === 'somebody else');
    const failed = await failuresOfOthers();
    expect(failed.length).toBeGreaterThan(0);
    const pointers = async () => [...(await wholeBucket(store))].filter(([key]) => /^(users|people)\//.test(key));
    const own = encodeRecipientId(GONE.id);
    const before = (await pointers()).filter(([key]) => !key.endsWith(`/${own}.json`));
    expect(before.length).toBe(2 * OTHERS.length);
    const { sharedVideos } = await forget();
    expect(sharedVideos).toBe(1);
    expect(await pointers()).toEqual(before);
    expect(await failures()).toEqual(failed);
    for (const [, text] of before) {
      const { variantKey } = JSON.parse(text) as { variantKey: Forgotten['videoKeys'][number] };
      expect(await store.head(objectKeys.video(variantKey))).not.toBeNull();
      expect(await store.head(objectKeys.poster(variantKey))).not.toBeNull();
    }
    const batch = { campaign: story.id, businessDate: '2026-11-02', attempt: 1 } as const;
    const manifests = new ManifestReader(store);
    const plan = await manifests.plan(batch as never);
    const ids: string[] = [];
    for (let page = 1; page <= plan.pages; page += 1) {
      for (const variant of (await manifests.page(plan.batch, page)).variants) {
        ids.push(...variant.recipients);
        // By its number, although a line before it may have gone.
        expect(await manifests.variant({ batch: plan.batch, page, index: variant.index, key: variant.key })).toEqual(
          variant,
        );
      }
    }
    expect(ids.sort()).toEqual(OTHERS.map(({ id }) => id).sort());
    const { state } = await readState(store, story.id);
    const ledger = await Ledger.read(store, state.ledger);
    expect([...ledger.ids()].sort()).toEqual(OTHERS.map(({ id }) => id).sort());
    const report = reportSchema.parse(JSON.parse((await store.getText(objectKeys.reportJson(plan.batch))) ?? ''));
    expect(report.summary.variants).toBe(1 + OTHERS.length);
    expect(report.samples).toHaveLength(OTHERS.length);
  });

  test('is found nowhere after runs that died after one write, two, five …, until one did not', async () => {
    const whole = Object.values((await forget({ dryRun: true })).objects).reduce((sum, n) => sum + n, 0);
    let writes = 0;
    for (let run = 0; ; run += 1) {
      using mortal = new MortalStore([1, 2, 5, 3, 7][run % 5] ?? 1, {
        clientConfig: server.clientConfig(),
        bucket: server.bucket,
      });
      const died = await forget({}, mortal).catch((error: unknown) => error);
      writes += mortal.writes;
      if (!(died instanceof Error)) break;
      expect(died.message).toBe('killed');
    }
    expect(writes).toBeGreaterThanOrEqual(whole);
    expect(keysWith(await wholeBucket(store), ...TRACES)).toEqual([]);
  }, 120_000);

  test('stays in the other campaign when only one is to forget them', async () => {
    await forget({ campaign: story.id });
    const after = keysWith(await wholeBucket(store), ...TRACES);
    expect(after.filter((key) => key.includes('story'))).toEqual([]);
    expect(after.filter((key) => key.startsWith('batches/film/')).length).toBeGreaterThan(0);
    expect(after.filter((key) => key.startsWith('inputs/'))).toHaveLength(1);
  });

  test('whose pointer and page are damaged is named with them, and all the rest goes', async () => {
    const pointer = `people/story/${createHash('sha256').update(GONE.id).digest('hex').slice(0, 2)}/${encodeRecipientId(GONE.id)}.json`;
    const page = 'batches/film/2026-11-02/1/manifest/000001.json';
    for (const key of [pointer, page]) {
      const text = (await store.getText(key)) ?? '{"recipientId":';
      await store.put(key, text.slice(0, -2), { contentType: 'application/json' });
    }
    const before = await store.getText(page);
    const { unreadable } = await forget();
    expect(unreadable).toEqual(
      expect.arrayContaining([
        { key: pointer, namesThem: true },
        { key: page, namesThem: expect.any(Boolean) },
      ]),
    );
    expect(await store.getText(page)).toBe(before);
    const left = keysWith(await wholeBucket(store), ...TRACES.slice(1));
    expect(left.every((key) => unreadable.some((one) => one.key === key))).toBe(true);
  });

  test('somebody of whom the bucket knows nothing is not found', async () => {
    expect(await forget({ recipientId: 'ada' })).toMatchObject({ objects: {}, unreadable: [] });
  });

  test('a video that somebody else was shown, too, stays while an old batch has it, though nobody is shown it now', async () => {
    const twins = (n: number): Person[] => [GONE.id, 'other'].map((id) => ({ id, name: 'Twin', n }));
    people = [...OTHERS, ...twins(50)];
    await night(store, film, 9, people);
    const pointer = JSON.parse((await store.getText('users/other.json')) ?? '') as {
      variantKey: Forgotten['videoKeys'][number];
    };
    people = [...OTHERS, ...twins(51)];
    await night(store, film, 10, people);
    expect((await forget()).videoKeys).not.toContain(pointer.variantKey);
    expect(await store.head(objectKeys.video(pointer.variantKey))).not.toBeNull();
  });

  test('two who share a name are gone with it once both are forgotten, from the pages of shared scenes, too', async () => {
    const twins: Person[] = [1, 2].map((n) => ({ id: `twin-${n}`, name: 'Ottilie Quillfeather', n: 60 + n }));
    people = [...OTHERS, ...twins];
    await night(store, story, 9, people);
    const found = async () => keysWith(await wholeBucket(store), 'Ottilie', 'twin-');
    expect((await found()).filter((key) => key.includes('/scenes/'))).toHaveLength(1);
    await forget({ recipientId: 'twin-1' });
    expect((await found()).filter((key) => key.includes('/manifest/'))).toHaveLength(1);
    await forget({ recipientId: 'twin-2' });
    expect(await found()).toEqual([]);
  });
});

const failures = async () => [...(await wholeBucket(store))].filter(([key]) => key.includes('/failures/'));

/** What an attempt at each variant of the night and at each of its scenes left: a line, and a picture that shows whose it is. */
async function leaveFailures(batch: BatchRef): Promise<void> {
  const manifests = new ManifestReader(store);
  const plan = await manifests.plan(batch);
  const template = await templates.load(plan.template.id, plan.template.digest);
  const leave = async (folder: string, shown: string): Promise<void> => {
    const name = `${folder}20261103T230000.000Z-renderVariant-01-0123abcd`;
    await store.put(`${name}.jpg`, shown, { contentType: 'image/jpeg' });
    await store.put(`${name}.json`, shown === GONE.name ? '{}' : shown, { contentType: 'application/json' });
  };
  const pages = Array.from({ length: plan.pages }, (_, at) => manifests.page(batch, at + 1));
  for (const { key, params } of (await Promise.all(pages)).flatMap(({ variants }) => variants)) {
    const shown = params['name'] === GONE.name ? GONE.name : 'somebody else';
    await leave(objectKeys.failuresOfVariant(batch, key), shown);
    const identity = { engineDigest: plan.engine.digest, template, rendition: plan.rendition };
    for (const part of plan.assembly === 'scenes' ? partsOf(identity, params) : []) {
      if (JSON.stringify(part.params).includes(GONE.name)) {
        await leave(objectKeys.failuresOfScene(batch, part.key), GONE.name);
      }
    }
  }
}

/** Dies after so many writes: of everything after them nothing happens. */
class MortalStore extends ObjectStore {
  writes = 0;
  readonly #lives: number;

  constructor(lives: number, options: ObjectStoreOptions) {
    super(options);
    this.#lives = lives;
  }

  override async remove(...args: Parameters<ObjectStore['remove']>): Promise<void> {
    this.#live();
    return await super.remove(...args);
  }

  override async compareAndSwap(...args: Parameters<ObjectStore['compareAndSwap']>) {
    this.#live();
    return await super.compareAndSwap(...args);
  }

  override async putImmutable(...args: Parameters<ObjectStore['putImmutable']>) {
    this.#live();
    return await super.putImmutable(...args);
  }

  #live(): void {
    if (this.writes === this.#lives) throw new Error('killed');
    this.writes += 1;
  }
}
