/**
 * What was posted of a batch: an object per channel, written under a condition, so that a batch that closes twice is posted once. Posting
 * is between two writes. A process that dies there leaves a claim of which nobody knows whether it was posted, just as an answer that
 * never comes: that is `unknown`, and from there only a person posts it again.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { swapJson } from '../../storage/documents.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { NotTaken } from './webhooks.ts';

/** How long a claim holds beyond the time that the other side has to answer. */
export const SETTLED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 250;

const entrySchema = z.object({
  /** `claimed`: somebody is posting it. `failed`: surely it did not arrive. `unknown`: it was sent, and nobody knows what became of it. */
  state: z.enum(['claimed', 'posted', 'failed', 'unknown']),
  /** Whose claim it is or was. */
  by: z.string(),
  /** ISO 8601 UTC. */
  at: z.iso.datetime(),
  /** Of a claim: when it ends. */
  until: z.iso.datetime().optional(),
  /** Of one that failed or is unknown: why. */
  why: z.string().optional(),
});
export type Entry = Readonly<z.infer<typeof entrySchema>>;

export interface OutboxDeps {
  readonly store: ObjectStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Claim {
  readonly key: string;
  readonly by: string;
  /** What was there before. */
  readonly before: Entry | null;
}

export interface ClaimRequest {
  readonly key: string;
  /** Whatever was posted or is being posted: a person wants it. */
  readonly again: boolean;
  readonly leaseMs: number;
}

/** Takes the right to post; else what is there, `posted` or `unknown`. Waits for somebody who is posting, no longer than their lease. */
export async function claim(
  { store, now }: OutboxDeps,
  { key, again, leaseMs }: ClaimRequest,
  signal: AbortSignal,
): Promise<Claim | Entry> {
  const by = randomUUID();
  let seen = { etag: null as string | null, atMs: performance.now() };
  let before: Entry | null = null;
  while (true) {
    const { entry, etag } = await read(store, key, signal);
    // Its own write was stored, and the answer lost.
    if (entry?.by === by) return { key, by, before };
    if (!again && (entry?.state === 'posted' || entry?.state === 'unknown')) return entry;
    if (!again && entry?.state === 'claimed') {
      if (seen.etag !== etag) seen = { etag, atMs: performance.now() };
      const untilMs = Date.parse(entry.until ?? entry.at);
      const leftMs = untilMs - now();
      // Seen for so long it has ended, whatever the other's clock says.
      if (leftMs > 0 && performance.now() - seen.atMs < untilMs - Date.parse(entry.at)) {
        await sleep(Math.min(leftMs, LOOK_EVERY_MS), undefined, { signal });
        continue;
      }
      const left: Entry = { state: 'unknown', by: entry.by, at: entry.at, why: 'whoever was posting it said no more' };
      await swapJson(store, key, etag, left, signal);
      continue;
    }
    const [at, until] = [now(), now() + leaseMs].map((ms) => new Date(ms).toISOString());
    before = entry;
    if ((await swapJson(store, key, etag, { state: 'claimed', by, at, until }, signal)) === 'stored') {
      return { key, by, before };
    }
  }
}

/** Writes down what became of it, also after the claim has ended, unless somebody else has claimed it since. */
export async function settle(
  { store, now }: OutboxDeps,
  { key, by, before }: Claim,
  notTaken: Pick<NotTaken, 'why' | 'arrived'> | null,
  signal: AbortSignal,
): Promise<void> {
  const at = new Date(now()).toISOString();
  while (true) {
    const { entry, etag } = await read(store, key, signal);
    if (entry?.by !== by || !(entry.state === 'claimed' || entry.state === 'unknown')) return;
    if ((await swapJson(store, key, etag, settled(), signal)) === 'stored') return;
  }

  function settled(): Entry {
    if (notTaken === null) return { state: 'posted', by, at };
    const { why, arrived } = notTaken;
    // Of what may have arrived before, this says nothing.
    if (before?.state === 'posted') return before;
    if (arrived === 'no' && (before?.state === 'claimed' || before?.state === 'unknown')) return before;
    return { state: arrived === 'no' ? 'failed' : 'unknown', by, at, why };
  }
}

/** Writes down what needed no webhook: the log has it. */
export async function markTold({ store, now }: OutboxDeps, key: string, signal: AbortSignal): Promise<void> {
  const entry: Entry = { state: 'posted', by: randomUUID(), at: new Date(now()).toISOString() };
  await store.put(key, JSON.stringify(entry), { contentType: 'application/json' }, signal);
}

/** Whether what is written down there says that it surely arrived. */
export async function wasTold(store: ObjectStore, key: string, signal: AbortSignal): Promise<boolean> {
  return (await entryOf(store, key, signal))?.state === 'posted';
}

/** What is written down of a channel; null: nothing. */
export async function entryOf(store: ObjectStore, key: string, signal: AbortSignal): Promise<Entry | null> {
  return (await read(store, key, signal)).entry;
}

/** A damaged one counts as none. */
async function read(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): Promise<{ readonly entry: Entry | null; readonly etag: string | null }> {
  const found = await store.get(key, signal);
  if (found === null) return { entry: null, etag: null };
  try {
    return { entry: entrySchema.parse(JSON.parse(found.body.toString('utf8'))), etag: found.etag };
  } catch {
    return { entry: null, etag: found.etag };
  }
}
