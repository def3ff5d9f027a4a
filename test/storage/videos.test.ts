import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { objectKeys, type VariantKey } from '../../src/contracts/ids.ts';
import { readJsonLines, swapJson, writeJsonLines } from '../../src/storage/documents.ts';
import { putInput } from '../../src/storage/inputs.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { describeStored, headVideo, type Making, putVideo } from '../../src/storage/videos.ts';
import { TestS3 } from '../support/s3.ts';

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

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const originOf = (digit: string) => ({
  variantKey: digit.repeat(64) as VariantKey,
  rendition: 'phone-720p' as const,
  engineDigest: 'e'.repeat(64),
  templateDigest: 'd'.repeat(64),
  batchId: 'referral/2026-11-23/1',
  renderMs: 4_321.4,
});
const film = (text: string, making: Making = 'whole') => {
  const bytes = Buffer.from(text);
  const poster = Buffer.from('jpeg');
  return { bytes, poster, width: 1280, height: 720, durationMs: 12_000, sha256: sha256(bytes), making };
};

describe('a video', () => {
  test('is described by a HEAD of it alone, and has its poster beside it', async () => {
    const origin = originOf('1');
    const stored = await putVideo(store, film('the film'), origin);
    expect(stored).toEqual({
      variantKey: origin.variantKey,
      rendition: 'phone-720p',
      width: 1280,
      height: 720,
      durationMs: 12_000,
      sizeBytes: 8,
      sha256: sha256(Buffer.from('the film')),
    });
    expect(await headVideo(store, origin.variantKey, 'phone-720p')).toEqual(stored);
    expect(await store.head(objectKeys.video(origin.variantKey))).toMatchObject({
      contentType: 'video/mp4',
      cacheControl: 'public,max-age=31536000,immutable',
      metadata: {
        batch: 'referral/2026-11-23/1',
        'render-ms': '4321',
        engine: 'e'.repeat(64),
        template: 'd'.repeat(64),
      },
    });
    expect(await store.head(objectKeys.poster(origin.variantKey))).toMatchObject({
      contentType: 'image/jpeg',
      cacheControl: 'public,max-age=31536000,immutable',
    });
  });

  test('of the worker that came second is dropped for the same one that is there', async () => {
    const origin = originOf('2');
    const first = await putVideo(store, film('film'), origin);
    expect(await putVideo(store, film('film'), { ...origin, batchId: 'referral/2026-11-24/1' })).toEqual(first);
    expect((await store.head(objectKeys.video(origin.variantKey)))?.metadata['batch']).toBe('referral/2026-11-23/1');
  });

  describe('that is not the one which is stored under its key', () => {
    const second = async (
      digit: string,
      first: ReturnType<typeof film>,
      other: Partial<ReturnType<typeof film>>,
    ): Promise<unknown> => {
      await putVideo(store, first, originOf(digit));
      const outcome = await putVideo(store, { ...first, ...other }, originOf(digit)).catch((error: unknown) => error);
      const kept = await store.get(objectKeys.video(originOf(digit).variantKey));
      expect(kept?.body.equals(first.bytes)).toBe(true);
      return outcome;
    };

    test.each([
      ['a', 'of another length', 'other!', /is not what was made now: sizeBytes 5, not 6; sha256 /],
      [
        'b',
        'of the same length',
        'other',
        /is not what was made now: sha256 [0-9a-f]{12}, not [0-9a-f]{12}\. It stays/,
      ],
    ])('%s: %s, is told by what differs, and the stored one stays', async (digit, _, text, said) => {
      expect(await second(digit, film('first'), film(text))).toMatchObject({
        failureClass: 'ContentMismatch',
        message: expect.stringMatching(said),
      });
    });

    test('is as good where one was joined and the other rendered whole, as scenes that do not fit are', async () => {
      const stored = await second('c', film('joined', 'scenes'), film('rendered', 'whole'));
      expect(stored).toMatchObject({ sizeBytes: 6, sha256: sha256(Buffer.from('joined')) });
      const longer = { ...film('rendered', 'whole'), durationMs: 13_000 };
      expect(await second('d', film('joined', 'scenes'), longer)).toMatchObject({
        failureClass: 'ContentMismatch',
        message: expect.stringContaining('durationMs 12000, not 13000.'),
      });
    });
  });

  describe('whose bytes are not those of its metadata', () => {
    const damaged = async (digit: string, stored: { readonly text: string; readonly sha256?: string }) => {
      const { variantKey } = originOf(digit);
      const metadata = {
        ...{ rendition: 'phone-720p', width: '1280', height: '720', 'duration-ms': '12000', making: 'whole' },
        ...{ sha256: sha256(Buffer.from('film')), 'size-bytes': '4', batch: 'referral/2026-11-20/1' },
      };
      const options = { contentType: 'video/mp4', metadata, ...(stored.sha256 && { sha256: stored.sha256 }) };
      await store.put(objectKeys.video(variantKey), stored.text, options);
      return describeStored(store, variantKey, 'phone-720p').catch((error: unknown) => error);
    };

    test('is told by its size', async () => {
      expect(await damaged('e', { text: 'fil' })).toMatchObject({
        failureClass: 'ContentMismatch',
        message: expect.stringContaining('is damaged: 3 bytes'),
      });
    });

    test('is told by the checksum that the server keeps', async () => {
      const failure = await damaged('f', { text: 'fall', sha256: sha256(Buffer.from('fall')) });
      expect(failure).toMatchObject({
        failureClass: 'ContentMismatch',
        message: expect.stringContaining(
          `is damaged: 4 bytes of sha256 ${sha256(Buffer.from('fall')).slice(0, 12)} lie there`,
        ),
      });
    });
  });

  test('that was altered on the way is refused by the server', async () => {
    const options = { contentType: 'video/mp4', sha256: sha256(Buffer.from('sent')) };
    const failure = { failureClass: 'StorageUnavailable', message: expect.stringContaining('(BadDigest)') };
    await expect(store.putImmutable('videos/ff/altered.mp4', 'come', options)).rejects.toMatchObject(failure);
    expect(await store.head('videos/ff/altered.mp4')).toBeNull();
  });

  test('says which batch rendered it and how long that took, whoever comes second', async () => {
    const origin = originOf('6');
    const video = await putVideo(store, film('film'), origin);
    await putVideo(store, film('film'), { ...origin, batchId: 'referral/2026-11-24/1', renderMs: 9 });
    const first = { video, batchId: 'referral/2026-11-23/1', renderMs: 4_321, making: 'whole' };
    expect(await describeStored(store, origin.variantKey, 'phone-720p')).toEqual(first);
    expect(await describeStored(store, '3'.repeat(64) as VariantKey, 'phone-720p')).toBeNull();
  });

  test.each<[string, Record<string, string>]>([
    ['7', {}],
    ['8', { 'render-ms': 'soon' }],
  ])('whose render time is not known is as good as another: %s %j', async (digit, time) => {
    const origin = originOf(digit);
    const metadata = {
      rendition: 'phone-720p',
      width: '1280',
      height: '720',
      'duration-ms': '12000',
      sha256: sha256(Buffer.from('film')),
      batch: 'referral/2026-11-20/1',
      ...time,
    };
    await store.put(objectKeys.video(origin.variantKey), 'film', { contentType: 'video/mp4', metadata });
    expect(await describeStored(store, origin.variantKey, 'phone-720p')).toMatchObject({
      video: { width: 1280, durationMs: 12_000 },
      batchId: 'referral/2026-11-20/1',
      renderMs: null,
    });
  });

  test('that is not stored is null', async () => {
    expect(await headVideo(store, '3'.repeat(64) as VariantKey, 'phone-720p')).toBeNull();
  });

  test('whose bytes are not those that were checked is not stored', async () => {
    const origin = originOf('4');
    const broken = { ...film('checked'), bytes: Buffer.from('changed') };
    await expect(putVideo(store, broken, origin)).rejects.toMatchObject({ failureClass: 'OutputInvalid' });
    expect(await store.head(objectKeys.video(origin.variantKey))).toBeNull();
  });

  test('that somebody copied without its metadata is refused with what to do', async () => {
    const { variantKey } = originOf('5');
    await store.put(objectKeys.video(variantKey), 'x', { contentType: 'video/mp4' });
    await expect(headVideo(store, variantKey, 'phone-720p')).rejects.toThrow('Delete it, and it is rendered again');
  });
});

