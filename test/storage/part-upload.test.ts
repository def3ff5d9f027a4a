/** Videos that go up while they are made: whole or not there, and nothing left of those that were given up. */

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Failure } from '../../src/contracts/failures.ts';
import { objectKeys, type VariantKey } from '../../src/contracts/ids.ts';
import { PART_BYTES } from '../../src/rendering/part-sink.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import type { PartUpload } from '../../src/storage/part-upload.ts';
import { describeStored, putVideo, uploadVideo } from '../../src/storage/videos.ts';
import { TestS3 } from '../support/s3.ts';
import { type Intercept, S3Proxy } from '../support/s3-proxy.ts';

const never = new AbortController().signal;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

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

const film = randomBytes(3 * PART_BYTES + 1234);
const otherFilm = randomBytes(film.byteLength + 1);

const originOf = (variantKey = sha256(Buffer.from(randomUUID())) as VariantKey, batch = 'referral/2026-11-23/1') => ({
  ...{ variantKey, rendition: 'web-1080p' as const, engineDigest: 'e'.repeat(64), templateDigest: 'd'.repeat(64) },
  ...{ batchId: batch, renderMs: 42 },
});
const finished = (bytes: Uint8Array) => ({
  ...{ bytes, poster: Buffer.from('jpeg'), width: 1920, height: 1080, durationMs: 120_000, sha256: sha256(bytes) },
  ...{ making: 'whole' as const, partCount: 4 },
});

/** As the engine does: the first part last, nobody waits. */
function sendAll(upload: PartUpload, bytes: Uint8Array = film): Promise<unknown> {
  const sending = [2, 3, 4, 1].map((part) =>
    upload.send(part, bytes.subarray((part - 1) * PART_BYTES, part === 4 ? undefined : part * PART_BYTES)),
  );
  for (const one of sending) one.catch(() => undefined);
  return Promise.all(sending);
}

const openUploads = async ({ variantKey }: { readonly variantKey: VariantKey }): Promise<number> =>
  (await store.uploads.openOf(objectKeys.video(variantKey))).length;

const stored = async ({ variantKey }: { readonly variantKey: VariantKey }): Promise<Buffer | null> =>
  (await store.get(objectKeys.video(variantKey)))?.body ?? null;

/** What `work` throws. */
const failureOf = async (work: Promise<unknown>): Promise<Failure> => {
  const thrown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof Failure)) throw new Error(`no Failure: ${String(thrown)}`);
  return thrown;
};

