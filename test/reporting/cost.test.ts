import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { VariantOutcome } from '../../src/contracts/batch.ts';
import { costOf, type SceneWork } from '../../src/reporting/cost.ts';
import { DEFAULT_PRICES, GB } from '../../src/reporting/prices.ts';
import { requestsOf } from '../../src/reporting/requests.ts';
import type { RenderedOutcome } from '../../src/reporting/stages.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { publishPointers } from '../../src/storage/publish-pointers.ts';
import { type FinishedVideo, headVideo, putVideo, uploadVideo } from '../../src/storage/videos.ts';
import { TestS3 } from '../support/s3.ts';
import { S3Proxy } from '../support/s3-proxy.ts';
import { cached, failed, keyOf, planOf, rendered } from './night.ts';

const prices = {
  ...DEFAULT_PRICES,
  ...{ vcpuHour: 3.6, gbMonth: 2, egressGb: 4 },
  requests: { put: 1, get: 0.1, head: 0.01, list: 10 },
};

const made = (n: number, cpuMs: number | undefined, bytes: number, videos?: number): VariantOutcome => ({
  ...(rendered(n, 4_000) as RenderedOutcome),
  measures: {
    ...{ stages: {}, frames: 1, bytes, endedAt: 1 },
    ...(cpuMs !== undefined && { cpuMs }),
    ...(videos !== undefined && { videos }),
  },
});

const night = (outcomes: readonly VariantOutcome[]) =>
  costOf({ plan: planOf({ variants: outcomes.length }), outcomes, scenes: null, prices, estimate: null, nights: 0 });

describe('what a night costs', () => {
  test('is processor time, a month of storage, and requests, at the prices that are given', () => {
    const cost = night([made(1, 10_000, GB / 2), made(2, 30_000, GB / 2), cached(3), failed(4, 'FontMissing', '')]);
    expect(cost.compute).toEqual({ cpuSeconds: 40, cpuSecondsPerVariant: 20, money: 0.04, moneyPerVariant: 0.02 });
    expect(cost.storage).toEqual({
      ...{ bytes: GB, bytesPerVariant: GB / 2 },
      ...{ moneyPerMonth: 2, moneyPerMonthPerVariant: 1 },
    });
    expect(cost.egress).toEqual({ moneyPerView: 2 });
    const { put, get, head, list, money } = cost.requests;
    expect(money).toBeCloseTo((put + get * 0.1 + head * 0.01 + list * 10) / 1_000, 12);
    expect(cost.night).toBeCloseTo(0.04 + 2 + money, 12);
    expect(cost.perVariant).toBeCloseTo((cost.night ?? 0) / 2, 12);
    expect(cost.published).toMatchObject({ computePerVariant: 0.004, bandwidthPerVariant: 0.00026, nightOf5000: 23 });
  });

  test('has no price where nothing was measured, and is never guessed', () => {
    const cost = night([rendered(1, 4_000), rendered(2, 4_000)]);
    expect([cost.measured, cost.rendered]).toEqual([0, 2]);
    expect(Object.values(cost.compute)).toEqual([null, null, null, null]);
    expect(Object.values(cost.storage)).toEqual([null, null, null, null]);
    expect([cost.egress.moneyPerView, cost.night, cost.perVariant]).toEqual([null, null, null]);
    expect(cost.requests.money).toBeGreaterThan(0);
  });

  test('of which some renders were not measured is that of the others for a video, and no sum', () => {
    const cost = night([made(1, 10_000, 100), made(2, undefined, 300)]);
    expect([cost.measured, cost.rendered, cost.compute.cpuSeconds, cost.storage.bytes]).toEqual([1, 2, 10, 400]);
    expect([cost.compute.cpuSecondsPerVariant, cost.night]).toEqual([10, null]);
    const requests = cost.requests.money / 2;
    expect(cost.perVariant).toBeCloseTo(0.01 + (200 / GB) * 2 + requests, 12);
  });

  test('whose variants have several renditions stores them all, and sends one to a viewer', () => {
    const cost = night([made(1, 10_000, GB, 2), made(2, 10_000, GB / 2)]);
    expect([cost.storage.bytesPerVariant, cost.egress.moneyPerView]).toEqual([0.75 * GB, 0.5 * 4]);
  });

  test('on which scenes were rendered for several videos has a sum when all of them were measured', () => {
    const input = { outcomes: [made(1, 10_000, 100)], prices, estimate: null, nights: 0 };
    const of = (sharedScenes: number, scenes: SceneWork | null) =>
      costOf({ ...input, scenes, plan: planOf({ sharedScenes }) });
    const ten = { cpuSeconds: 10, cpuSecondsPerVariant: 10 };
    expect(of(3, null)).toMatchObject({ sharedScenes: 3, night: null, perVariant: null, compute: ten });
    expect(of(3, { rendered: 3 })).toMatchObject({ night: null, perVariant: null, compute: ten });
    expect(of(3, { rendered: 3, measured: 2, cpuMs: 4_000 })).toMatchObject({
      night: null,
      compute: { cpuSeconds: 14 },
    });
    const known = of(3, { rendered: 2, measured: 2, cpuMs: 6_000 });
    expect(known.compute).toMatchObject({ cpuSeconds: 16, cpuSecondsPerVariant: 16, money: expect.closeTo(0.016, 12) });
    expect(known.night).toBeCloseTo(0.016 + (100 / GB) * 2 + known.requests.money, 12);
    expect(known.perVariant).toEqual(expect.any(Number));
    expect(of(0, null)).toMatchObject({ sharedScenes: 0, night: expect.any(Number), perVariant: expect.any(Number) });
  });

  test('on which nothing was rendered is that of its requests', () => {
    const cost = night([cached(1)]);
    expect(cost.night).toBe(cost.requests.money);
    expect(cost.perVariant).toBeNull();
  });

  test('stands beside what was estimated, at the same prices', () => {
    const estimate = {
      campaign: 'referral',
      businessDate: '2026-11-23',
      at: '2026-11-23T18:00:00Z',
      variants: 4,
      cpuSeconds: 100,
    };
    const cost = costOf({ plan: planOf(), outcomes: [made(1, 10_000, 1)], scenes: null, prices, estimate, nights: 0 });
    expect(cost.estimate).toEqual({
      ...{ at: estimate.at, variants: 4, cpuSeconds: 100, cpuSecondsPerVariant: 25 },
      ...{ money: expect.closeTo(0.1, 9), moneyPerVariant: expect.closeTo(0.025, 9) },
    });
  });
});