describe('documents', () => {
  const schema = z.object({ name: z.string(), count: z.int() });

  test('of many lines are written once, and an absent one is told by name', async () => {
    expect(await writeJsonLines(store, 'state/a.jsonl', [{ name: 'a', count: 1 }])).toBe('stored');
    expect(await writeJsonLines(store, 'state/a.jsonl', [{ name: 'b', count: 2 }])).toBe('exists');
    expect(await Array.fromAsync(readJsonLines(store, 'state/a.jsonl', schema))).toEqual([{ name: 'a', count: 1 }]);
    const absent = Array.fromAsync(readJsonLines(store, 'state/none.jsonl', schema));
    await expect(absent).rejects.toThrow('There is no state/none.jsonl');
  });

  test('are swapped only by who has read their latest version', async () => {
    expect(await swapJson(store, 'state/s.json', null, { name: 's', count: 1 })).toBe('stored');
    const { etag } = (await store.head('state/s.json')) ?? { etag: null };
    expect(await swapJson(store, 'state/s.json', etag, { name: 's', count: 2 })).toBe('stored');
    expect(await swapJson(store, 'state/s.json', etag, { name: 's', count: 3 })).toBe('conflict');
    expect(await store.getText('state/s.json')).toBe('{"name":"s","count":2}');
  });

  test('of many lines keep every character, line separators of Unicode included', async () => {
    const values = Array.from({ length: 5_000 }, (_, count) => ({ name: `Zoë \u2028 李雷 🎬 ${count}\n`, count }));
    await writeJsonLines(store, 'state/lines.jsonl', values);
    expect(await Array.fromAsync(readJsonLines(store, 'state/lines.jsonl', schema))).toEqual(values);
  });

  test('of no lines are there, and empty', async () => {
    await writeJsonLines(store, 'state/nolines.jsonl', []);
    expect(await Array.fromAsync(readJsonLines(store, 'state/nolines.jsonl', schema))).toEqual([]);
  });

  test.each(['{"name":', '{"name":1,"count":1}'])('of many lines name the line that is wrong: %s', async (line) => {
    await store.put('state/badlines.jsonl', `{"name":"a","count":1}\n${line}`, { contentType: 'text/plain' });
    await expect(Array.fromAsync(readJsonLines(store, 'state/badlines.jsonl', schema))).rejects.toThrow(
      'state/badlines.jsonl, line 2 is not what Nightreel writes',
    );
  });
});

test('what names people is stored without a word to caches', async () => {
  const input = await putInput(store, () => Readable.from([Buffer.from('id\nada@example.com\n')]));
  await writeJsonLines(store, 'batches/c/2026-01-05/2/rejects.jsonl', [{ recipientId: 'ada@example.com' }]);
  await store.putImmutable('batches/c/2026-01-05/2/plan.json', '{}', { contentType: 'application/json' });
  for (const key of [input, 'batches/c/2026-01-05/2/rejects.jsonl', 'batches/c/2026-01-05/2/plan.json']) {
    expect(await store.head(key)).toMatchObject({ cacheControl: null });
  }
});

test('a list of recipients given by hand is kept under the digest of its bytes', async () => {
  const key = await putInput(store, () => Readable.from([Buffer.from('id,name\n'), Buffer.from('1,Ada\n')]));
  expect(key).toBe(`inputs/${sha256(Buffer.from('id,name\n1,Ada\n'))}.csv`);
  expect(await store.getText(key)).toBe('id,name\n1,Ada\n');
});