describe('a video in parts', () => {
  test('is what was sent, described as any other, and leaves no upload', async () => {
    const origin = originOf();
    await using upload = uploadVideo(store, origin, { signal: never });
    await sendAll(upload);
    expect(await stored(origin)).toBeNull();
    const video = await putVideo(store, finished(film), origin, never, upload);

    expect(video).toMatchObject({ sha256: sha256(film), sizeBytes: film.byteLength, width: 1920, durationMs: 120_000 });
    expect((await stored(origin))?.equals(film)).toBe(true);
    const described = await describeStored(store, origin.variantKey, 'web-1080p');
    expect(described).toEqual({ video, batchId: origin.batchId, renderMs: 42, making: 'whole' });
    expect(await store.head(objectKeys.video(origin.variantKey))).toMatchObject({
      ...{ contentType: 'video/mp4', cacheControl: 'public,max-age=31536000,immutable' },
      metadata: { engine: 'e'.repeat(64), template: 'd'.repeat(64), batch: origin.batchId },
    });
    expect(await openUploads(origin)).toBe(0);
  });

  test('that another has stored meanwhile is left alone when it is the same, and told when it is not', async () => {
    const [origin, others] = [originOf(), originOf()];
    await putVideo(store, { ...finished(film), partCount: 0 }, origin);
    await putVideo(store, { ...finished(otherFilm), partCount: 0 }, others);
    for (const target of [origin, others]) {
      await using upload = uploadVideo(store, target, { signal: never });
      await sendAll(upload);
      const put = putVideo(store, finished(film), { ...target, batchId: 'referral/2026-11-24/1' }, never, upload);
      if (target === origin) expect((await put).sha256).toBe(sha256(film));
      else expect((await failureOf(put)).failureClass).toBe('ContentMismatch');
    }
    expect((await stored(others))?.equals(otherFilm)).toBe(true);
    expect(await openUploads(origin)).toBe(0);
    expect(await openUploads(others)).toBe(0);
  });

  test('of two who send the same at once is there once', async () => {
    const origin = originOf();
    const one = async (batchId: string): Promise<string> => {
      await using upload = uploadVideo(store, { ...origin, batchId }, { signal: never });
      void sendAll(upload).catch(() => undefined);
      return (await putVideo(store, finished(film), { ...origin, batchId }, never, upload)).sha256;
    };
    const both = await Promise.all([one('referral/2026-11-23/1'), one('referral/2026-11-24/1')]);
    expect(both).toEqual([sha256(film), sha256(film)]);
    expect((await stored(origin))?.equals(film)).toBe(true);
    expect(await openUploads(origin)).toBe(0);
  });

  test('whose maker gives up is not there, nor is anything of it', async () => {
    const origin = originOf();
    {
      await using upload = uploadVideo(store, origin, { signal: never });
      await upload.send(2, film.subarray(PART_BYTES, 2 * PART_BYTES));
      expect(await openUploads(origin)).toBe(1);
      // Under way while it ends.
      upload.send(3, film.subarray(2 * PART_BYTES, 3 * PART_BYTES)).catch(() => undefined);
    }
    expect([await stored(origin), await openUploads(origin)]).toEqual([null, 0]);
  });

  test('that is cancelled is aborted all the same', async () => {
    const origin = originOf();
    const cancelled = new AbortController();
    {
      await using upload = uploadVideo(store, origin, { signal: cancelled.signal });
      await upload.send(2, film.subarray(PART_BYTES, 2 * PART_BYTES));
      cancelled.abort();
      const failure = await failureOf(upload.send(3, film.subarray(2 * PART_BYTES, 3 * PART_BYTES)));
      expect(failure.failureClass).toBe('Cancelled');
    }
    expect(await openUploads(origin)).toBe(0);
  });

  test('whose upload somebody else has aborted is stored by a write of the whole', async () => {
    const origin = originOf();
    await using upload = uploadVideo(store, origin, { signal: never });
    await sendAll(upload);
    for (const open of await store.uploads.openOf(objectKeys.video(origin.variantKey))) await store.uploads.abort(open);
    await putVideo(store, finished(film), origin, never, upload);
    expect((await stored(origin))?.equals(film)).toBe(true);
  });

  test('is described anew where a maker died between poster and video, and its poster stays where there is a video', async () => {
    const origin = originOf();
    const posterOf = (bytes: Uint8Array) => ({ sha256: sha256(bytes), 'size-bytes': String(bytes.byteLength) });
    const poster = objectKeys.poster(origin.variantKey);
    await store.putImmutable(poster, 'old', { contentType: 'image/jpeg', metadata: posterOf(otherFilm) });
    await using upload = uploadVideo(store, origin, { signal: never });
    await sendAll(upload);
    await putVideo(store, finished(film), origin, never, upload);
    expect((await describeStored(store, origin.variantKey, 'web-1080p'))?.video.sha256).toBe(sha256(film));

    await using second = uploadVideo(store, origin, { signal: never });
    await sendAll(second, otherFilm);
    const failure = await failureOf(putVideo(store, finished(otherFilm), origin, never, second));
    expect(failure.failureClass).toBe('ContentMismatch');
    expect((await store.head(poster))?.metadata).toMatchObject(posterOf(film));
  });

  test('is described as it is stored when another makes something else of the same params at the same time', async () => {
    const origin = originOf();
    const poster = objectKeys.poster(origin.variantKey);
    const other = randomBytes(film.byteLength);
    let isReplaced = false;
    await using proxy = await S3Proxy.start(server, async ({ method, url = '' }) => {
      if (method !== 'POST' || !url.includes('uploadId=') || isReplaced) return false;
      isReplaced = true;
      const metadata = { 'size-bytes': String(other.byteLength), sha256: sha256(other) };
      const { etag = '' } = (await store.head(poster)) ?? {};
      await store.compareAndSwap(poster, etag, 'other', { contentType: 'image/jpeg', metadata });
      return false;
    });
    using far = server.store({ endpoint: proxy.endpoint });
    await using upload = uploadVideo(far, origin, { signal: never });
    await sendAll(upload);
    await putVideo(far, finished(film), origin, never, upload);
    const described = async () => (await describeStored(store, origin.variantKey, 'web-1080p'))?.video.sha256;
    expect([isReplaced, await described()]).toEqual([true, sha256(film)]);

    await using second = uploadVideo(store, origin, { signal: never });
    await sendAll(second, other);
    const failure = await failureOf(putVideo(store, finished(other), origin, never, second));
    expect([failure.failureClass, await described()]).toEqual(['ContentMismatch', sha256(film)]);
  });

  test('whose upload somebody aborts in the middle can be tried again', async () => {
    const origin = originOf();
    await using upload = uploadVideo(store, origin, { signal: never });
    await upload.send(2, film.subarray(PART_BYTES, 2 * PART_BYTES));
    for (const open of await store.uploads.openOf(objectKeys.video(origin.variantKey))) await store.uploads.abort(open);
    const failure = await failureOf(upload.send(3, film.subarray(2 * PART_BYTES, 3 * PART_BYTES)));
    expect(failure.failureClass).toBe('StorageUnavailable');
    expect(failure.message).toContain('somebody has aborted the upload');
  });

  test.each([0, 1, 2, 4, 8])('that is cancelled %i ms after it was begun leaves nothing', async (ms) => {
    const origin = originOf();
    const cancelled = new AbortController();
    {
      await using upload = uploadVideo(store, origin, { signal: cancelled.signal });
      upload.send(2, film.subarray(PART_BYTES, 2 * PART_BYTES)).catch(() => undefined);
      await sleep(ms);
      cancelled.abort();
    }
    expect(await openUploads(origin)).toBe(0);
  });
});

