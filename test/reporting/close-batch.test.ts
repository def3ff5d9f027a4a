import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CampaignId, objectKeys } from '../../src/contracts/ids.ts';
import { readState } from '../../src/planning/campaign-state.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { closeBatch } from '../../src/reporting/close-batch.ts';
import { digestOf } from '../../src/reporting/digest/digest.ts';
import { failedSlots, readOutcomes, recordOutcomes } from '../../src/reporting/outcomes.ts';
import { recipientStatus } from '../../src/reporting/recipient.ts';
import { reportHtml } from '../../src/reporting/report-html.ts';
import { reportSchema } from '../../src/reporting/report-json.ts';
import { reportText } from '../../src/reporting/report-text.ts';
import { rebuildReport } from '../../src/reporting/write-report.ts';
import { writeJsonLines } from '../../src/storage/documents.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { TestS3 } from '../support/s3.ts';
import { temporaryFolder } from '../warehouse/support.ts';
import { cached, failed, keyOf, planOf, rendered } from './night.ts';

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

const signal = new AbortController().signal;

const putJson = (key: string, value: unknown) =>
  store.put(key, JSON.stringify(value), { contentType: 'application/json' });

/** A planned night of four variants for six people, one of whose rows was rejected. */
async function plannedNight(attempt: number, results: 'none' | 'parquet' = 'none') {
  const plan = planOf({ rows: 7, recipients: 6, rejected: 1, variants: 4, cached: 1 });
  const batch = { ...plan.batch, attempt };
  const line = (index: number, ...recipients: string[]) => ({
    index,
    key: keyOf(index),
    rendition: 'phone-720p',
    params: { name: 'Ada' },
    recipients,
    cached: null,
  });
  const variants = [line(0, 'r0', 'r0b'), line(1, 'r1'), line(2, 'r2', 'r2b'), line(3, 'r3')];
  await putJson(objectKeys.plan(batch), { ...plan, batch, results });
  await putJson(objectKeys.manifestPage(batch, 1), { page: 1, variants });
  await writeJsonLines(store, objectKeys.rejects(batch), [{ recipientId: 'bad-row', reason: 'no name' }]);
  await writeJsonLines(store, objectKeys.withdrawn(batch), [{ recipientId: 'left' }]);
  return batch;
}

describe('outcomes', () => {
  test('are written once a page, and a success counts whatever failed before or after it', async () => {
    const batch = await plannedNight(90);
    const lane = [
      rendered(0, 4_000),
      failed(1, 'WorkerLost', 'The worker died.'),
      failed(2, 'FontMissing', 'No font.'),
    ];
    const page = { batch, writer: 'lane-0', page: 1, outcomes: lane };
    expect(await recordOutcomes(store, page)).toBe('stored');
    expect(await recordOutcomes(store, page)).toBe('exists');
    const manifests = new ManifestReader(store);
    await expect(failedSlots({ store, manifests }, { batch, limit: 100 })).rejects.toMatchObject({
      failureClass: 'CampaignInvalid',
      message: expect.stringContaining('has not closed'),
    });
    expect(await failedSlots({ store, manifests }, { batch, unclosed: true, limit: 100 })).toEqual([
      { page: 1, index: 1, key: keyOf(1) },
      { page: 1, index: 2, key: keyOf(2) },
      // Nobody wrote down what became of it: its lane was stopped. That is no video either.
      { page: 1, index: 3, key: keyOf(3) },
    ]);
    await recordOutcomes(store, { batch, writer: 'backfill-1', page: 1, outcomes: [rendered(1, 5_000)] });
    await recordOutcomes(store, { batch, writer: 'zz', page: 1, outcomes: [failed(0, 'Cancelled', 'late')] });
    const read = await readOutcomes(store, batch);
    expect([0, 1, 2].map((n) => read.get(keyOf(n))?.outcome)).toEqual(['rendered', 'rendered', 'failed']);
    expect(read.size).toBe(3);
  });
});

