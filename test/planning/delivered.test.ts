/** What people were last shown, as their pointers say. */

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { VariantKey } from '../../src/contracts/ids.ts';
import type { RenditionId, StoredVideo } from '../../src/contracts/video.ts';
import { paramsDigest } from '../../src/planning/canonical-params.ts';
import { deliveredByPointers } from '../../src/planning/delivered.ts';
import { shownDigest } from '../../src/planning/destinations.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { publishPointers } from '../../src/storage/publish-pointers.ts';
import { TestS3 } from '../support/s3.ts';
import { never } from '../warehouse/support.ts';
import { campaign, date } from './support.ts';

const pointerKey = 'users/{recipientId}.json';
const DIGEST = paramsDigest({ n: 1 });
const DESTINATIONS = { column: 'channel', renditions: { any: ['web-1080p'] } } as const;

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

const videoOf = (rendition: RenditionId): StoredVideo => {
  const sha256 = createHash('sha256').update(rendition).digest('hex');
  return { variantKey: sha256 as VariantKey, rendition, width: 2, height: 2, durationMs: 1, sizeBytes: 1, sha256 };
};

async function show(recipientId: string, first: RenditionId, ...linked: RenditionId[]): Promise<void> {
  const videos = [videoOf(first), ...linked.map(videoOf)] as const;
  await publishPointers(store, {
    ...{ batch: { campaign, businessDate: date('2026-11-23'), attempt: 1 }, pointerKey, recipients: [recipientId] },
    ...{ video: videos[0], videosOf: () => videos, paramsDigest: DIGEST, updatedAt: 'now' },
  });
}

/** Which of these are unchanged, all of whom are to be shown the same. */
async function unchanged(ids: readonly string[], wanted: string, destinations?: typeof DESTINATIONS) {
  const found: string[] = [];
  const delivered = deliveredByPointers(store, { id: campaign, pointerKey, destinations }, never);
  await delivered.unchanged(
    ids.map((id) => [id, wanted] as const),
    (id) => found.push(id),
  );
  return found.sort();
}

test('somebody is shown the same only where it is of the same params, in the same renditions, with the same one first', async () => {
  await show('mail', 'email-480p', 'web-1080p');
  await show('hd', 'web-1080p', 'email-480p', 'phone-720p');
  await show('web', 'web-1080p');
  const everyone = ['mail', 'hd', 'web', 'nobody'];
  const wanting = (...renditions: RenditionId[]) => unchanged(everyone, shownDigest(DIGEST, renditions), DESTINATIONS);
  expect(await wanting('email-480p', 'web-1080p')).toEqual(['mail']);
  expect(await wanting('web-1080p', 'phone-720p', 'email-480p')).toEqual(['hd']);
  expect(await wanting('web-1080p')).toEqual(['web']);
  expect(await wanting('phone-720p')).toEqual([]);
  expect(await unchanged(everyone, shownDigest(paramsDigest({ n: 2 }), ['web-1080p']), DESTINATIONS)).toEqual([]);
  // Of a campaign in which everyone gets the same, the params alone count.
  expect(await unchanged(everyone, DIGEST)).toEqual(['hd', 'mail', 'web']);
});