describe('requests', () => {
  let server: TestS3;
  let proxy: S3Proxy;
  let store: ObjectStore;
  let sent: string[];

  beforeAll(async () => {
    server = await TestS3.start();
    proxy = await S3Proxy.start(server, ({ method = '' }) => {
      sent.push(method);
      return false;
    });
    store = new ObjectStore({ clientConfig: server.clientConfig({ endpoint: proxy.endpoint }), bucket: server.bucket });
  });
  afterAll(async () => {
    store?.close();
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  /** What one more variant adds, by the formula. */
  const reckoned = (bytes: number, videos?: number) => {
    const of = (outcomes: readonly VariantOutcome[]) => requestsOf(planOf(), outcomes);
    const [one, two] = [of([made(1, 1, 1)]), of([made(1, 1, 1), made(2, 1, bytes, videos)])];
    return { put: two.put - one.put, get: two.get - one.get, head: two.head - one.head };
  };

  /** What the storage code sends for it: looked for by the plan and before rendering, stored, and one person pointed at it. */
  const counted = async (n: number, bytes: Uint8Array, partBytes: number) => {
    const { batch, pointerKey } = planOf();
    const variantKey = keyOf(n);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const partCount = partBytes === 0 ? 0 : Math.ceil(bytes.byteLength / partBytes);
    const video: FinishedVideo = {
      ...{ bytes, poster: Buffer.from('poster'), width: 2, height: 2, durationMs: 1_000, sha256 },
      ...{ making: 'whole', partCount },
    };
    const origin = {
      variantKey,
      rendition: 'phone-720p',
      engineDigest: 'e',
      templateDigest: 't',
      batchId: 'b',
      renderMs: 1,
    } as const;
    const signal = new AbortController().signal;
    sent = [];
    await headVideo(store, variantKey, 'phone-720p');
    await headVideo(store, variantKey, 'phone-720p');
    await using upload = partCount === 0 ? null : uploadVideo(store, origin, { signal });
    for (let part = 0; part < partCount; part += 1) {
      await upload?.send(part + 1, bytes.subarray(part * partBytes, (part + 1) * partBytes));
    }
    const stored = await putVideo(store, video, origin, signal, upload);
    const people = { recipients: [`u-${n}`], whenWithdrawn: 'remove', updatedAt: '2026-11-24T04:00:00Z' } as const;
    await publishPointers(store, { batch, pointerKey, video: stored, ...people });
    const of = (...methods: string[]) => sent.filter((method) => methods.includes(method)).length;
    return { put: of('PUT', 'POST'), get: of('GET'), head: of('HEAD') };
  };

  test('are reckoned as many as a small video and its pointer really send', async () => {
    expect(await counted(1, Buffer.alloc(1_000, 'a'), 0)).toEqual(reckoned(1_000));
  });

  test('are reckoned as many as a video really sends that is larger than a part and goes up whole', async () => {
    const bytes = Buffer.alloc(7 * 1024 * 1024, 'c');
    expect(await counted(3, bytes, 0)).toEqual(reckoned(bytes.byteLength));
  });

  test('are reckoned for each rendition of a variant, which go up whole however large they are together', () => {
    const [one, three] = [reckoned(1_000), reckoned(12 * 1024 * 1024, 3)];
    expect([three.put - one.put, three.head - one.head, three.get - one.get]).toEqual([2 * 2, 2 * 2, 0]);
  });

  test('are reckoned as many as a video in parts and its pointer really send', async () => {
    const part = 5 * 1024 * 1024;
    const bytes = Buffer.alloc(2 * part + 1_000, 'b');
    expect(await counted(2, bytes, part)).toEqual(reckoned(bytes.byteLength));
  });
});