describe('closing a batch', () => {
  const now = () => '2026-11-24T04:48:10Z';

  test('writes the report, then the watermark and who is still owed a video; a backfill repairs both', async () => {
    const batch = await plannedNight(1);
    const deps = { store, manifests: new ManifestReader(store), now };
    const lane = [rendered(0, 4_000, 2), cached(1), failed(2, 'FontMissing', 'No font.')];
    await recordOutcomes(store, { batch, writer: 'lane-0', page: 1, outcomes: lane });

    const summary = await closeBatch(deps, { batch, wallMs: 61_000 }, signal);
    expect(summary).toMatchObject({ variants: 4, rendered: 1, cached: 1, failed: 2, pointers: 3, failureRate: 0.5 });
    const report = reportSchema.parse(JSON.parse((await store.getText(objectKeys.reportJson(batch))) ?? ''));
    expect(report.summary).toEqual(summary);
    expect(report.notStarted).toBe(1);
    expect(report.failures.map(({ failureClass, count }) => [failureClass, count])).toEqual([
      ['Cancelled', 1],
      ['FontMissing', 1],
    ]);
    expect((await fetch(store.url(summary.report))).headers.get('content-type')).toBe('text/html; charset=utf-8');
    const { state } = await readState(store, batch.campaign);
    expect(state.watermark).toEqual({ updatedAt: '2026-11-24T03:59:58.5Z', recipientId: 'grace@example.com' });
    expect(state.carryOver.map(({ recipientId }) => recipientId).sort()).toEqual(['bad-row', 'r2', 'r2b', 'r3']);

    await recordOutcomes(store, {
      batch,
      writer: 'backfill-1',
      page: 1,
      outcomes: [rendered(2, 3_000, 2), rendered(3, 3_000)],
    });
    const repaired = await closeBatch(deps, { batch, wallMs: null }, signal);
    expect(repaired).toMatchObject({ rendered: 3, failed: 0, wallSeconds: 61, failureRate: 0 });
    const after = await readState(store, batch.campaign);
    expect(after.state.watermark).toEqual(state.watermark);
    expect(after.state.carryOver.map(({ recipientId }) => recipientId)).toEqual(['bad-row']);
  });

  test('keeps when the night itself closed, whatever a backfill closes later; what is rendered then is no part of it', async () => {
    const at = (minutes: number) => new Date(Date.parse('2026-11-24T04:00:00Z') + minutes * 60_000).toISOString();
    const timed = (index: number, minutes: number) => ({
      ...rendered(index, 4_000),
      measures: { stages: {}, frames: 1, bytes: 1, endedAt: Date.parse(at(minutes)) },
    });
    const batch = await plannedNight(4);
    const closed = async (minutes: number, wallMs: number | null) => {
      const deps = { store, manifests: new ManifestReader(store), now: () => at(minutes) };
      await closeBatch(deps, { batch, wallMs }, signal);
      const { closedAt, nightClosedAt, throughput } = reportSchema.parse(
        JSON.parse((await store.getText(objectKeys.reportJson(batch))) ?? ''),
      );
      return { closedAt, nightClosedAt, measured: throughput.measured, later: throughput.later };
    };
    const lane = [timed(0, 1), cached(1), failed(2, 'FontMissing', 'No font.'), timed(3, 2)];
    await recordOutcomes(store, { batch, writer: 'lane-0', page: 1, outcomes: lane });
    // The plan took eleven minutes of these twelve.
    expect(await closed(3, 12 * 60_000)).toEqual({
      ...{ closedAt: at(3), nightClosedAt: at(3) },
      ...{ measured: 2, later: 0 },
    });
    await recordOutcomes(store, { batch, writer: 'backfill-1', page: 1, outcomes: [timed(2, 5)] });
    for (const minutes of [6, 9]) {
      expect(await closed(minutes, null)).toEqual({
        ...{ closedAt: at(minutes), nightClosedAt: at(3) },
        ...{ measured: 3, later: 1 },
      });
    }
  });

  test('writes what became of everyone as a table where the campaign wants it, and again after a repair', async () => {
    const batch = await plannedNight(3, 'parquet');
    const deps = { store, manifests: new ManifestReader(store), now };
    const lane = [rendered(0, 4_000, 2), cached(1), failed(2, 'FontMissing', 'No font.'), rendered(3, 4_000)];
    await recordOutcomes(store, { batch, writer: 'lane-0', page: 1, outcomes: lane });
    await closeBatch(deps, { batch, wallMs: 1 }, signal);
    const table = async () => {
      await using folder = await temporaryFolder();
      const file = join(folder.path, 'results.parquet');
      await writeFile(file, (await store.get(objectKeys.results(batch)))?.body ?? '');
      const connection = await (await DuckDBInstance.create(':memory:')).connect();
      const read = await connection.runAndReadAll(`SELECT * FROM '${file}' ORDER BY recipient_id`);
      return read.getRowObjectsJson();
    };
    const of = { campaign: batch.campaign, business_date: batch.businessDate, attempt: 3 };
    const video = (index: number) => ({ url: store.url(objectKeys.video(keyOf(index))), variant_key: keyOf(index) });
    const none = { url: null, variant_key: null };
    const rows = await table();
    expect(rows).toEqual([
      { recipient_id: 'bad-row', ...of, status: 'rejected', reason: 'no name', ...none },
      { recipient_id: 'left', ...of, status: 'withdrawn', reason: null, ...none },
      { recipient_id: 'r0', ...of, status: 'rendered', reason: null, ...video(0) },
      { recipient_id: 'r0b', ...of, status: 'rendered', reason: null, ...video(0) },
      { recipient_id: 'r1', ...of, status: 'cached', reason: null, ...video(1) },
      { recipient_id: 'r2', ...of, status: 'failed', reason: 'FontMissing', url: null, variant_key: keyOf(2) },
      { recipient_id: 'r2b', ...of, status: 'failed', reason: 'FontMissing', url: null, variant_key: keyOf(2) },
      { recipient_id: 'r3', ...of, status: 'rendered', reason: null, ...video(3) },
    ]);
    const backfill = { batch, writer: 'backfill-1', page: 1, outcomes: [rendered(2, 3_000, 2)] };
    await recordOutcomes(store, backfill);
    await closeBatch(deps, { batch, wallMs: null }, signal);
    expect((await table()).filter(({ status }) => status === 'failed')).toEqual([]);
  });
});

