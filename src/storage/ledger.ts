/**
 * What everyone of a campaign was last shown, for sources that do not say what changed: one gzipped JSON line per person,
 * `[recipientId, params digest, business date, attempt]`. A ledger never changes; the campaign's state names the newest.
 */

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import { Failure } from '../contracts/failures.ts';
import { type BatchRef, type BusinessDate, objectKeys } from '../contracts/ids.ts';
import type { ObjectStore } from './object-store.ts';
import { compareBatches } from './pointers.ts';

type Order = Pick<BatchRef, 'businessDate' | 'attempt'>;

/** 32 of the 64 hex digits: enough to tell apart what one person was shown. */
const DIGEST_DIGITS = 32;
const shorten = (digest: string): string => digest.slice(0, DIGEST_DIGITS);

export class Ledger {
  /** One text per person keeps a million of them small. */
  readonly #entries: Map<string, string>;

  private constructor(entries: Map<string, string>) {
    this.#entries = entries;
  }

  /** @param key null: nobody was shown anything. */
  static async read(store: ObjectStore, key: string | null, signal?: AbortSignal): Promise<Ledger> {
    const entries = new Map<string, string>();
    if (key === null) return new Ledger(entries);
    for await (const [id, digest, businessDate, attempt] of readLedgerLines(store, key, signal)) {
      entries.set(id, `${digest} ${businessDate} ${attempt}`);
    }
    return new Ledger(entries);
  }

  get size(): number {
    return this.#entries.size;
  }

  ids(): IterableIterator<string> {
    return this.#entries.keys();
  }

  has(recipientId: string): boolean {
    return this.#entries.has(recipientId);
  }

  /** Whether this is what the person was last shown. */
  shows(recipientId: string, digest: string): boolean {
    return this.#entries.get(recipientId)?.startsWith(shorten(digest)) ?? false;
  }

  /** @param digest null: nothing any more. An entry of a newer batch stays. */
  set(recipientId: string, digest: string | null, batch: Order): void {
    const present = this.#entries.get(recipientId);
    if (present !== undefined && compareBatches(batch, orderOf(present)) < 0) return;
    if (digest === null) this.#entries.delete(recipientId);
    else this.#entries.set(recipientId, `${shorten(digest)} ${batch.businessDate} ${batch.attempt}`);
  }

  /** Takes a person out, whatever batch they are from. */
  delete(recipientId: string): void {
    this.#entries.delete(recipientId);
  }

  /** Writes it and returns its key; the same content under the same batch has the same key. */
  async write(store: ObjectStore, batch: BatchRef, signal?: AbortSignal): Promise<string> {
    return await writeLedgerLines(store, batch, this.#lines(), signal);
  }

  *#lines(): Generator<LedgerLine, void, undefined> {
    for (const [id, entry] of this.#entries) {
      const { businessDate, attempt } = orderOf(entry);
      yield [id, entry.slice(0, DIGEST_DIGITS), businessDate, attempt];
    }
  }
}

/** Somebody, what there is to say of them, and the batch of which it is true. */
export type LedgerLine = readonly [recipientId: string, what: string, businessDate: string, attempt: number];

export async function* readLedgerLines(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): AsyncGenerator<LedgerLine, void, undefined> {
  const stream = await store.getStream(key, signal);
  if (stream === null) throw new Failure('Internal', `The ledger ${key} is missing from the bucket. Was it deleted?`);
  let rest = '';
  const text = stream.pipe(createGunzip());
  stream.once('error', (error) => text.destroy(error));
  text.setEncoding('utf8');
  for await (const chunk of text) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as LedgerLine;
  }
}

/** Returns the key; the same lines under the same batch have the same. */
export async function writeLedgerLines(
  store: ObjectStore,
  batch: BatchRef,
  lines: Iterable<LedgerLine>,
  signal?: AbortSignal,
): Promise<string> {
  const text: string[] = [];
  for (const line of lines) text.push(JSON.stringify(line), '\n');
  const body = await promisify(gzip)(text.join(''));
  const key = objectKeys.ledger(batch, createHash('sha256').update(body).digest('hex').slice(0, 16));
  await store.putImmutable(key, body, { contentType: 'application/gzip' }, signal);
  return key;
}

function orderOf(entry: string): Order {
  const [, businessDate = '', attempt = ''] = entry.split(' ');
  return { businessDate: businessDate as BusinessDate, attempt: Number(attempt) };
}
