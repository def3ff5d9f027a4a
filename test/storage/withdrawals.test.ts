import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BatchRef, isBusinessDate, isCampaignId, isVariantKey } from '../../src/contracts/ids.ts';
import type { StoredVideo } from '../../src/contracts/video.ts';
import { Ledger } from '../../src/storage/ledger.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { pointerKey } from '../../src/storage/pointer-keys.ts';
import {
  neutralPointerSchema,
  pointerOf,
  publishPointer,
  readPointer,
  WHEN_WITHDRAWN,
} from '../../src/storage/pointers.ts';
import { publishPointers } from '../../src/storage/publish-pointers.ts';
import { withdrawPointers } from '../../src/storage/withdrawals.ts';
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

const campaign = ['referral'].filter(isCampaignId)[0];
const key = ['a'.repeat(64)].filter(isVariantKey)[0];
if (campaign === undefined || key === undefined) throw new TypeError('names');
const batchOf = (day: number, attempt = 1): BatchRef => {
  const date = `2026-11-${String(day).padStart(2, '0')}`;
  if (!isBusinessDate(date)) throw new TypeError(date);
  return { campaign, businessDate: date, attempt };
};
const video: StoredVideo = {
  ...{ variantKey: key, rendition: 'email-480p', width: 854, height: 480, durationMs: 2000, sizeBytes: 9 },
  sha256: 'b'.repeat(64),
};

describe.each(WHEN_WITHDRAWN)('a pointer that is taken back (%s)', (whenWithdrawn) => {
  const pattern = `people/${whenWithdrawn}/{recipientId}.json`;
  const publish = (batch: BatchRef, ...recipients: string[]) =>
    publishPointers(store, { batch, pointerKey: pattern, whenWithdrawn, recipients, video, updatedAt: 'now' });
  const withdraw = (batch: BatchRef, ...recipients: string[]) =>
    withdrawPointers(store, { batch, pointerKey: pattern, whenWithdrawn, recipients, updatedAt: 'now' });
  const shown = async (id: string) => {
    const pointer = await readPointer(store, pointerKey(pattern, batchOf(1).campaign, id));
    return pointer === null || 'withdrawn' in pointer ? null : `${pointer.businessDate}/${pointer.attempt}`;
  };

  test('shows no video, and says so or is gone', async () => {
    await publish(batchOf(1), 'ann');
    expect(await shown('ann')).toBe('2026-11-01/1');
    expect(await withdraw(batchOf(2), 'ann', 'nobody/ever')).toBe(2);
    expect(await shown('ann')).toBeNull();
    const left = await store.getText(`people/${whenWithdrawn}/ann.json`);
    if (whenWithdrawn === 'remove') expect(left).toBeNull();
    else
      expect(neutralPointerSchema.parse(JSON.parse(left ?? ''))).toMatchObject({ recipientId: 'ann', withdrawn: true });
  });

  test('is not written again by an older batch, nor by the same, however late their repair comes', async () => {
    await withdraw(batchOf(5), 'bo');
    expect(await publish(batchOf(4), 'bo')).toBe(0);
    expect(await publish(batchOf(5), 'bo')).toBe(0);
    expect(await shown('bo')).toBeNull();
  });

  test('is written again once a newer batch has a video for the person', async () => {
    await withdraw(batchOf(5), 'cy');
    expect(await publish(batchOf(6), 'cy')).toBe(1);
    expect(await shown('cy')).toBe('2026-11-06/1');
    expect(await withdraw(batchOf(5), 'cy')).toBe(0);
    expect(await shown('cy')).toBe('2026-11-06/1');
  });

  test('comes to the same in whatever order and however often batches write and withdraw side by side', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `many-${index}`);
    const steps = ids.flatMap((id) => [
      () => publish(batchOf(7), id),
      () => publish(batchOf(8), id),
      () => withdraw(batchOf(9), id),
      () => publish(batchOf(8, 2), id),
      () => withdraw(batchOf(7), id),
    ]);
    await Promise.all([...steps, ...steps].sort(() => Math.random() - 0.5).map((step) => step()));
    expect(await Promise.all(ids.map(shown))).toEqual(ids.map(() => null));
  });
});

describe('a pointer that is removed', () => {
  const pattern = 'people/removed/{recipientId}.json';
  const request = { pointerKey: pattern, whenWithdrawn: 'remove' as const, video, updatedAt: 'now' };

  test('stays when a newer batch writes it in the moment of its removal', async () => {
    /** Somebody is always a moment quicker. */
    class OvertakenStore extends ObjectStore {
      override async compareAndRemove(...args: Parameters<ObjectStore['compareAndRemove']>) {
        await publishPointers(store, { ...request, batch: batchOf(6), recipients: ['dee'] });
        return await super.compareAndRemove(...args);
      }
    }
    using overtaken = new OvertakenStore({ clientConfig: server.clientConfig(), bucket: server.bucket });
    await publishPointers(store, { ...request, batch: batchOf(4), recipients: ['dee'] });
    await withdrawPointers(overtaken, { ...request, batch: batchOf(5), recipients: ['dee'] });
    expect(await readPointer(store, 'people/removed/dee.json')).toMatchObject({ businessDate: '2026-11-06' });
  });

  test('goes, when an attempt that had written it died before it looked again', async () => {
    await withdrawPointers(store, { ...request, batch: batchOf(5), recipients: ['eli'] });
    const stale = pointerOf(store, { batch: batchOf(4), recipientId: 'eli', video, updatedAt: 'now' });
    expect(await publishPointer(store, 'people/removed/eli.json', stale)).toBe('published');
    expect(await publishPointers(store, { ...request, batch: batchOf(4), recipients: ['eli'] })).toBe(0);
    expect(await readPointer(store, 'people/removed/eli.json')).toBeNull();
  });
});

describe('the ledger', () => {
  const digest = (digit: string) => digit.repeat(64);

  test('comes back as it was written, with every kind of ID', async () => {
    const ledger = await Ledger.read(store, null);
    const ids = [
      'a',
      'ü/"x"\n\u2028',
      '😀',
      '__proto__',
      ...Array.from({ length: 5_000 }, (_, index) => `id-${index}`),
    ];
    for (const id of ids) ledger.set(id, digest('c'), batchOf(1));
    const written = await ledger.write(store, batchOf(1));
    expect(await ledger.write(store, batchOf(1))).toBe(written);
    const again = await Ledger.read(store, written);
    expect(again.size).toBe(ids.length);
    expect([...again.ids()]).toEqual(ids);
    for (const id of ids) expect([again.shows(id, digest('c')), again.shows(id, digest('d'))]).toEqual([true, false]);
    await expect(Ledger.read(store, 'state/ledgers/none')).rejects.toThrow('missing from the bucket');
  });

  test('an older batch changes nothing that a newer one has said', async () => {
    const ledger = await Ledger.read(store, null);
    ledger.set('a', digest('1'), batchOf(3));
    ledger.set('a', digest('2'), batchOf(2));
    ledger.set('a', null, batchOf(2, 9));
    expect(ledger.shows('a', digest('1'))).toBe(true);
    ledger.set('a', null, batchOf(3));
    expect(ledger.has('a')).toBe(false);
  });
});