describe('a server that', () => {
  const isComplete = ({ method, url = '' }: Parameters<Intercept>[0]): boolean =>
    method === 'POST' && url.includes('uploadId=');
  const error = '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>';

  const putThrough = async (intercept: Intercept) => {
    const origin = originOf();
    await using proxy = await S3Proxy.start(server, intercept);
    using far = server.store({ endpoint: proxy.endpoint });
    await using upload = uploadVideo(far, origin, { signal: never });
    void sendAll(upload).catch(() => undefined);
    const outcome = await putVideo(far, finished(film), origin, never, upload).catch((failure: unknown) => failure);
    return { origin, outcome };
  };

  test('answers 200 with an error in it to the completion is asked again', async () => {
    let lies = 0;
    const { origin, outcome } = await putThrough((request, answer) => {
      if (!isComplete(request) || lies === 2) return false;
      lies += 1;
      answer.writeHead(200, { 'content-type': 'application/xml' }).end(error);
      return true;
    });
    expect([lies, outcome]).toEqual([2, expect.objectContaining({ sha256: sha256(film) })]);
    expect((await stored(origin))?.equals(film)).toBe(true);
    expect(await openUploads(origin)).toBe(0);
  });

  test('always does leaves nothing that is taken for a video', async () => {
    const { origin, outcome } = await putThrough((request, answer) => {
      if (!isComplete(request)) return false;
      answer.writeHead(200, { 'content-type': 'application/xml' }).end(error);
      return true;
    });
    expect(outcome).toMatchObject({ failureClass: 'StorageUnavailable' });
    expect([await stored(origin), await openUploads(origin)]).toEqual([null, 0]);
  });

  test('says that all is complete and has done nothing is not believed', async () => {
    const { origin, outcome } = await putThrough((request, answer) => {
      if (!isComplete(request)) return false;
      const body = '<CompleteMultipartUploadResult><ETag>"made-up-4"</ETag></CompleteMultipartUploadResult>';
      answer.writeHead(200, { 'content-type': 'application/xml' }).end(body);
      return true;
    });
    expect(outcome).toMatchObject({ sha256: sha256(film) });
    expect((await stored(origin))?.equals(film)).toBe(true);
    expect(await openUploads(origin)).toBe(0);
  });

  test('completes and is not heard has completed', async () => {
    let isCut = false;
    const { origin, outcome } = await putThrough(async (request, answer, body) => {
      if (!isComplete(request) || isCut) return false;
      isCut = true;
      await fetch(new URL(request.url ?? '', server.endpoint), {
        ...{ method: 'POST', headers: withoutHop(request.headers), body: new Uint8Array(body) },
      });
      answer.destroy();
      return true;
    });
    expect([isCut, outcome]).toEqual([true, expect.objectContaining({ sha256: sha256(film) })]);
    expect((await stored(origin))?.equals(film)).toBe(true);
    expect(await openUploads(origin)).toBe(0);
  });

  test.each([
    [
      'is busy',
      (answer: Parameters<Intercept>[1]) => void answer.writeHead(503).end('<Error><Code>SlowDown</Code></Error>'),
    ],
    ['hangs up', (answer: Parameters<Intercept>[1]) => void answer.destroy()],
  ])('%s in the middle of the parts is sent them again', async (_, disturb) => {
    let disturbed = 0;
    const { origin, outcome } = await putThrough(({ method, url = '' }, answer) => {
      if (method !== 'PUT' || !url.includes('partNumber=') || disturbed === 3) return false;
      disturbed += 1;
      disturb(answer);
      return true;
    });
    expect([disturbed, outcome]).toEqual([3, expect.objectContaining({ sha256: sha256(film) })]);
    expect((await stored(origin))?.equals(film)).toBe(true);
  });
});

/** Of the connection, which is another here. */
const withoutHop = (headers: NodeJS.Dict<string | string[]>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && !['connection', 'content-length', 'transfer-encoding', 'expect'].includes(name)
        ? [[name, value]]
        : [],
    ),
  );
