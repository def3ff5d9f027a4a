/** Digests on their way: a real store, a real server as webhook. */

import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { outboxText } from '../../src/cli/run-digest.ts';
import { type BatchRef, type BusinessDate, batchIdOf, objectKeys } from '../../src/contracts/ids.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { closeBatch } from '../../src/reporting/close-batch.ts';
import { claim, settle } from '../../src/reporting/digest/outbox.ts';
import { type AnnounceDeps, announceBatch, postDigest } from '../../src/reporting/digest/post-digest.ts';
import { readDigest } from '../../src/reporting/digest/read-digest.ts';
import { retryAfterMs } from '../../src/reporting/digest/webhooks.ts';
import { recordOutcomes } from '../../src/reporting/outcomes.ts';
import { writeJsonLines } from '../../src/storage/documents.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { TestS3 } from '../support/s3.ts';
import { TestWebhook } from '../support/webhook.ts';
import { failed, keyOf, planOf, rendered } from './night.ts';

const SECRET = 'a secret of a test';
const never = new AbortController().signal;
const closedAt = '2026-11-24T04:48:10Z';

let server: TestS3;
let store: ObjectStore;
let webhook: TestWebhook;
let lines: Record<string, unknown>[];
let attempt = 0;

beforeAll(async () => {
  server = await TestS3.start();
  store = server.store();
});
afterAll(async () => {
  store?.close();
  await server?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  webhook = await TestWebhook.start();
  lines = [];
});
afterEach(async () => {
  await webhook?.[Symbol.asyncDispose]();
});

