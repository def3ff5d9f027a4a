/** JSON and JSON Lines documents in the bucket. What is read is parsed with the caller's schema, always. */

import type { z } from 'zod';
import { Failure } from '../contracts/failures.ts';
import { refuseLater } from './format-version.ts';
import type { ObjectStore } from './object-store.ts';
import { storageFailure } from './storage-failure.ts';

const JSON_TYPE = 'application/json';
const LINES_TYPE = 'application/x-ndjson';

/** Replaces the document of version `previousEtag` (null: creates it). */
export async function swapJson(
  store: ObjectStore,
  key: string,
  previousEtag: string | null,
  value: unknown,
  signal?: AbortSignal,
): Promise<'stored' | 'conflict'> {
  return await store.compareAndSwap(key, previousEtag, JSON.stringify(value), { contentType: JSON_TYPE }, signal);
}

/** Writes one value per line, once: the page never changes afterwards. */
export async function writeJsonLines(
  store: ObjectStore,
  key: string,
  values: Iterable<unknown> | AsyncIterable<unknown>,
  signal?: AbortSignal,
): Promise<'stored' | 'exists'> {
  return await store.putImmutable(key, await linesFrom(values), { contentType: LINES_TYPE }, signal);
}

/** Writes one value per line, over what may be there. */
export async function putJsonLines(
  store: ObjectStore,
  key: string,
  values: Iterable<unknown> | AsyncIterable<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  await store.put(key, await linesFrom(values), { contentType: LINES_TYPE }, signal);
}

async function linesFrom(values: Iterable<unknown> | AsyncIterable<unknown>): Promise<string> {
  const lines: string[] = [];
  for await (const value of values) lines.push(`${JSON.stringify(value)}\n`);
  return lines.join('');
}

/** The values of a JSON Lines document as they come. Throws when the document is absent or a line does not parse. */
export async function* readJsonLines<T>(
  store: ObjectStore,
  key: string,
  schema: z.ZodType<T>,
  signal?: AbortSignal,
): AsyncGenerator<T> {
  const stream = await store.getStream(key, signal);
  if (stream === null)
    throw new Failure('Internal', `There is no ${key} in bucket ${store.bucket}, and there should be. Was it deleted?`);
  let number = 0;
  try {
    for await (const line of linesOf(stream)) {
      number += 1;
      yield parseText(line, schema, `${key}, line ${number}`);
    }
  } catch (error) {
    throw storageFailure(
      error,
      { operation: 'GetObject', key, bucket: store.bucket, endpoint: store.endpoint },
      signal,
    );
  }
}

/** Splits at line feeds only: `readline` would also split at U+2028, which JSON strings may hold. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

function parseText<T>(text: string, schema: z.ZodType<T>, where: string): T {
  try {
    const json: unknown = JSON.parse(text);
    refuseLater(json, where);
    return schema.parse(json);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      'Internal',
      `${where} is not what Nightreel writes there: it was changed, or another version wrote it.`,
      {
        cause: error,
      },
    );
  }
}