describe('a batch with a damaged page', () => {
  const now = () => '2026-11-24T04:48:10Z';
  /** Two lanes: pages 1 and 3, pages 2 and 4. The second page is lost, and what comes behind it was never started. */
  const perPage = [
    [0, 1],
    [2, 3],
    [4, 5],
    [6, 7],
  ] as const;
  const slotted = (outcome: ReturnType<typeof rendered>, page: number, index: number) => ({ ...outcome, page, index });

  async function damagedNight() {
    const batch = { ...planOf().batch, campaign: 'damaged' as CampaignId };
    const plan = {
      ...planOf({ rows: 8, recipients: 8, variants: 8 }),
      batch,
      pages: 4,
      lanes: { count: 2, window: 4 },
    };
    const pages = perPage.map((numbers, at) => ({
      page: at + 1,
      variants: numbers.map((n, index) => ({
        ...{ index, key: keyOf(n), rendition: 'phone-720p', params: {}, recipients: [`d${n}`], cached: null },
      })),
    }));
    await putJson(objectKeys.plan(batch), plan);
    for (const page of pages) await putJson(objectKeys.manifestPage(batch, page.page), page);
    await writeJsonLines(store, objectKeys.rejects(batch), []);
    await writeJsonLines(store, objectKeys.withdrawn(batch), []);
    const whole = await store.getText(objectKeys.manifestPage(batch, 2));
    await store.put(objectKeys.manifestPage(batch, 2), '{"page":2,', { contentType: 'application/json' });
    const owed = { businessDate: '2026-11-20', attempt: 1, reason: 'FontMissing' } as const;
    const carryOver = [
      { recipientId: 'linus@example.com', ...owed },
      { recipientId: 'd0', ...owed },
    ];
    const before = { watermark: { updatedAt: '2026-11-20T04:00:00Z', recipientId: null }, carryOver, lastBatch: null };
    await putJson(objectKeys.state(batch.campaign), before);
    const settled = [slotted(rendered(0, 4_000), 1, 0), slotted(failed(1, 'FontMissing', 'No font.'), 1, 1)];
    // Made before the page was lost.
    const early = [slotted(rendered(2, 4_000), 2, 0)];
    const other = [slotted(rendered(4, 4_000), 3, 0), slotted(rendered(5, 4_000), 3, 1)];
    await recordOutcomes(store, { batch, writer: 'lane-0', page: 1, outcomes: [...settled, ...other] });
    await recordOutcomes(store, { batch, writer: 'lane-1', page: 1, outcomes: early });
    return { batch, before, whole: whole ?? '' };
  }
  const stateOf = async (campaign: CampaignId) => (await readState(store, campaign)).state;

  test('is reported in part, and moves nothing by which somebody could be lost; with the page restored a backfill makes it whole', async () => {
    const { batch, before, whole } = await damagedNight();
    const page = objectKeys.manifestPage(batch, 2);
    const deps = () => ({ store, manifests: new ManifestReader(store), now });
    const damaged = {
      pages: 1,
      variants: 1,
      why: [`${page} is not JSON; it was damaged or written by something else`],
    };
    const summary = await closeBatch(deps(), { batch, wallMs: 61_000 }, signal);
    expect(summary).toMatchObject({ variants: 8, rendered: 4, failed: 4, damaged });
    const reportIn = async () =>
      reportSchema.parse(JSON.parse((await store.getText(objectKeys.reportJson(batch))) ?? ''));
    const report = await reportIn();
    expect(report).toMatchObject({ partial: true, notStarted: 3, damaged });
    expect(report.failures.map(({ failureClass, count, repair }) => [failureClass, count, repair?.way])).toEqual([
      ['ManifestDamaged', 3, 'run'],
      ['FontMissing', 1, 'run'],
    ]);
    const digest = digestOf({ report, earlier: [], reportUrl: '', uiLink: () => null });
    expect(digest).toMatchObject({
      ...{ kind: 'stopped', text: expect.stringMatching(/^Manifest damaged .* 3 never started$/) },
      notes: [
        `${page} is not JSON; it was damaged or written by something else.`,
        expect.stringContaining('plan the night anew with nightreel run damaged --date 2026-11-23.'),
      ],
    });
    for (const text of [reportText(report, ''), await reportHtml(report)]) {
      expect(text).toContain(page);
      expect(text).toMatch(/manifest is damaged/);
    }
    // Whoever is known to have none, and whoever was owed one and is not known to have it.
    const state = await stateOf(batch.campaign);
    expect(state).toMatchObject({ watermark: before.watermark, lastBatch: null });
    expect(state.carryOver.map(({ recipientId }) => recipientId).sort()).toEqual([
      'd1',
      'd6',
      'd7',
      'linus@example.com',
    ]);

    expect(await rebuildReport(deps(), batch, signal)).toMatchObject({ partial: true, notStarted: 3, damaged });
    const missing = { batch, failureClass: 'ManifestDamaged', limit: 10 } as const;
    const after = { page: 4, index: 0, key: keyOf(6) };
    expect((await failedSlots(deps(), missing)).map(({ key }) => key)).toEqual([keyOf(6), keyOf(7)]);
    expect((await failedSlots(deps(), { ...missing, after })).map(({ key }) => key)).toEqual([keyOf(7)]);
    const question = { campaign: batch.campaign, pointerKey: 'users/{recipientId}.json', batch };
    expect((await recipientStatus(deps(), { ...question, recipientId: 'd7' })).batch).toMatchObject({
      ...{ outcome: 'failed', reason: 'ManifestDamaged' },
    });
    // Nobody can say of them that they were not in it.
    await expect(recipientStatus(deps(), { ...question, recipientId: 'd3' })).rejects.toMatchObject({
      failureClass: 'ManifestDamaged',
    });

    await store.put(page, whole, { contentType: 'application/json' });
    const missed = [rendered(1, 1), rendered(3, 1), rendered(6, 1), rendered(7, 1)];
    await recordOutcomes(store, { batch, writer: 'backfill-1', page: 1, outcomes: missed });
    const repaired = await closeBatch(deps(), { batch, wallMs: null }, signal);
    expect(repaired).toMatchObject({ variants: 8, rendered: 8, failed: 0 });
    expect(repaired).not.toHaveProperty('damaged');
    expect(await reportIn()).toMatchObject({ partial: false, notStarted: 0, failedBefore: 4 });
    expect(await stateOf(batch.campaign)).toMatchObject({ watermark: planOf().watermark, carryOver: [] });
  });
});