function deps(over: Partial<AnnounceDeps> = {}): AnnounceDeps {
  const kept = new Writable({
    write(chunk, _, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return {
    store,
    webhooks: { slack: webhook.url('/slack'), own: { url: webhook.url('/own?key=hush'), secret: SECRET } },
    uiLink: () => null,
    now: Date.now,
    log: pino(kept),
    ...over,
  };
}

const onlySlack = () => ({ webhooks: { slack: webhook.url('/slack'), own: null, answerWithinMs: 400 } });

const close = (batch: BatchRef, wallMs: number | null = 61_000) =>
  closeBatch({ store, manifests: new ManifestReader(store), now: () => closedAt }, { batch, wallMs }, never);

/** A closed night of two variants, one of which failed. */
async function closedNight(businessDate = '2026-11-23'): Promise<BatchRef> {
  attempt += 1;
  const plan = planOf({ recipients: 2, variants: 2 });
  const batch = { ...plan.batch, businessDate: businessDate as BusinessDate, attempt };
  const line = (index: number) => ({
    ...{ index, key: keyOf(index), rendition: 'phone-720p', params: { name: 'Ada' } },
    ...{ recipients: [`ada-${index}`], cached: null },
  });
  const json = { contentType: 'application/json' };
  await store.put(objectKeys.plan(batch), JSON.stringify({ ...plan, batch }), json);
  await store.put(objectKeys.manifestPage(batch, 1), JSON.stringify({ page: 1, variants: [line(0), line(1)] }), json);
  await writeJsonLines(store, objectKeys.rejects(batch), []);
  await writeJsonLines(store, objectKeys.withdrawn(batch), []);
  const outcomes = [rendered(0, 4_000), failed(1, 'FontMissing', 'No font for Ada.')];
  await recordOutcomes(store, { batch, writer: 'lane-0', page: 1, outcomes });
  await close(batch);
  return batch;
}

const stateOf = async (batch: BatchRef, channel: string): Promise<unknown> =>
  JSON.parse((await store.getText(objectKeys.digest(batch, channel))) ?? 'null');

test('a batch that closes twice, and is repaired, is posted once to each webhook', async () => {
  const batch = await closedNight();
  await announceBatch(deps(), batch, never);
  await close(batch);
  await announceBatch(deps(), batch, never);
  await recordOutcomes(store, { batch, writer: 'backfill-1', page: 1, outcomes: [rendered(1, 3_000)] });
  await close(batch, null);
  await announceBatch(deps(), batch, never);
  expect(webhook.posts.map(({ path }) => path).sort()).toEqual(['/own?key=hush', '/slack']);
  expect(webhook.received('/slack')).toMatchObject([
    { text: `referral 2026-11-23: 1 variant rendered in 1 minute, 1 failed` },
  ]);
  expect(webhook.received('/own?key=hush')).toMatchObject([
    { version: 1, kind: 'finished', summary: { failed: 1 }, failures: [{ failureClass: 'FontMissing', count: 1 }] },
  ]);
  expect(lines.filter(({ outcome }) => outcome === 'posted before')).toHaveLength(4);

  const digest = await readDigest(store, batch, () => null);
  expect(digest).toMatchObject({
    kind: 'repaired',
    text: 'Repaired: of 1 variant that had failed, none is still missing',
  });
  // A person wants it once more.
  if (digest === null) throw new Error('there is no digest');
  expect(await postDigest(deps(), batch, digest, { again: true }, never)).toMatchObject([
    { channel: 'slack', outcome: 'posted' },
    { channel: 'own', outcome: 'posted' },
  ]);
  expect(webhook.received('/own?key=hush')).toMatchObject([{ kind: 'finished' }, { kind: 'repaired' }]);
});

test('of many closings at once one posts, and nothing that is sent or kept names a person', async () => {
  const batch = await closedNight();
  await Promise.all(Array.from({ length: 6 }, () => announceBatch(deps(onlySlack()), batch, never)));
  expect(webhook.posts).toHaveLength(1);
  const kept = JSON.stringify([webhook.posts, lines, await stateOf(batch, 'slack')]);
  expect(kept).not.toMatch(/ada|Ada/);
});

test('the signature is of the time and the body, as they were sent', async () => {
  const batch = await closedNight();
  await announceBatch(deps(), batch, never);
  const post = webhook.posts.find(({ path }) => path.startsWith('/own'));
  if (post === undefined) throw new Error('nothing came');
  const { headers, body } = post;
  const [, t = '', v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-nightreel-signature'])) ?? [];
  expect(v1).toBe(createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex'));
  expect(Math.abs(Number(t) - Date.now() / 1000)).toBeLessThan(60);
  expect(headers['content-type']).toBe('application/json');
});

/** As `nightreel digest --post` does. */
async function postByHand(batch: BatchRef) {
  const digest = await readDigest(store, batch, () => null);
  if (digest === null) throw new Error('there is no digest');
  return await postDigest(deps(onlySlack()), batch, digest, { again: true }, never);
}

test('what a process that died had claimed may have been posted: only a person posts it', async () => {
  const batch = await closedNight();
  const key = objectKeys.digest(batch, 'slack');
  await expect(
    promisify(execFile)(process.execPath, [
      ...[join(import.meta.dirname, 'claim-and-die.ts'), server.endpoint, server.bucket, key, '1000'],
    ]),
  ).rejects.toMatchObject({ signal: 'SIGKILL' });
  expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'claimed' });
  await Promise.all([1, 2].map(() => announceBatch(deps(onlySlack()), batch, never)));
  expect(webhook.posts).toHaveLength(0);
  expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'unknown' });
  expect(lines).toMatchObject(
    [1, 2].map(() => ({ level: 40, channel: 'slack', reason: 'whoever was posting it said no more' })),
  );
  expect(await postByHand(batch)).toMatchObject([{ outcome: 'posted' }]);
  expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'posted' });
});

test('a claim from a clock that is far ahead ends after one lease; whoever had it says late what became of it', async () => {
  const batch = await closedNight();
  const asked = { key: objectKeys.digest(batch, 'slack'), again: false, leaseMs: 500 };
  const theirs = { store, now: () => Date.now() + 3_600_000 };
  const slow = await claim(theirs, asked, never);
  await announceBatch(deps(onlySlack()), batch, never);
  expect(webhook.posts).toHaveLength(0);
  expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'unknown' });
  if ('state' in slow) throw new Error('it was not claimed');
  await settle(theirs, slow, null, never);
  expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'posted' });
});

