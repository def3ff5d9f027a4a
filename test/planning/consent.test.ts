import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createPointerActivities } from '../../src/activities/pointers.ts';
import { Consent } from '../../src/planning/consent.ts';
import { RECIPIENTS_PER_PAGE } from '../../src/planning/manifest.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { planBatch } from '../../src/planning/plan-batch.ts';
import { openWarehouse } from '../../src/warehouse/index.ts';
import { AS_OF, cardCampaign, peopleTable, planInput, templates } from '../support/planned-card.ts';
import { TestS3 } from '../support/s3.ts';
import { never, runSql, temporaryFolder } from '../warehouse/support.ts';

test('who says no between the plan and the pointer gets none, and the others who share the video do', async () => {
  await using s3 = await TestS3.start();
  await using folder = await temporaryFolder();
  const store = s3.store();
  const path = join(folder.path, 'w.duckdb');
  await runSql(
    path,
    'CREATE TABLE people (id VARCHAR, "at" TIMESTAMPTZ, n INTEGER, ok BOOLEAN)',
    `INSERT INTO people SELECT 'p' || i, '2026-11-23 10:00:00+00', 7, i <> 4 FROM range(6) r(i)`,
  );
  let reads = 0;
  const source = peopleTable({ type: 'duckdb', path }, { consent: 'ok' });
  const campaign = cardCampaign('film', source, {
    asksConsent: true,
    openSource: ({ paramsSchema }) => {
      reads += 1;
      return openWarehouse(source, { paramsSchema });
    },
  });
  const loadCampaign = async () => campaign;
  const { batch, counts } = await planBatch({ store, templates, loadCampaign }, planInput(campaign), never);
  expect(counts).toMatchObject({ recipients: 5, withdrawn: 1, variants: 1 });

  // In the middle of the night, without a new stamp: a preference centre does not know of ours.
  await runSql(path, `UPDATE people SET ok = NULL WHERE id = 'p2'`);
  const manifests = new ManifestReader(store);
  const consent = new Consent({ manifests, templates, loadCampaign });
  const activities = createPointerActivities({ store, manifests, consent, now: () => AS_OF });
  const [variant] = (await manifests.page(batch, 1)).variants;
  if (variant === undefined) throw new TypeError('a variant');
  const video = { width: 2, height: 2, durationMs: 1, sizeBytes: 1, sha256: 'b'.repeat(64) } as const;
  const publish = () =>
    new MockActivityEnvironment().run(activities.publishPointers, {
      ...{ batch, page: 1, index: 0 },
      video: { variantKey: variant.key, rendition: 'email-480p' as const, ...video },
    });
  expect(await publish()).toEqual({ pointers: 4, next: null });
  const pointers: string[] = [];
  for await (const { key } of store.list('users/')) pointers.push(key);
  expect(pointers).toEqual(['p0', 'p1', 'p3', 'p5'].map((name) => `users/${name}.json`));
  // Asked once for all variants of the page: for the plan, and now.
  expect(await publish()).toEqual({ pointers: 4, next: null });
  expect(reads).toBe(2);
  store.close();
}, 60_000);

test('who stands on a page of their own is published part by part', async () => {
  await using s3 = await TestS3.start();
  await using folder = await temporaryFolder();
  const store = s3.store();
  const path = join(folder.path, 'w.duckdb');
  await runSql(
    path,
    'CREATE TABLE people (id VARCHAR, "at" TIMESTAMPTZ, n INTEGER)',
    `INSERT INTO people SELECT 'p' || lpad(i::VARCHAR, 5, '0'), '2026-11-23 10:00:00+00', 7 FROM range(${RECIPIENTS_PER_PAGE + 3}) r(i)`,
  );
  const campaign = cardCampaign('film', peopleTable({ type: 'duckdb', path }));
  const loadCampaign = async () => campaign;
  const { batch, counts } = await planBatch({ store, templates, loadCampaign }, planInput(campaign), never);
  expect(counts).toMatchObject({ recipients: RECIPIENTS_PER_PAGE + 3, variants: 1 });
  const manifests = new ManifestReader(store);
  const [variant] = (await manifests.page(batch, 1)).variants;
  if (variant === undefined) throw new TypeError('a variant');
  expect(manifests.partsOf(variant)).toBe(2);
  const consent = new Consent({ manifests, templates, loadCampaign });
  const activities = createPointerActivities({ store, manifests, consent, now: () => AS_OF });
  await store.put('users/p05001.json', 'no pointer', { contentType: 'text/plain' });
  const published = await new MockActivityEnvironment().run(activities.publishPointers, {
    ...{ batch, page: 1, index: 0, part: 1 },
    video: {
      ...{ variantKey: variant.key, rendition: 'email-480p' as const, width: 2, height: 2, durationMs: 1 },
      ...{ sizeBytes: 1, sha256: 'b'.repeat(64) },
    },
  });
  // Something else lies in one's place: the others get theirs, and the next part is named all the same.
  expect(published).toEqual({
    ...{ pointers: 0, next: null },
    failure: { failureClass: 'StorageDenied', message: expect.stringContaining('1 of 3 pointers') },
  });
  const pointers: string[] = [];
  for await (const { key } of store.list('users/')) pointers.push(key);
  expect(pointers).toEqual(['05000', '05001', '05002'].map((name) => `users/p${name}.json`));
  store.close();
}, 60_000);
