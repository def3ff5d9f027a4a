/** The digest of a night as it reaches Slack: through Temporal, from a real bucket, once, whatever is tried again or replayed. */

import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import type { VariantOutcome } from '../../src/contracts/batch.ts';
import { type BusinessDate, objectKeys } from '../../src/contracts/ids.ts';
import { recordOutcomes } from '../../src/reporting/outcomes.ts';
import { reportJson } from '../../src/reporting/report-json.ts';
import { writeJsonLines } from '../../src/storage/documents.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { lastJson } from '../support/nightreel.ts';
import { TestS3 } from '../support/s3.ts';
import { TestTemporal } from '../support/temporal.ts';
import { TestWebhook } from '../support/webhook.ts';
import { failed, planOf, rendered } from './night.ts';

const PER_PAGE = 200;
const JSON_TYPE = { contentType: 'application/json' };
const STRIP = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
const UI = 'https://temporal.example/namespaces/video';

/** 4,832 rendered, 12 failed in three classes. */
const outcomes: VariantOutcome[] = [
  ...Array.from({ length: 4_832 }, (_, n) => rendered(n, 4_200)),
  ...Array.from({ length: 7 }, (_, n) => failed(4_832 + n, 'FontMissing', 'No font for Ada.')),
  ...Array.from({ length: 4 }, (_, n) => failed(4_839 + n, 'BrowserCrashed', 'Gone.')),
  failed(4_843, 'ParamsInvalid', 'Ada Lovelace is no number.'),
];
const plan = {
  ...planOf({ recipients: outcomes.length + 21, rejected: 2, variants: outcomes.length }),
  pages: Math.ceil(outcomes.length / PER_PAGE),
};

async function writeNight(store: ObjectStore): Promise<void> {
  const { batch } = plan;
  await store.put(objectKeys.plan(batch), JSON.stringify(plan), JSON_TYPE);
  for (let page = 1; page <= plan.pages; page += 1) {
    const variants = outcomes
      .filter((outcome) => outcome.page === page)
      .map(({ index, key }) => ({
        ...{ index, key, rendition: plan.rendition, params: {}, recipients: [`ada-${page}-${index}`], cached: null },
      }));
    await store.put(objectKeys.manifestPage(batch, page), JSON.stringify({ page, variants }), JSON_TYPE);
  }
  await writeJsonLines(store, objectKeys.rejects(batch), []);
  await writeJsonLines(store, objectKeys.withdrawn(batch), []);
  await recordOutcomes(store, { batch, writer: 'lane-0', page: 1, outcomes });
}

/** A night before, with so many variants of so many milliseconds. */
async function writeEarlier(store: ObjectStore, date: string, variants: number, ms: number, crashed: number) {
  const batch = { ...plan.batch, businessDate: date as BusinessDate };
  const report = reportJson({
    plan: { ...plan, batch },
    outcomes: [
      ...Array.from({ length: variants }, (_, n) => rendered(n, ms)),
      ...Array.from({ length: crashed }, (_, n) => failed(variants + n, 'BrowserCrashed', 'Gone.')),
    ],
    ...{ notStarted: 0, wallMs: 1_000, closedAt: `${date}T04:48:10Z` },
    ...{ videoUrl: (key: string) => key, posterUrl: (key: string) => key },
  });
  await store.put(objectKeys.reportJson(batch), JSON.stringify(report), JSON_TYPE);
}

test('the digest of a night with failures in three classes is the golden one, and a retry and a replay post it no second time', async () => {
  await using s3 = await TestS3.start();
  await using temporal = await TestTemporal.start();
  await using webhook = await TestWebhook.start();
  using store = s3.store();
  await writeNight(store);
  await writeEarlier(store, '2026-11-20', 4_600, 4_100, 1);
  await writeEarlier(store, '2026-11-19', 3_000, 3_000, 0);
  await writeEarlier(store, '2026-11-18', 6_100, 4_150, 2);
  const program = resolve(import.meta.dirname, '../support/closing-worker.ts');
  const worker = spawn(
    process.execPath,
    [...STRIP, program, temporal.address, s3.endpoint, s3.bucket, webhook.url('/slack'), UI],
    { stdio: 'inherit' },
  );
  try {
    const { campaign, businessDate } = plan.batch;
    const handle = await temporal.client.workflow.start('nightlyBatch', {
      ...{ workflowId: 'night', taskQueue: 'orchestrator', args: [{ campaign, businessDate }] },
    });
    expect(await handle.result()).toMatchObject({ variants: 4_844, failed: 12 });
    const { events } = await handle.fetchHistory();
    const attempts = (events ?? []).map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 0);
    expect(Math.max(...attempts)).toBe(2);

    expect(webhook.posts).toHaveLength(1);
    const golden = await readFile(join(import.meta.dirname, 'digest-of-three-classes.json'), 'utf8');
    // That night took 38 minutes, this one as long as it takes to close it.
    const posted = webhook.posts[0]?.body.replaceAll(
      / rendered in [^"]*?, 12 failed/g,
      ' rendered in 38 minutes, 12 failed',
    );
    expect(JSON.parse(posted ?? '')).toEqual(JSON.parse(golden));

    const replayed = await promisify(execFile)(process.execPath, [
      ...[...STRIP, resolve(import.meta.dirname, '../support/replay.ts'), temporal.address],
    ]);
    expect(lastJson(replayed.stdout)).toMatchObject({ replayed: 1, failed: [] });
    expect(webhook.posts).toHaveLength(1);
  } finally {
    worker.kill('SIGTERM');
  }
}, 120_000);