test.each([
  ['never answers', [null], 'it did not answer within 0.4 s'],
  ['stands behind a gateway that gave up', [504], 'it answered 504 no_service'],
] as const)(
  'a digest that reached a webhook that %s is posted once, until a person posts it again',
  async (_, answers, why) => {
    const batch = await closedNight();
    webhook.answers = [...answers];
    await announceBatch(deps(onlySlack()), batch, never);
    expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'unknown', why });
    webhook.answers = [200];
    await close(batch);
    await announceBatch(deps(onlySlack()), batch, never);
    expect(webhook.posts).toHaveLength(1);
    expect(lines).toMatchObject([1, 2].map(() => ({ level: 40, channel: 'slack', reason: why })));

    const command = `nightreel digest ${batchIdOf(batch)} --post`;
    const outbox = { slack: JSON.parse(JSON.stringify(await stateOf(batch, 'slack'))), own: null };
    expect(outboxText(batch, outbox)).toMatch(/slack {5}nobody knows whether it arrived, .* UTC: it /);
    expect(outboxText(batch, outbox)).toContain(command);
    expect(await postByHand(batch)).toMatchObject([{ outcome: 'posted' }]);
    expect(webhook.posts).toHaveLength(2);
    expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'posted' });
  },
);

test('a person who posts again what may have arrived, and is told no, has learnt nothing of the first', async () => {
  const batch = await closedNight();
  webhook.answers = [null, 404];
  await announceBatch(deps(onlySlack()), batch, never);
  expect(await postByHand(batch)).toMatchObject([{ outcome: 'failed' }]);
  expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'unknown' });
});

test.each([
  ['is told wrongly', [404], 1, 'it answered 404 no_service'],
  ['answers 500 for longer than it is tried', [500], 3, 'it answered 500 no_service'],
] as const)(
  'a webhook that %s loses the digest and not the batch; the next closing posts it',
  async (_, answers, posts, why) => {
    const batch = await closedNight();
    webhook.answers = [...answers];
    await announceBatch(deps({ ...onlySlack(), pausesMs: [1, 1, 60_000] }), batch, never, 5_000);
    expect(webhook.posts).toHaveLength(posts);
    expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'failed', why });
    expect(lines.at(-1)).toMatchObject({ level: 40, msg: 'the digest was not posted', channel: 'slack', reason: why });
    webhook.answers = [200];
    await announceBatch(deps(onlySlack()), batch, never);
    expect(webhook.posts).toHaveLength(posts + 1);
    expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'posted' });
  },
);

test('an outage is waited for, by the webhook that has it alone; it asks to be left alone, and is', async () => {
  const batch = await closedNight();
  const gone = await TestWebhook.start();
  const own = { url: gone.url('/own'), secret: SECRET };
  await gone[Symbol.asyncDispose]();
  webhook.answers = [503, 429, 502, 200];
  webhook.retryAfter = '1';
  const began = performance.now();
  await announceBatch(
    deps({ webhooks: { slack: webhook.url('/slack'), own }, pausesMs: [1, 1, 1, 60_000] }),
    batch,
    never,
    30_000,
  );
  expect(webhook.posts).toHaveLength(4);
  expect(performance.now() - began).toBeGreaterThanOrEqual(3_000);
  expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'posted' });
  expect(await stateOf(batch, 'own')).toMatchObject({ state: 'failed', why: 'the request failed (ECONNREFUSED)' });
  expect(lines.filter(({ level }) => level === 40)).toMatchObject([{ channel: 'own' }]);
});

