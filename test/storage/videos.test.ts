import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { objectKeys, type VariantKey } from '../../src/contracts/ids.ts';
import {
  readJson,
  readJsonLines,
  requireJson,
  swapJson,
  writeJsonImmutable,
  writeJsonLines,
} from '../../src/storage/documents.ts';
import { putInput } from '../../src/storage/inputs.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { headVideo, putVideo } from '../../src/storage/videos.ts';
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
});
const film = (text: string) => {
  const bytes = Buffer.from(text);
  return { bytes, poster: Buffer.from('jpeg'), width: 1280, height: 720, durationMs: 12_000, sha256: sha256(bytes) };
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
      metadata: { batch: 'referral/2026-11-23/1', engine: 'e'.repeat(64), template: 'd'.repeat(64) },
    });
    expect(await store.head(objectKeys.poster(origin.variantKey))).toMatchObject({ contentType: 'image/jpeg' });
  });

  test('of the worker that came second is dropped for the one that is there', async () => {
    const origin = originOf('2');
    const first = await putVideo(store, film('first'), origin);
    expect(await putVideo(store, film('second!'), origin)).toEqual(first);
    expect(await store.getText(objectKeys.video(origin.variantKey))).toBe('first');
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

  test('come back as they were written, and the first version of an immutable one stays', async () => {
    expect(await writeJsonImmutable(store, 'state/a.json', { name: 'a', count: 1 })).toBe('stored');
    expect(await writeJsonImmutable(store, 'state/a.json', { name: 'b', count: 2 })).toBe('exists');
    expect(await requireJson(store, 'state/a.json', schema)).toEqual({ name: 'a', count: 1 });
    expect(await readJson(store, 'state/none.json', schema)).toBeNull();
    await expect(requireJson(store, 'state/none.json', schema)).rejects.toThrow('There is no state/none.json');
  });

  test('are swapped only by who has read their latest version', async () => {
    expect(await swapJson(store, 'state/s.json', null, { name: 's', count: 1 })).toBe('stored');
    const read = await readJson(store, 'state/s.json', schema);
    expect(await swapJson(store, 'state/s.json', read?.etag ?? null, { name: 's', count: 2 })).toBe('stored');
    expect(await swapJson(store, 'state/s.json', read?.etag ?? null, { name: 's', count: 3 })).toBe('conflict');
  });

  test('that do not fit their schema are refused by name', async () => {
    await store.put('state/bad.json', '{"name":1}', { contentType: 'application/json' });
    await expect(readJson(store, 'state/bad.json', schema)).rejects.toThrow(
      'state/bad.json is not what Nightreel writes',
    );
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

  test('of many lines name the line that does not parse', async () => {
    await store.put('state/badlines.jsonl', '{"name":"a","count":1}\n{"name":', { contentType: 'text/plain' });
    await expect(Array.fromAsync(readJsonLines(store, 'state/badlines.jsonl', schema))).rejects.toThrow(
      'state/badlines.jsonl, line 2',
    );
  });
});

test('a list of recipients given by hand is kept under the digest of its bytes', async () => {
  const key = await putInput(store, () => Readable.from([Buffer.from('id,name\n'), Buffer.from('1,Ada\n')]));
  expect(key).toBe(`inputs/${sha256(Buffer.from('id,name\n1,Ada\n'))}.csv`);
  expect(await store.getText(key)).toBe('id,name\n1,Ada\n');
});
