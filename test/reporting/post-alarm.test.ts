/** What a running batch tells, on its way: a real store, a real server as webhook. */

import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { BatchEvent } from '../../src/contracts/alarms.ts';
import { NO_TALLY } from '../../src/contracts/batch.ts';
import type { BatchRef } from '../../src/contracts/ids.ts';
import { type AlarmDeps, announceEvent, announceNight, hasToldLate } from '../../src/reporting/digest/post-alarm.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { TestS3 } from '../support/s3.ts';
import { S3Proxy } from '../support/s3-proxy.ts';
import { TestWebhook } from '../support/webhook.ts';
import { planOf } from './night.ts';

const never = new AbortController().signal;
const RUN = { workflowId: 'batch/referral/2026-11-23', runId: '01a214ef-671a-72b2-a1c9-b602d45a0aec' };

let server: TestS3;
let store: ObjectStore;
let webhook: TestWebhook;
let lines: Record<string, unknown>[];
let batch: BatchRef;
let attempt = 0;

beforeAll(async () => {
  server = await TestS3.start();
  store = server.store();
  webhook = await TestWebhook.start();
});
afterAll(async () => {
  store?.close();
  await server?.[Symbol.asyncDispose]();
  await webhook?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  attempt += 1;
  batch = { ...planOf().batch, attempt };
  webhook.posts.length = 0;
  webhook.answers = [200];
  lines = [];
});

function deps(over: Partial<AlarmDeps> = {}): AlarmDeps {
  const kept = new Writable({
    write(chunk, _, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return {
    ...{ store, now: Date.now, log: pino(kept), links: { uiLink: () => null, workflowLink: () => null } },
    webhooks: { slack: webhook.url('/slack'), own: { url: webhook.url('/own'), secret: 'a secret of a test' } },
    ...over,
  };
}

const event = (over: Partial<BatchEvent> = {}): BatchEvent => ({
  ...{ kind: 'paused', number: 1, at: '2026-11-24T04:10:00Z', variants: 9, tally: NO_TALLY, failures: {} },
  paused: { by: 'person', reason: 'wrong logo' },
  outlook: { perSecond: null, expectedEnd: null, deadline: null, atRisk: false },
  deadline: null,
  ...over,
});

test('a pause is told once to each webhook, however often it is tried; another one, or a run that was reset, tells its own', async () => {
  for (let tried = 0; tried < 3; tried += 1) await announceEvent(deps(), batch, event(), RUN, never);
  expect(webhook.posts.map(({ path }) => path).sort()).toEqual(['/own', '/slack']);
  await announceEvent(deps(), batch, event({ number: 2 }), RUN, never);
  expect(webhook.received('/own')).toHaveLength(2);
  await announceEvent(deps(), batch, event(), { ...RUN, runId: '5f0c1d00' }, never);
  expect(webhook.received('/own')).toHaveLength(3);
  expect(await hasToldLate(store, batch, never)).toBe(false);
  await announceEvent(deps(), batch, event({ kind: 'late', number: 3 }), RUN, never);
  expect(await hasToldLate(store, batch, never)).toBe(true);
});

test.each([
  [503, true],
  [404, false],
])(
  'of a webhook that answers %i it says whether it is worth another try: %p; the next one arrives',
  async (status, again) => {
    webhook.answers = [status];
    const refused = await announceEvent(deps(), batch, event(), RUN, never);
    expect(refused).toMatchObject([
      { channel: 'slack', outcome: 'failed', again },
      { channel: 'own', outcome: 'failed', again },
    ]);
    webhook.answers = [200];
    expect(await announceEvent(deps(), batch, event(), RUN, never)).toMatchObject([
      { outcome: 'posted' },
      { outcome: 'posted' },
    ]);
  },
);

test('that it is late counts as told once somebody has it: a webhook, or the log where there is none', async () => {
  const late = event({ kind: 'late' });
  webhook.answers = [404];
  await announceEvent(deps(), batch, late, RUN, never);
  expect(await hasToldLate(store, batch, never)).toBe(false);
  webhook.answers = [200];
  const onlyOwn = { slack: null, own: { url: webhook.url('/own'), secret: 'a secret of a test' } };
  await announceEvent(deps({ webhooks: onlyOwn }), batch, late, RUN, never);
  expect(await hasToldLate(store, batch, never)).toBe(true);
  const another = { ...batch, attempt: 1_000 };
  await announceEvent(deps({ webhooks: { slack: null, own: null } }), another, late, RUN, never);
  expect(await hasToldLate(store, another, never)).toBe(true);
});

test('while the store does not answer it fails as something to try again, and is told once it does', async () => {
  let isSilent = true;
  await using proxy = await S3Proxy.start(server, () => isSilent && new Promise<boolean>(() => undefined));
  using slow = server.store({ endpoint: proxy.endpoint });
  const telling = announceEvent(deps({ store: slow, limitMs: 500 }), batch, event(), RUN, never);
  await expect(telling).rejects.toMatchObject({ failureClass: 'StorageUnavailable' });
  expect(webhook.posts).toHaveLength(0);
  const cancelled = announceEvent(deps({ store: slow }), batch, event(), RUN, AbortSignal.timeout(100));
  await expect(cancelled).rejects.toMatchObject({ failureClass: 'Cancelled' });
  isSilent = false;
  await announceEvent(deps({ store: slow }), batch, event(), RUN, never);
  expect(webhook.received('/own')).toHaveLength(1);
});

test('without a webhook it is one line of the log, a warning', async () => {
  await announceEvent(deps({ webhooks: { slack: null, own: null } }), batch, event(), RUN, never);
  expect(lines).toMatchObject([
    { level: 40, msg: `referral/2026-11-23/${attempt} paused by a person: wrong logo.`, alarm: { kind: 'paused' } },
  ]);
});

test('of one night it is told once that it has not closed, whatever becomes of it', async () => {
  const { campaign, businessDate } = batch;
  const night = { campaign, businessDate, dueAt: '2026-11-24T04:00:00Z', runs: [], running: null } as const;
  await announceNight(deps(), { ...night, state: 'missing' }, never);
  await announceNight(deps(), { ...night, state: 'failed' }, never);
  expect(webhook.received('/own')).toMatchObject([{ kind: 'missing', batchId: null, progress: null }]);
});
