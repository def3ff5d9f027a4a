/** A worker's memory of what a plan wrote is short: people may be taken out of it meanwhile. */

import { afterEach, expect, jest, test } from '@jest/globals';
import { type BatchRef, isBusinessDate, isCampaignId, objectKeys } from '../../src/contracts/ids.ts';
import { ManifestReader, REMEMBERED_MS } from '../../src/planning/manifest-reader.ts';
import { TestS3 } from '../support/s3.ts';

afterEach(() => void jest.restoreAllMocks());

function batchOf(campaign: string, businessDate: string): BatchRef {
  if (!isCampaignId(campaign) || !isBusinessDate(businessDate)) throw new TypeError('names');
  return { campaign, businessDate, attempt: 1 };
}

test('a page is read once for those who come together, and again for who comes later', async () => {
  await using server = await TestS3.start();
  using store = server.store();
  const batch = batchOf('card', '2026-11-23');
  const write = (...recipients: string[]) =>
    store.put(objectKeys.recipientPage(batch, 1), JSON.stringify({ page: 1, key: 'a'.repeat(64), recipients }), {
      contentType: 'application/json',
    });
  const manifests = new ManifestReader(store);
  const variant = { key: 'a'.repeat(64) as never, recipients: [], recipientPages: { first: 1, count: 1 } };
  const read = () => Array.fromAsync(manifests.recipientsOf(batch, variant));

  let now = 1_000;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  await write('ann', 'bo');
  expect(await read()).toEqual(['ann', 'bo']);
  await write('bo');
  now += REMEMBERED_MS - 1;
  expect(await read()).toEqual(['ann', 'bo']);
  now += 1;
  expect(await read()).toEqual(['bo']);
});

test('a page that is missing, cut short, of another shape or of another number is damaged, by name', async () => {
  await using server = await TestS3.start();
  using store = server.store();
  const batch = batchOf('card', '2026-11-23');
  const key = objectKeys.manifestPage(batch, 2);
  const read = async () => await new ManifestReader(store).page(batch, 2);
  const damaged = { failureClass: 'ManifestDamaged', message: expect.stringContaining(key) };
  await expect(read()).rejects.toMatchObject(damaged);
  for (const body of ['', '{"page":2,"variants":[', '{"page":2,"variants":[{}]}', '{"page":3,"variants":[]}']) {
    await store.put(key, body, { contentType: 'application/json' });
    await expect(read()).rejects.toMatchObject(damaged);
  }
  await store.put(key, '{"page":2,"variants":[]}', { contentType: 'application/json' });
  expect(await read()).toEqual({ page: 2, variants: [] });
});
