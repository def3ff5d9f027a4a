/** A clock that has jumped: every request under way is refused for its time, also those whose answer cannot say why. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Failure } from '../../src/contracts/failures.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { BLIND_CREDENTIALS, TestS3 } from '../support/s3.ts';

let server: TestS3;
beforeAll(async () => {
  server = await TestS3.start();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

describe.each([
  ['fast', 3_600_000],
  ['slow', -3_600_000],
])('by a clock that is an hour %s', (_, systemClockOffset) => {
  /** So many HEADs, GETs and PUTs at the same time; the classes of those that fail. */
  const failures = async (store: ObjectStore, count: number): Promise<string[]> => {
    const requests = Array.from({ length: count }, async (_, n) => {
      if (n % 3 === 0) return await store.head(`videos/skew/${n}.mp4`);
      if (n % 3 === 1) return await store.getText(`videos/skew/${n}.txt`);
      const key = `videos/skew/${systemClockOffset}-${count}-${n}.txt`;
      return await store.putImmutable(key, 'x', { contentType: 'text/plain' });
    });
    const results = await Promise.allSettled(requests);
    return results.flatMap((result) =>
      result.status === 'rejected' ? [String((result.reason as Failure).failureClass)] : [],
    );
  };

  test('requests that are under way together all come through', async () => {
    using store = server.store({ systemClockOffset });
    expect(await failures(store, 24)).toEqual([]);
  });

  test('of more than the client will send again, none is taken for a missing right', async () => {
    using store = server.store({ systemClockOffset });
    expect(new Set(await failures(store, 300))).toEqual(new Set(['StorageUnavailable']));
    expect(await failures(store, 30)).toEqual([]);
  });
});

test('a right that is missing stays one, however late the clock', async () => {
  using store = server.store({ credentials: BLIND_CREDENTIALS, systemClockOffset: 3_600_000 });
  await expect(Array.fromAsync(store.list('videos/'))).rejects.toMatchObject({ failureClass: 'StorageDenied' });
});
