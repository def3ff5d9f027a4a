/** What became of each variant: pages of JSON Lines that lanes and backfills write, read back as one view of the batch. */

import { z } from 'zod';
import type { FailedSlot, RecordOutcomesInput, VariantOutcome } from '../contracts/batch.ts';
import { FAILURES, type FailureClass, isFailureClass } from '../contracts/failures.ts';
import { type BatchRef, isVariantKey, objectKeys, type VariantKey } from '../contracts/ids.ts';
import { readJsonLines, writeJsonLines } from '../storage/documents.ts';
import type { ObjectStore } from '../storage/object-store.ts';

const slot = {
  page: z.int().min(1),
  index: z.int().min(0),
  key: z.string().refine(isVariantKey),
};

const outcomeSchema: z.ZodType<VariantOutcome> = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('rendered'), ...slot, renderMs: z.int(), pointers: z.int() }),
  z.object({ outcome: z.literal('cached'), ...slot, renderMs: z.int(), pointers: z.int() }),
  z.object({
    outcome: z.literal('failed'),
    ...slot,
    failureClass: z.custom<FailureClass>(isFailureClass, `must be one of ${Object.keys(FAILURES).join(', ')}`),
    message: z.string(),
  }),
]);

/** Writes a page once; a retried activity finds it there. */
export async function recordOutcomes(
  store: ObjectStore,
  { batch, writer, page, outcomes }: RecordOutcomesInput,
  signal?: AbortSignal,
): Promise<'stored' | 'exists'> {
  return await writeJsonLines(store, objectKeys.outcomePage(batch, writer, page), outcomes, signal);
}

/**
 * The outcome of every variant that has one, in manifest order. A variant may have several, from a lane and from
 * backfills: once its video is stored it stays stored, so success counts whatever stands beside it.
 */
export async function readOutcomes(
  store: ObjectStore,
  batch: BatchRef,
  signal?: AbortSignal,
): Promise<VariantOutcome[]> {
  const byKey = new Map<VariantKey, VariantOutcome>();
  for await (const { key } of store.list(objectKeys.outcomes(batch), signal)) {
    for await (const outcome of readJsonLines(store, key, outcomeSchema, signal)) {
      const known = byKey.get(outcome.key);
      if (known === undefined || known.outcome === 'failed') byKey.set(outcome.key, outcome);
    }
  }
  return [...byKey.values()].sort((a, b) => a.page - b.page || a.index - b.index);
}

/** The variants that failed and were not repaired since, in manifest order. */
export async function failedSlots(store: ObjectStore, batch: BatchRef, signal?: AbortSignal): Promise<FailedSlot[]> {
  const outcomes = await readOutcomes(store, batch, signal);
  return outcomes.filter(({ outcome }) => outcome === 'failed').map(({ page, index, key }) => ({ page, index, key }));
}
