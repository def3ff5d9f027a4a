/** The plan of a night whose people watch in different places, in a real bucket. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { objectKeys } from '../../src/contracts/ids.ts';
import { type ManifestVariant, videosOf } from '../../src/planning/manifest.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { planBatch } from '../../src/planning/plan-batch.ts';
import type { PlannedCampaign } from '../../src/planning/read-night.ts';
import type { ManifestProgress } from '../../src/planning/write-manifest.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { putVideo } from '../../src/storage/videos.ts';
import { cardCampaign, ENGINE, peopleTable, planInput, templates } from '../support/planned-card.ts';
import { TestS3 } from '../support/s3.ts';
import { never, runSql, temporaryFolder } from '../warehouse/support.ts';

/** A number is shared by two, of whom one reads e-mails and the other has a phone. */
const PEOPLE = 40;
const VARIANTS = PEOPLE / 2;

let server: TestS3;
let store: ObjectStore;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;

beforeAll(async () => {
  server = await TestS3.start();
  store = server.store();
  folder = await temporaryFolder();
  path = join(folder.path, 'w.duckdb');
  await runSql(
    path,
    'CREATE TABLE people (id VARCHAR, "at" TIMESTAMPTZ, n INTEGER, channel VARCHAR)',
    `INSERT INTO people SELECT 'p' || i, TIMESTAMPTZ '2026-11-23 10:00:00+00' + i * INTERVAL 1 SECOND,
     i // 2, CASE WHEN i % 2 = 0 THEN 'email' ELSE 'phone' END FROM range(${PEOPLE}) r(i)`,
  );
}, 60_000);

afterAll(async () => {
  store?.close();
  await folder?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const campaignOf = (id: string, over: Partial<PlannedCampaign> = {}): PlannedCampaign =>
  cardCampaign(id, peopleTable({ type: 'duckdb', path }, { destination: 'channel' }), {
    rendition: 'web-1080p',
    destinations: { column: 'channel', renditions: { email: ['email-480p', 'web-1080p'], phone: ['phone-720p'] } },
    lanes: { count: 5, window: 1 },
    ...over,
  });

const plan = (campaign: PlannedCampaign, more: Parameters<typeof planBatch>[3] = {}, signal = never) =>
  planBatch({ store, templates, loadCampaign: async () => campaign }, planInput(campaign), signal, more);

/** Lines of all pages. */
async function linesOf(planned: Awaited<ReturnType<typeof plan>>): Promise<readonly ManifestVariant[]> {
  const manifests = new ManifestReader(store);
  const numbers = Array.from({ length: planned.pages }, (_, at) => at + 1);
  const pages = await Promise.all(numbers.map((page) => manifests.page(planned.batch, page)));
  return pages.flatMap(({ variants }) => variants);
}

async function storeVideo({ key, rendition }: ReturnType<typeof videosOf>[number]): Promise<void> {
  const bytes = Buffer.from(key);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const origin = { engineDigest: ENGINE.digest, templateDigest: 't', batchId: 'card/2026-11-20/1', renderMs: 1 };
  const video = { bytes, width: 2, height: 2, durationMs: 1, sha256, making: 'whole' } as const;
  await putVideo(store, video, { ...origin, variantKey: key, rendition });
}

test('a variant counts as stored once all renditions that somebody needs are; those that are there are on its line', async () => {
  const first = await linesOf(await plan(campaignOf('first')));
  expect(first).toHaveLength(VARIANTS);
  const [whole, partly, scaledOnly] = first;
  if (whole === undefined || partly === undefined || scaledOnly === undefined) throw new Error('there are lines');
  const [large, ...small] = videosOf(partly);
  const stored = [...videosOf(whole), large, videosOf(scaledOnly)[2]].flatMap((video) => video ?? []);
  for (const video of stored) await storeVideo(video);

  const planned = await plan(campaignOf('second'));
  expect(planned.counts).toMatchObject({ recipients: PEOPLE, variants: VARIANTS, cached: 1 });
  const [again, half, third] = await linesOf(planned);
  expect(again).toMatchObject({ cached: { variantKey: whole.key, rendition: 'web-1080p' } });
  expect([half?.cached, third?.cached]).toEqual([null, null]);
  expect(small).toHaveLength(2);
  const cachedOf = (line: ManifestVariant | undefined) => line && videosOf(line).map(({ cached }) => cached !== null);
  expect([again, half, third].map(cachedOf)).toEqual([
    [true, true, true],
    [true, false, false],
    [false, false, true],
  ]);
});

test('a plan that was cut off goes on behind the pages that it wrote, and plans what an undisturbed one does', async () => {
  const undisturbed = await linesOf(await plan(campaignOf('undisturbed')));
  const campaign = campaignOf('disturbed');
  const death = new AbortController();
  const told: ManifestProgress[] = [];
  const onProgress = (progress: ManifestProgress): void => {
    told.push(progress);
    if (progress.pages === 2) death.abort();
  };
  await expect(plan(campaign, { onProgress }, death.signal)).rejects.toThrow();
  const more: ManifestProgress[] = [];
  const resumed = await plan(campaign, { resume: told.at(-1), onProgress: (progress) => more.push(progress) });
  expect(more.map(({ pages }) => pages)).toEqual([3, 4, 5]);
  expect(await linesOf(resumed)).toEqual(undisturbed);
});

test('is planned anew when somebody watches elsewhere by then', async () => {
  const campaign = campaignOf('elsewhere');
  const death = new AbortController();
  const told: ManifestProgress[] = [];
  const onProgress = (progress: ManifestProgress): void => {
    told.push(progress);
    if (progress.pages === 2) death.abort();
  };
  await expect(plan(campaign, { onProgress }, death.signal)).rejects.toThrow();
  await runSql(path, `UPDATE people SET channel = 'phone' WHERE id = 'p0'`);
  const planned = await plan(campaign, { resume: told.at(-1) });
  const [moved, other] = await linesOf(planned);
  expect(moved && videosOf(moved).map(({ rendition }) => rendition)).toEqual(['phone-720p']);
  expect(other && videosOf(other)).toHaveLength(3);
  await runSql(path, `UPDATE people SET channel = 'email' WHERE id = 'p0'`);
});

test('of a campaign whose people all get the same, plan and pages say nothing of destinations', async () => {
  const planned = await plan(campaignOf('same', { destinations: undefined }));
  const texts = [objectKeys.plan(planned.batch), objectKeys.manifestPage(planned.batch, 1)].map((key) =>
    store.getText(key),
  );
  for (const text of await Promise.all(texts)) expect(text).not.toMatch(/destinations|videos/);
});

test('of a template with scenes is refused, with what to do, unless scenes are off', async () => {
  const { destinations } = campaignOf('x');
  const story = (id: string, scenes: 'auto' | 'off') => campaignOf(id, { template: 'story', destinations, scenes });
  await expect(plan(story('joined', 'auto'))).rejects.toMatchObject({
    failureClass: 'CampaignInvalid',
    message: expect.stringMatching(/'joined' has destinations, .* scenes: off/),
  });
  expect((await plan(story('whole', 'off'))).counts).toMatchObject({ variants: VARIANTS, sceneSlots: 0 });
});
