import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BatchRef, BusinessDate, CampaignId, VariantKey } from '../../src/contracts/ids.ts';
import type { StoredVideo } from '../../src/contracts/video.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { pointerOf, pointerSchema, publishPointer } from '../../src/storage/pointers.ts';
import { publishPointers } from '../../src/storage/publish-pointers.ts';
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

const night = (day: number, attempt = 1): BatchRef => ({
  campaign: 'referral' as CampaignId,
  businessDate: `2026-11-${String(day).padStart(2, '0')}` as BusinessDate,
  attempt,
});

const videoOf = (digit: string): StoredVideo => ({
  variantKey: digit.repeat(64) as VariantKey,
  rendition: 'phone-720p',
  width: 1280,
  height: 720,
  durationMs: 12_000,
  sizeBytes: 812_345,
  sha256: digit.repeat(64),
});

const pointer = (batch: BatchRef, digit = 'a', updatedAt = '2026-11-24T04:00:00.000Z') =>
  pointerOf(store, { batch, recipientId: 'u1', video: videoOf(digit), updatedAt });

const readPointer = async (key: string) => pointerSchema.parse(JSON.parse((await store.getText(key)) ?? 'null'));

describe('a pointer', () => {
  test('says everything a mail program needs, and its link plays', async () => {
    await store.putImmutable(`videos/aa/${'a'.repeat(64)}.mp4`, 'film', { contentType: 'video/mp4' });
    const updatedAt = '2026-11-24T04:00:00.000Z';
    const request = {
      batch: night(23),
      pointerKey: 'users/{recipientId}.json',
      recipients: ['zoë/1'],
      video: videoOf('a'),
      updatedAt,
    };
    expect(await publishPointers(store, request)).toBe(1);
    const key = 'users/zo%C3%AB%2F1.json';
    const body: unknown = JSON.parse((await store.getText(key)) ?? '');
    const video = {
      variantKey: 'a'.repeat(64),
      url: `${server.publicBaseUrl}/videos/aa/${'a'.repeat(64)}.mp4`,
      width: 1280,
      height: 720,
      durationMs: 12_000,
      sizeBytes: 812_345,
      sha256: 'a'.repeat(64),
    };
    expect(body).toEqual({
      recipientId: 'zoë/1',
      campaign: 'referral',
      businessDate: '2026-11-23',
      attempt: 1,
      ...video,
      renditions: { 'phone-720p': video },
      updatedAt,
    });
    expect(await (await fetch(video.url)).text()).toBe('film');
    expect(await store.head(key)).toMatchObject({ contentType: 'application/json', cacheControl: 'public,max-age=60' });
  });

  test('of a newer batch replaces an older one, and never the other way round', async () => {
    const key = 'users/order.json';
    expect(await publishPointer(store, key, pointer(night(10), 'a'))).toBe('published');
    expect(await publishPointer(store, key, pointer(night(11), 'b'))).toBe('published');
    expect(await publishPointer(store, key, pointer(night(10, 9), 'c'))).toBe('superseded');
    expect(await publishPointer(store, key, pointer(night(11, 2), 'd'))).toBe('published');
    expect(await publishPointer(store, key, pointer(night(11, 1), 'e'))).toBe('superseded');
    expect((await readPointer(key)).variantKey).toBe('d'.repeat(64));
  });

  test('that says the same already is not written again', async () => {
    const key = 'users/same.json';
    await publishPointer(store, key, pointer(night(12), 'a', '2026-11-13T04:00:00.000Z'));
    expect(await publishPointer(store, key, pointer(night(12), 'a', '2026-11-13T05:00:00.000Z'))).toBe('unchanged');
    expect((await readPointer(key)).updatedAt).toBe('2026-11-13T04:00:00.000Z');
  });

  test('is left alone when something else lies under its key', async () => {
    await store.put('users/foreign.json', '{"hello":1}', { contentType: 'application/json' });
    await expect(publishPointer(store, 'users/foreign.json', pointer(night(1)))).rejects.toThrow('is left alone');
    expect(await store.getText('users/foreign.json')).toBe('{"hello":1}');
  });

  test('stops at once when it is cancelled', async () => {
    const aborted = publishPointer(store, 'users/never.json', pointer(night(1)), AbortSignal.abort());
    await expect(aborted).rejects.toMatchObject({ failureClass: 'Cancelled' });
    expect(await store.head('users/never.json')).toBeNull();
  });

  test('whoever writes at the same time and in whatever order, the newest batch has the last word', async () => {
    let run = 0;
    const batches = fc.array(
      fc.record({ day: fc.integer({ min: 1, max: 6 }), attempt: fc.integer({ min: 1, max: 3 }) }),
      {
        minLength: 2,
        maxLength: 14,
      },
    );
    await fc.assert(
      fc.asyncProperty(batches, async (written) => {
        run += 1;
        const key = `users/race-${run}.json`;
        const outcomes = await Promise.all(
          written.map(({ day, attempt }) => publishPointer(store, key, pointer(night(day, attempt)))),
        );
        const newest = written
          .map(({ day, attempt }) => night(day, attempt))
          .sort((a, b) =>
            a.businessDate === b.businessDate ? b.attempt - a.attempt : a.businessDate < b.businessDate ? 1 : -1,
          )[0];
        expect(await readPointer(key)).toMatchObject({
          businessDate: newest?.businessDate,
          attempt: newest?.attempt,
        });
        expect(outcomes).toContain('published');
      }),
      { numRuns: 15 },
    );
  });

  describe('of one recipient among many', () => {
    const crowd = (folder: string, size: number) => ({
      batch: night(21),
      pointerKey: `${folder}/{recipientId}.json`,
      recipients: Array.from({ length: size }, (_, n) => `person-${n}`),
      video: videoOf('a'),
      updatedAt: '2026-11-24T04:00:00.000Z',
    });
    const keysUnder = async (folder: string) =>
      (await Array.fromAsync(store.list(`${folder}/`))).map(({ key }) => key.slice(folder.length + 1));

    test('that cannot be written keeps nobody else from theirs, and is told without naming anyone', async () => {
      const request = crowd('broken', 60);
      for (const n of [0, 7]) await store.put(`broken/person-${n}.json`, '{"hello":1}', { contentType: 'text/plain' });
      const failure = await publishPointers(store, request).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        failureClass: 'StorageDenied',
        message: expect.stringMatching(
          /^2 of 60 pointers of batch referral\/2026-11-21\/1 could not be written; the others/,
        ),
      });
      expect(String(failure)).not.toContain('person');
      for (const n of [1, 8, 59])
        expect((await readPointer(`broken/person-${n}.json`)).businessDate).toBe('2026-11-21');
      expect(await store.getText('broken/person-7.json')).toBe('{"hello":1}');
    });

    test('stops with all others when it is cancelled', async () => {
      const abort = new AbortController();
      const published = publishPointers(store, crowd('stopped', 5_000), abort.signal).catch((error: unknown) => error);
      while ((await store.head('stopped/person-0.json')) === null);
      abort.abort();
      expect(await published).toMatchObject({ failureClass: 'Cancelled' });
      // Those that were under way may still arrive: a few dozen, and no more than were sent at a time.
      const written = (await keysUnder('stopped')).length;
      await sleep(1_000);
      const later = (await keysUnder('stopped')).length;
      expect(later - written).toBeLessThanOrEqual(24);
      expect(later).toBeLessThan(5_000);
    });
  });

  test('counts only those who now see this batch’s video', async () => {
    const request = {
      pointerKey: 'crowd/{hash2}/{recipientId}.json',
      updatedAt: '2026-11-24T04:00:00.000Z',
      video: videoOf('a'),
    };
    const recipients = Array.from({ length: 60 }, (_, n) => `r${n}`);
    expect(await publishPointers(store, { ...request, batch: night(20), recipients: recipients.slice(0, 10) })).toBe(
      10,
    );
    expect(await publishPointers(store, { ...request, batch: night(19), recipients })).toBe(50);
    expect(await publishPointers(store, { ...request, batch: night(19), recipients })).toBe(50);
  });
});
