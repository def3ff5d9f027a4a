/** A plan whose worker dies while it writes its pages: the next attempt goes on behind them, if they still say the truth. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createPlanActivities } from '../../src/activities/plan.ts';
import type { BatchPlan } from '../../src/contracts/batch.ts';
import { objectKeys } from '../../src/contracts/ids.ts';
import { planBatch } from '../../src/planning/plan-batch.ts';
import type { PlannedCampaign } from '../../src/planning/read-night.ts';
import type { ManifestProgress } from '../../src/planning/write-manifest.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { cardCampaign, peopleTable, planInput, templates } from '../support/planned-card.ts';
import { TestS3 } from '../support/s3.ts';
import { runSql, temporaryFolder } from '../warehouse/support.ts';

const LANES = { count: 10, window: 1 };
/** Of whom a fourth share one video: they stand on pages of their own. */
const PEOPLE = 8_000;

class CountingStore extends ObjectStore {
  heads = 0;
  readonly written: string[] = [];

  override async head(...args: Parameters<ObjectStore['head']>) {
    if (args[0].startsWith('videos/')) this.heads += 1;
    return await super.head(...args);
  }

  override async put(...args: Parameters<ObjectStore['put']>): Promise<void> {
    this.written.push(args[0].replace(/^.*\/(manifest|recipients)\//, '$1/'));
    return await super.put(...args);
  }
}

let s3: TestS3;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;

beforeAll(async () => {
  s3 = await TestS3.start();
  folder = await temporaryFolder();
  path = join(folder.path, 'w.duckdb');
  await runSql(
    path,
    'CREATE TABLE people (id VARCHAR, "at" TIMESTAMPTZ, n INTEGER)',
    `INSERT INTO people SELECT 'p' || i, TIMESTAMPTZ '2026-11-23 10:00:00+00' + i * INTERVAL 1 SECOND,
     CASE WHEN i % 4 = 0 THEN 5 ELSE i % 400 END FROM range(${PEOPLE}) r(i)`,
  );
}, 60_000);

afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
  await s3?.[Symbol.asyncDispose]();
});

const storeOf = () => new CountingStore({ clientConfig: s3.clientConfig(), bucket: s3.bucket });
const campaignOf = (id: string): PlannedCampaign =>
  cardCampaign(id, peopleTable({ type: 'duckdb', path }), { lanes: LANES });

/** Plans until so many pages are written. Returns what the plan told last. */
async function planUntil(campaign: PlannedCampaign, pages: number): Promise<ManifestProgress> {
  using store = storeOf();
  const death = new AbortController();
  const told: ManifestProgress[] = [];
  const onProgress = (progress: ManifestProgress): void => {
    told.push(progress);
    if (progress.pages === pages) death.abort();
  };
  const deps = { store, templates, loadCampaign: async () => campaign };
  await expect(planBatch(deps, planInput(campaign), death.signal, { onProgress })).rejects.toThrow();
  const last = told.at(-1);
  if (last === undefined) throw new Error('nothing was told');
  return last;
}

/** The next attempt of the activity, with the last heartbeat of the one before. */
async function planAgain(campaign: PlannedCampaign, heartbeatDetails: unknown) {
  using store = storeOf();
  const { planBatch: activity } = createPlanActivities({ store, templates, loadCampaign: async () => campaign });
  const environment = new MockActivityEnvironment({ heartbeatDetails, attempt: 2 });
  const plan = (await environment.run(activity, planInput(campaign))) as BatchPlan;
  return { plan, heads: store.heads, written: store.written.filter((key) => /^(manifest|recipients)/.test(key)) };
}

/** All pages of a batch, as text. */
async function pagesOf({ batch, pages }: BatchPlan): Promise<string[]> {
  using store = storeOf();
  const keys: string[] = [];
  for await (const { key } of store.list(`${objectKeys.batch(batch)}`)) keys.push(key);
  const named = keys.filter((key) => /\/(manifest|recipients)\//.test(key));
  expect(named.filter((key) => key.includes('/manifest/'))).toHaveLength(pages);
  return await Promise.all(named.map(async (key) => (await store.getText(key)) ?? ''));
}

test('goes on behind the pages that were written, and plans what an undisturbed one does', async () => {
  const undisturbed = await planAgain(campaignOf('undisturbed'), undefined);
  expect(undisturbed.plan.counts).toMatchObject({ rows: PEOPLE, recipients: PEOPLE, variants: 300 });
  expect(undisturbed.heads).toBe(300);

  const campaign = campaignOf('disturbed');
  const progress = await planUntil(campaign, 6);
  const resumed = await planAgain(campaign, progress);
  expect(resumed.plan.pages).toBe(10);
  expect(resumed.heads).toBeLessThan(140);
  expect(resumed.written.filter((key) => key.startsWith('manifest'))).toEqual(
    ['07', '08', '09', '10'].map((page) => `manifest/0000${page}.json`),
  );
  expect(await pagesOf(resumed.plan)).toEqual(await pagesOf(undisturbed.plan));
}, 60_000);

test('begins anew when other people are on the pages now, and when the heartbeat says nothing that it knows', async () => {
  const campaign = campaignOf('moved');
  const progress = await planUntil(campaign, 6);
  // Somebody of the first page changes after the night was due: the row is the next night's now.
  await runSql(path, `UPDATE people SET "at" = '2026-11-24 10:00:00+00' WHERE id = 'p1'`);
  const moved = await planAgain(campaign, progress);
  expect(moved.plan.counts.recipients).toBe(PEOPLE - 1);
  expect(moved.written.filter((key) => key.startsWith('manifest'))).toHaveLength(10);
  const everyone = (await pagesOf(moved.plan)).flatMap((text) => text.match(/"p\d+"/g) ?? []);
  expect(new Set(everyone).size).toBe(PEOPLE - 1);
  expect(everyone).not.toContain('"p1"');

  const unknown = await planAgain(campaignOf('unknown'), { frame: 7 });
  expect(unknown.written.filter((key) => key.startsWith('manifest'))).toHaveLength(10);
}, 60_000);