test('a worker that is stopped while it waits gives the digest to another one', async () => {
  const batch = await closedNight();
  webhook.answers = [503];
  const stopped = AbortSignal.timeout(300);
  await expect(announceBatch(deps({ ...onlySlack(), pausesMs: [60_000] }), batch, stopped)).rejects.toThrow();
  webhook.answers = [200];
  await announceBatch(deps(onlySlack()), batch, never);
  expect(await stateOf(batch, 'slack')).toMatchObject({ state: 'posted' });
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-11-24T04:48:10Z');
  expect(['120', 'Tue, 24 Nov 2026 04:49:10 GMT', 'soon', null].map((header) => retryAfterMs(header, now))).toEqual([
    ...[120_000, 60_000, null, null],
  ]);
});

test('where nothing listens, and where the store does not answer, the log says so and shows no address', async () => {
  const batch = await closedNight();
  const closed = await TestWebhook.start();
  const url = closed.url('/hush');
  await closed[Symbol.asyncDispose]();
  const nowhere = { slack: url, own: { url, secret: SECRET } };
  await announceBatch(deps({ webhooks: nowhere }), batch, never, 0);
  expect(lines.map(({ channel, reason }) => [channel, reason])).toEqual([
    ['slack', 'the request failed (ECONNREFUSED)'],
    ['own', 'the request failed (ECONNREFUSED)'],
  ]);
  using gone = server.store({ endpoint: 'http://127.0.0.1:9', maxAttempts: 1 });
  await announceBatch(deps({ store: gone }), batch, never, 0);
  expect(lines.at(-1)).toMatchObject({ reason: expect.stringContaining('ECONNREFUSED 127.0.0.1:9') });
  expect(JSON.stringify(lines)).not.toContain('hush');
});

test('without a webhook the digest is one line of the log', async () => {
  const batch = await closedNight();
  await announceBatch(deps({ webhooks: { slack: null, own: null } }), batch, never);
  expect(lines).toMatchObject([
    { level: 30, msg: '1 variant rendered in 1 minute, 1 failed', digest: { summary: { failed: 1 } } },
  ]);
});

test('a digest links to the report where staff can read it', async () => {
  const tonight = await closedNight('2026-10-20');
  const [publicBaseUrl, reportBaseUrl] = ['https://cdn.example', 'https://staff.example'];
  const { bucket } = server;
  using behindCdn = new ObjectStore({ clientConfig: server.clientConfig(), bucket, publicBaseUrl, reportBaseUrl });
  const digest = await readDigest(behindCdn, tonight, () => null);
  expect(digest?.links.report).toBe(`https://staff.example/${objectKeys.reportHtml(tonight)}`);
});

test('a digest compares with the nights before, of each the last attempt, and with none after it', async () => {
  const campaign = planOf().batch.campaign;
  const reportOf = async (batch: BatchRef, variants: number, over: object = {}): Promise<void> => {
    const night = JSON.parse((await store.getText(objectKeys.reportJson(tonight))) ?? '');
    const report = { ...night, summary: { ...night.summary, variants }, ...over };
    await store.put(objectKeys.reportJson(batch), JSON.stringify(report), { contentType: 'application/json' });
  };
  const tonight = await closedNight('2026-10-15');
  const on = (businessDate: string, number = 1) => ({
    ...{ campaign, attempt: number, businessDate: businessDate as BusinessDate },
  });
  await reportOf(on('2026-10-14'), 10);
  await reportOf(on('2026-10-14', 2), 20);
  await reportOf(on('2026-10-14', 10), 30);
  await reportOf(on('2026-10-13'), 40);
  await reportOf(on('2026-10-13', 2), 7, { notStarted: 3 });
  await reportOf(on('2026-10-12'), 50);
  await reportOf(on('2026-10-16'), 999);
  await store.put(objectKeys.reportJson(on('2026-10-09')), 'broken', { contentType: 'application/json' });
  const digest = await readDigest(store, tonight, () => null);
  expect(digest?.nights).toBe(3);
  expect(digest?.figures[0]).toEqual({ name: 'variants', value: 2, usual: 40, trend: 'down' });
  expect(await readDigest(store, on('2026-10-09', 5), () => null)).toBeNull();
});
