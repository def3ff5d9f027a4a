/** `nightreel report` and `nightreel history` as people run them, on a real bucket. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BatchRef, type BusinessDate, objectKeys } from '../../src/contracts/ids.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { closeBatch } from '../../src/reporting/close-batch.ts';
import { recordOutcomes } from '../../src/reporting/outcomes.ts';
import { reportSchema } from '../../src/reporting/report-json.ts';
import { writeJsonLines } from '../../src/storage/documents.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { TestHome } from '../support/nightreel.ts';
import { TEST_CREDENTIALS, TestS3 } from '../support/s3.ts';
import { failed, keyOf, planOf, rendered, withMeasures } from './night.ts';

let server: TestS3;
let store: ObjectStore;
let home: TestHome;
let environment: Record<string, string>;

const never = new AbortController().signal;
const VARIANTS = 6;

beforeAll(async () => {
  [server, home] = await Promise.all([TestS3.start(), TestHome.create()]);
  store = server.store();
  environment = {
    ...{ NIGHTREEL_BUCKET: server.bucket, AWS_ENDPOINT_URL_S3: server.endpoint, AWS_REGION: 'us-east-1' },
    ...{ AWS_ACCESS_KEY_ID: TEST_CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: TEST_CREDENTIALS.secretAccessKey },
    // Named, and never asked for anything.
    ...{ TEMPORAL_ADDRESS: '127.0.0.1:1', NIGHTREEL_TEMPORAL_UI_URL: 'https://temporal.example' },
  };
});
afterAll(async () => {
  store?.close();
  await home?.end();
  await server?.[Symbol.asyncDispose]();
});

/** Closes a night of six variants, one of which failed. */
async function night(
  businessDate: string,
  closedAt: string,
  { attempt = 1, ...about }: { readonly attempt?: number; readonly recipientLimit?: number } = {},
): Promise<BatchRef> {
  const batch = { ...planOf().batch, businessDate: businessDate as BusinessDate, attempt };
  const counts = { rows: VARIANTS, recipients: VARIANTS, variants: VARIANTS };
  const plan = { ...planOf(counts), batch, carriedOver: [], ...about };
  const variants = Array.from({ length: VARIANTS }, (_, index) => ({
    ...{ index, key: keyOf(index), rendition: 'phone-720p', params: { name: 'Ada' } },
    ...{ recipients: [`r-${index}`], cached: null },
  }));
  const json = { contentType: 'application/json' };
  await store.put(objectKeys.plan(batch), JSON.stringify(plan), json);
  await store.put(objectKeys.manifestPage(batch, 1), JSON.stringify({ page: 1, variants }), json);
  await writeJsonLines(store, objectKeys.rejects(batch), []);
  await writeJsonLines(store, objectKeys.withdrawn(batch), []);
  const outcomes = withMeasures(variants.map(({ index }) => rendered(index, 3_000 + index * 100)));
  const [last] = [failed(VARIANTS - 1, 'FontMissing', 'Font <b>Manrope</b> did not load.')];
  await recordOutcomes(store, { batch, writer: 'lane-0', page: 1, outcomes: [...outcomes.slice(0, -1), last] });
  const pauses = [{ by: 'breaker', reason: '6 of 100 failed with FontMissing' }] as const;
  const interruptions = { pauses, stopped: null };
  const uiLink = (query: string) =>
    `https://temporal.example/namespaces/default/workflows?query=${encodeURIComponent(query)}`;
  await closeBatch(
    { store, manifests: new ManifestReader(store), now: () => closedAt, uiLink },
    { batch, wallMs: 61_000, interruptions },
    never,
  );
  return batch;
}

const run = (...args: string[]) => home.run(args, environment);
const bodyOf = (key: string) => store.getText(key);

describe('a bucket without a night', () => {
  test('has no report and no history, and says what to do', async () => {
    const [report, history] = [await run('report'), await run('history', 'referral')];
    expect([report.code, report.stderr]).toEqual([2, expect.stringContaining('No batch has closed yet')]);
    expect([history.code, history.stderr]).toEqual([
      2,
      expect.stringContaining('No batch of campaign referral has closed yet'),
    ]);
  });
});

