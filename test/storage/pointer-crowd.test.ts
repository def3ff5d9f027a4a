/**
 * Many who write one pointer at once, in random batch order: the newest batch has the last word, always. As many rounds as fit into
 * a test; POINTER_ROUNDS=1000 runs that many of each kind and prints what came of them.
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BatchRef, isBusinessDate, isCampaignId, isVariantKey } from '../../src/contracts/ids.ts';
import type { StoredVideo } from '../../src/contracts/video.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { compareBatches, pointerOf, publishPointer, readPointer, WHEN_WITHDRAWN } from '../../src/storage/pointers.ts';
import { publishPointers } from '../../src/storage/publish-pointers.ts';
import { withdrawPointers } from '../../src/storage/withdrawals.ts';
import { TestS3 } from '../support/s3.ts';

const WRITERS = 64;
/** Each with connections of its own, as worker processes have. */
const PROCESSES = 4;
const ATTEMPTS = 4;
const ROUNDS = Number(process.env['POINTER_ROUNDS'] ?? 0);
const SHORT_MS = 8_000;
const LONGEST_MS = 6 * 3_600_000;

let server: TestS3;
let stores: ObjectStore[];
beforeAll(async () => {
  server = await TestS3.start();
  stores = Array.from({ length: PROCESSES }, () => server.store());
});
afterAll(async () => {
  for (const store of stores ?? []) store.close();
  await server?.[Symbol.asyncDispose]();
});

const campaign = ['referral'].filter(isCampaignId)[0];
const variantKey = ['a'.repeat(64)].filter(isVariantKey)[0];
if (campaign === undefined || variantKey === undefined) throw new TypeError('names');
const video: StoredVideo = {
  ...{ variantKey, rendition: 'email-480p', width: 854, height: 480, durationMs: 2_000, sizeBytes: 9 },
  sha256: 'b'.repeat(64),
};
const updatedAt = '2026-11-24T04:00:00.000Z';

/** The n-th batch of all, in their order. */
function batchOf(n: number): BatchRef {
  const date = `2026-11-${String(1 + Math.floor(n / ATTEMPTS)).padStart(2, '0')}`;
  if (campaign === undefined || !isBusinessDate(date)) throw new TypeError(date);
  return { campaign, businessDate: date, attempt: 1 + (n % ATTEMPTS) };
}

const shuffled = <T>(values: readonly T[]): T[] =>
  values
    .map((value) => ({ value, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);

const all = Array.from({ length: WRITERS }, (_, n) => n);
const NEWEST = WRITERS - 1;
const storeOf = (writer: number): ObjectStore => {
  const store = stores[writer % PROCESSES];
  if (store === undefined) throw new TypeError('no store');
  return store;
};

/** Runs rounds for a while, or as many as are wanted, and says how many there were. */
async function rounds(name: string, round: (key: string) => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  let count = 0;
  do {
    count += 1;
    await round(`${count}`);
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    const isTold = ROUNDS > 0 && (count === ROUNDS || count % 100 === 0);
    if (isTold) process.stdout.write(`${JSON.stringify({ name, writers: WRITERS, rounds: count, seconds })}\n`);
  } while (ROUNDS > 0 ? count < ROUNDS : performance.now() - startedAt < SHORT_MS);
}

test(
  `${WRITERS} writers leave the newest batch, and no reader sees the pointer go back`,
  async () => {
    await rounds('publish', async (round) => {
      const key = `users/crowd-${round}.json`;
      let going = true;
      const watch = async (): Promise<void> => {
        let seen: Awaited<ReturnType<typeof readPointer>> = null;
        while (going) {
          const now = await readPointer(storeOf(0), key);
          if (seen !== null && (now === null || compareBatches(now, seen) < 0)) throw new Error('it went back');
          seen = now;
        }
      };
      const watching = watch();
      const outcomes = await Promise.all(
        shuffled(all).map(async (writer) => {
          const pointer = pointerOf(storeOf(writer), { batch: batchOf(writer), recipientId: 'u1', video, updatedAt });
          return { writer, outcome: await publishPointer(storeOf(writer), key, pointer) };
        }),
      );
      going = false;
      await watching;
      expect(await readPointer(storeOf(0), key)).toMatchObject(batchOf(NEWEST));
      // Whoever was told that his batch is published or overtaken was told the truth: the newest was not overtaken.
      expect(outcomes.filter(({ outcome }) => outcome === 'unchanged')).toEqual([]);
      expect(outcomes.find(({ writer }) => writer === NEWEST)?.outcome).toBe('published');
    });
  },
  LONGEST_MS,
);

describe.each(WHEN_WITHDRAWN)('where half of them take the pointer back (%s)', (whenWithdrawn) => {
  test(
    'the newest batch decides whether there is one',
    async () => {
      await rounds(`publish and withdraw: ${whenWithdrawn}`, async (round) => {
        const person = `crowd-${whenWithdrawn}-${round}`;
        const withdraws = new Set(shuffled(all).slice(0, WRITERS / 2));
        const shared = { pointerKey: 'people/{recipientId}.json', whenWithdrawn, recipients: [person], updatedAt };
        await Promise.all(
          shuffled(all).map((writer) => {
            const request = { ...shared, batch: batchOf(writer) };
            if (withdraws.has(writer)) return withdrawPointers(storeOf(writer), request);
            return publishPointers(storeOf(writer), { ...request, video });
          }),
        );
        const left = await readPointer(storeOf(0), `people/${person}.json`);
        if (withdraws.has(NEWEST) && whenWithdrawn === 'remove') expect(left).toBeNull();
        else expect(left).toMatchObject(batchOf(NEWEST));
        expect(left !== null && 'withdrawn' in left).toBe(withdraws.has(NEWEST) && whenWithdrawn === 'neutral');
      });
    },
    LONGEST_MS,
  );
});
