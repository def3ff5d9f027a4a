/**
 * What was posted of a batch: an object per channel, written under a condition, so that a batch that closes twice is posted once. Posting
 * is between two writes, so a process that dies there leaves a claim of which nobody knows whether it was posted: after a while it is
 * posted again. Twice is a nuisance; a morning without a digest looks like a night without a batch.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { swapJson } from '../../storage/documents.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { DELIVERED_WITHIN_MS } from './webhooks.ts';

/** Longer than its holder can need; shorter than Temporal takes to notice that a worker is gone. */
export const LEASE_MS = DELIVERED_WITHIN_MS + 3_500;
const LOOK_EVERY_MS = 250;

const entrySchema = z.object({
  state: z.enum(['claimed', 'posted', 'failed']),
  /** Whose claim it is or was. */
  by: z.string(),
  /** ISO 8601 UTC. */
  at: z.iso.datetime(),
  /** Of one that failed: why. */
  why: z.string().optional(),
});
type Entry = z.infer<typeof entrySchema>;

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

/**
 * Takes the right to post; null when it was posted. Waits for somebody who is posting, no longer than their lease.
 * @param again whatever was posted or is being posted: a person wants it.
 */
export async function claim(
  { store, now }: OutboxDeps,
  { key, again }: { readonly key: string; readonly again: boolean },
  signal: AbortSignal,
): Promise<Claim | null> {
  const by = randomUUID();
  let seen = { etag: null as string | null, atMs: performance.now() };
  while (true) {
    const { entry, etag } = await read(store, key, signal);
    if (!again && entry?.state === 'posted') return null;
    if (seen.etag !== etag) seen = { etag, atMs: performance.now() };
    const leftMs = entry?.state === 'claimed' ? Date.parse(entry.at) + LEASE_MS - now() : 0;
    // Seen for so long it has ended, whatever the other's clock says.
    if (!again && leftMs > 0 && performance.now() - seen.atMs < LEASE_MS) {
      await sleep(Math.min(leftMs, LOOK_EVERY_MS), undefined, { signal });
      continue;
    }
    const claimed: Entry = { state: 'claimed', by, at: new Date(now()).toISOString() };
    if ((await swapJson(store, key, etag, claimed, signal)) === 'stored') return { key, by, before: entry };
  }
}

/** Writes down what became of it, unless somebody else has claimed it since. */
export async function settle(
  { store, now }: OutboxDeps,
  { key, by, before }: Claim,
  why: string | null,
  signal: AbortSignal,
): Promise<void> {
  const { entry, etag } = await read(store, key, signal);
  if (entry?.by !== by || entry.state !== 'claimed') return;
  const at = new Date(now()).toISOString();
  const failed: Entry = before?.state === 'posted' ? before : { state: 'failed', by, at, why: why ?? '' };
  await swapJson(store, key, etag, why === null ? { state: 'posted', by, at } : failed, signal);
}

/** Writes down what needed no webhook: the log has it. */
export async function markTold({ store, now }: OutboxDeps, key: string, signal: AbortSignal): Promise<void> {
  const entry: Entry = { state: 'posted', by: randomUUID(), at: new Date(now()).toISOString() };
  await store.put(key, JSON.stringify(entry), { contentType: 'application/json' }, signal);
}

/** Whether what is written down there says that it surely arrived. */
export async function wasTold(store: ObjectStore, key: string, signal: AbortSignal): Promise<boolean> {
  const { entry } = await read(store, key, signal);
  return entry?.state === 'posted';
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