test('one recipient is told by what became of them in a batch, and by what they are owed', async () => {
  const batch = await plannedNight(7);
  const deps = { store, manifests: new ManifestReader(store) };
  const lane = [rendered(0, 4_000, 2), cached(1), failed(2, 'FontMissing', 'No font.')];
  await recordOutcomes(store, { batch, writer: 'lane-0', page: 1, outcomes: lane });
  await closeBatch({ ...deps, now: () => '2026-11-24T04:48:10Z' }, { batch, wallMs: 1 }, signal);
  const told = async (recipientId: string) => {
    const question = { campaign: batch.campaign, pointerKey: 'users/{recipientId}.json', recipientId, batch };
    const { batch: found, owed, pointer } = await recipientStatus(deps, question);
    expect(pointer).toEqual({ key: `users/${recipientId}.json`, content: null });
    const { batchId, ...outcome } = found ?? { batchId: null };
    expect(batchId).toBe('referral/2026-11-23/7');
    return [outcome, owed?.reason ?? null];
  };
  expect(await told('r0b')).toEqual([{ outcome: 'rendered', variantKey: keyOf(0) }, null]);
  expect(await told('r1')).toEqual([{ outcome: 'cached', variantKey: keyOf(1) }, null]);
  expect(await told('r2')).toEqual([
    { outcome: 'failed', variantKey: keyOf(2), reason: 'FontMissing', message: 'No font.' },
    'FontMissing',
  ]);
  expect(await told('r3')).toMatchObject([{ outcome: 'failed', reason: 'Cancelled' }, 'Cancelled']);
  expect(await told('bad-row')).toEqual([{ outcome: 'rejected', reason: 'no name' }, 'rejected']);
  expect(await told('left')).toEqual([{ outcome: 'withdrawn' }, null]);
  expect(await told('stranger')).toEqual([{ outcome: 'absent' }, null]);
});