describe('nights that closed', () => {
  let before: BatchRef;
  let last: BatchRef;
  beforeAll(async () => {
    before = await night('2026-11-20', '2026-11-21T04:48:10Z');
    last = await night('2026-11-23', '2026-11-24T04:48:10Z');
  });

  test('of a digest of which nobody knows whether it arrived, that is told, and what posts it again', async () => {
    const entry = { state: 'unknown', by: 'a', at: '2026-11-24T04:48:10Z', why: 'it did not answer within 15 s' };
    await store.put(objectKeys.digest(before, 'slack'), JSON.stringify(entry), { contentType: 'application/json' });
    const { stdout } = await run('digest', 'referral/2026-11-20/1');
    expect(stdout).toContain(
      '  slack     nobody knows whether it arrived, 2026-11-24 04:48 UTC: it did not answer within 15 s\n  again     nightreel digest referral/2026-11-20/1 --post\n',
    );
  });

  test('the last one is reported: three numbers, funnel, failures and what to do, stages, cost', async () => {
    const { code, stdout } = await run('report');
    expect(code).toBe(0);
    const text = stdout.replaceAll('\u202f', ' ');
    for (const said of [
      'referral/2026-11-23/1 · Monday 23 November 2026 · closed 2026-11-24 04:48 UTC',
      /Variants +6 → usually 6/,
      /Render time, p95 +3\.4 s → usually 3\.4 s/,
      /Failure rate +16\.7 % → usually 16\.7 %/,
      /Rendered +5\n/,
      '1 × FontMissing · The template’s author acts',
      'Font <b>Manrope</b> did not load.',
      /why: nightreel why 0{3}\w{9} --batch referral\/2026-11-23\/1\n/,
      'The breaker paused it: 6 of 100 failed with FontMissing.',
      'then: nightreel run referral --date 2026-11-23',
      'https://temporal.example/namespaces/default/workflows?query=',
      / capture +\d/,
      /compute +\$0\.\d+, \$0\.\d+ a video/,
      /requests +\$0\.\d+/,
      'published          $0.004 compute and $0.00026 bandwidth for a video of 12 s, $23.00 for a night of 5,000',
      /report +.*batches\/referral\/2026-11-23\/1\/report\.html/,
    ]) {
      expect(text).toEqual(typeof said === 'string' ? expect.stringContaining(said) : expect.stringMatching(said));
    }
  });

  test('one is named, and comes as JSON', async () => {
    const { stdout } = await run('report', 'referral/2026-11-20/1', '--json');
    const report = reportSchema.parse(JSON.parse(stdout));
    expect([report.summary.batchId, report.nights]).toEqual(['referral/2026-11-20/1', []]);
    const { code, stderr } = await run('report', 'referral/2026-11-20/7');
    expect([code, stderr]).toEqual([2, expect.stringContaining('referral/2026-11-20/7 has no report')]);
  });

  test('one is rebuilt to the very same bytes, and counts what was repaired since', async () => {
    const keys = [objectKeys.reportJson(last), objectKeys.reportHtml(last)];
    const state = await bodyOf(objectKeys.state('referral'));
    expect((await run('report', 'referral/2026-11-23/1', '--rebuild')).code).toBe(0);
    const built = await Promise.all(keys.map(bodyOf));
    for (const key of keys)
      await store.put(key, key.endsWith('json') ? (built[0] ?? '') : 'lost', { contentType: 'text/plain' });
    expect((await run('report', 'referral/2026-11-23/1', '--rebuild')).code).toBe(0);
    expect(await Promise.all(keys.map(bodyOf))).toEqual(built);

    await recordOutcomes(store, { batch: last, writer: 'reset-1', page: 1, outcomes: [rendered(VARIANTS - 1, 3_000)] });
    const { stdout } = await run('report', 'referral/2026-11-23/1', '--rebuild', '--json');
    const report = reportSchema.parse(JSON.parse(stdout));
    expect(report.interruptions?.pauses).toHaveLength(1);
    expect(report).toMatchObject({ failedBefore: 1, closedAt: '2026-11-24T04:48:10Z', failures: [] });
    expect(report.summary).toMatchObject({ failed: 0, rendered: 6, wallSeconds: 61 });
    expect(report.cost).toMatchObject({ measured: 5, rendered: 6, night: null });
    expect(await bodyOf(objectKeys.state('referral'))).toBe(state);
  });

  test('are compared in a table, newest first, or line by line as JSON', async () => {
    const { code, stdout } = await run('history', 'referral');
    expect(code).toBe(0);
    const lines = stdout
      .replaceAll('\u202f', ' ')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(lines.map(([date]) => date)).toEqual(['night', '2026-11-23', '2026-11-20']);
    expect(lines[2]).toEqual(
      expect.arrayContaining(['2026-11-20', '6', '5', '0', '1', '16.7 %', '3.2 s', '3.4 s', '1 min 01 s']),
    );
    const one = await run('history', 'referral', '--nights', '1', '--json');
    expect(
      one.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      expect.objectContaining({ batchId: 'referral/2026-11-23/1', kind: 'whole', variants: 6, currency: 'USD' }),
    ]);
    expect(before.businessDate).toBe('2026-11-20');
  });

  test('are in the table with their last whole attempt, while the last one is reported whatever it was', async () => {
    await night('2026-11-23', '2026-11-24T09:00:00Z', { attempt: 2, recipientLimit: 6 });
    const { stdout } = await run('history', 'referral', '--json');
    const [newest] = stdout.split('\n').map((line) => (line === '' ? null : JSON.parse(line)));
    expect(newest).toMatchObject({ batchId: 'referral/2026-11-23/1', kind: 'whole' });
    expect((await run('report')).stdout).toContain('referral/2026-11-23/2');

    await night('2026-11-24', '2026-11-25T09:00:00Z', { recipientLimit: 6 });
    const only = await run('history', 'referral', '--json', '--nights', '1');
    expect(JSON.parse(only.stdout)).toMatchObject({ batchId: 'referral/2026-11-24/1', kind: 'list' });
  });
});
