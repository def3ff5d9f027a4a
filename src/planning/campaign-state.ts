/**
 * What a campaign remembers from night to night: watermark, who is owed a video, the last batch. One object, swapped as a whole; very many who
 * are owed something stand in a ledger of their own, which it names.
 */

import { z } from 'zod';
import { type BatchRef, type CampaignId, objectKeys } from '../contracts/ids.ts';
import { putJsonLines, readJsonLines, swapJson } from '../storage/documents.ts';
import { readLedgerLines, writeLedgerLines } from '../storage/ledger.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import {
  type CampaignState,
  type CarryOver,
  carryOver as carryOverEntry,
  NEW_CAMPAIGN,
  type PlanDocument,
  parseStoredState,
} from './manifest.ts';

/** People who are written out in the state, or in a plan, at some 90 bytes each. */
export const MOST_INLINE = 1_000;

/** The campaign's state with the etag to swap it by; a new campaign's when it has never closed a batch. */
export async function readState(
  store: ObjectStore,
  campaign: CampaignId,
  signal?: AbortSignal,
): Promise<{
  readonly state: CampaignState;
  readonly etag: string | null;
  /** The ledger of those who are owed a video; null: they are in the state itself. */
  readonly owedKey: string | null;
}> {
  const key = objectKeys.state(campaign);
  const found = await store.get(key, signal);
  if (found === null) return { state: NEW_CAMPAIGN, etag: null, owedKey: null };
  const { carryOver, ...rest } = parseStoredState(found.body.toString('utf8'), key);
  if (typeof carryOver !== 'string') return { state: { ...rest, carryOver }, etag: found.etag, owedKey: null };
  return {
    state: { ...rest, carryOver: await readOwed(store, carryOver, signal) },
    etag: found.etag,
    owedKey: carryOver,
  };
}

/**
 * Takes the place of the state with this etag (null: there was none). A program of before such ledgers finds a key where it looks for people,
 * and fails instead of forgetting them.
 * @param batch whose doing it is.
 */
export async function swapState(
  store: ObjectStore,
  batch: BatchRef,
  etag: string | null,
  state: CampaignState,
  signal?: AbortSignal,
): Promise<'stored' | 'conflict'> {
  const { carryOver } = state;
  const owed =
    carryOver.length <= MOST_INLINE ? carryOver : await writeLedgerLines(store, batch, linesOf(carryOver), signal);
  return await swapJson(store, objectKeys.state(batch.campaign), etag, { ...state, carryOver: owed }, signal);
}

function* linesOf(carryOver: readonly CarryOver[]) {
  for (const { recipientId, reason, businessDate, attempt } of carryOver) {
    yield [recipientId, reason, businessDate, attempt] as const;
  }
}

async function readOwed(store: ObjectStore, key: string, signal?: AbortSignal): Promise<CarryOver[]> {
  const owed: CarryOver[] = [];
  for await (const [recipientId, reason, businessDate, attempt] of readLedgerLines(store, key, signal)) {
    owed.push(carryOverEntry.parse({ recipientId, reason, businessDate, attempt }));
  }
  return owed;
}

const personLine = z.object({ recipientId: z.string() });

/** For a plan: whom of the carry-over it looked up. Every process that renders reads the plan, so it names a few at most. */
export async function noteCarriedOver(
  store: ObjectStore,
  batch: BatchRef,
  carriedOver: readonly string[],
  signal: AbortSignal,
): Promise<Pick<PlanDocument, 'carriedOver' | 'carriedOverApart'>> {
  if (carriedOver.length <= MOST_INLINE) return { carriedOver: [...carriedOver] };
  const lines = carriedOver.map((recipientId) => ({ recipientId }));
  await putJsonLines(store, objectKeys.carriedOver(batch), lines, signal);
  return { carriedOver: [], carriedOverApart: true };
}

/** The same, as the plan noted it. */
export async function carriedOverOf(
  store: ObjectStore,
  { batch, carriedOver, carriedOverApart }: Pick<PlanDocument, 'batch' | 'carriedOver' | 'carriedOverApart'>,
  signal?: AbortSignal,
): Promise<string[]> {
  if (carriedOverApart !== true) return [...carriedOver];
  const lines = await Array.fromAsync(readJsonLines(store, objectKeys.carriedOver(batch), personLine, signal));
  return lines.map(({ recipientId }) => recipientId);
}
