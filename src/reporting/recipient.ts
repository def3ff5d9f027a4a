/** What a recipient is shown now, what became of them in a batch, and whether a video is owed: for when somebody complains. */

import type { VariantOutcome } from '../contracts/batch.ts';
import type { Failure } from '../contracts/failures.ts';
import { type BatchRef, batchIdOf, type CampaignId, objectKeys, type VariantKey } from '../contracts/ids.ts';
import { latestBatch } from '../planning/batches.ts';
import { readState } from '../planning/campaign-state.ts';
import { type CarryOver, videosFor } from '../planning/manifest.ts';
import type { ManifestReader } from '../planning/manifest-reader.ts';
import { readJsonLines } from '../storage/documents.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { pointerKey } from '../storage/pointer-keys.ts';
import { compareBatches, type NeutralPointer, type Pointer, readPointer } from '../storage/pointers.ts';
import { withdrawnPeople } from '../storage/withdrawals.ts';
import { rejectLine } from './close-batch.ts';
import { readOutcomes, settledVariants } from './outcomes.ts';

export interface RecipientQuestion {
  readonly campaign: CampaignId;
  /** The campaign's key pattern. */
  readonly pointerKey: string;
  readonly recipientId: string;
  /** Null: the newest of the batches that the pointer and the debt name, else the newest that closed. */
  readonly batch: BatchRef | null;
}

/** What became of somebody in one batch. */
export type RecipientOutcome =
  | { readonly outcome: 'rendered' | 'cached'; readonly variantKey: VariantKey }
  | { readonly outcome: 'failed'; readonly variantKey: VariantKey; readonly reason: string; readonly message: string }
  | { readonly outcome: 'rejected'; readonly reason: string }
  | { readonly outcome: 'withdrawn' | 'absent' };

export interface RecipientStatus {
  readonly recipientId: string;
  readonly campaign: CampaignId;
  readonly pointer: { readonly key: string; readonly content: Pointer | NeutralPointer | null };
  /** Null: the campaign has no batch yet. */
  readonly batch: (RecipientOutcome & { readonly batchId: string }) | null;
  readonly owed: CarryOver | null;
}

export async function recipientStatus(
  deps: { readonly store: ObjectStore; readonly manifests: ManifestReader },
  { campaign, pointerKey: pattern, recipientId, batch: asked }: RecipientQuestion,
  signal?: AbortSignal,
): Promise<RecipientStatus> {
  const key = pointerKey(pattern, campaign, recipientId);
  const content = await readPointer(deps.store, key, signal);
  const { state } = await readState(deps.store, campaign, signal);
  const owed = state.carryOver.find((entry) => entry.recipientId === recipientId) ?? null;
  const named = [content, owed]
    .filter((one) => one !== null)
    // Campaigns may share pointers: another's batch says nothing of this one.
    .filter((one) => !('campaign' in one) || one.campaign === campaign)
    .sort(compareBatches)
    .map(({ businessDate, attempt }) => ({ campaign, businessDate, attempt }) as BatchRef);
  const batch = asked ?? named.at(-1) ?? (await latestBatch(deps.store, campaign));
  return {
    recipientId,
    campaign,
    pointer: { key, content },
    batch: batch && { batchId: batchIdOf(batch), ...(await outcomeIn(deps, batch, recipientId, signal)) },
    owed,
  };
}

async function outcomeIn(
  { store, manifests }: { readonly store: ObjectStore; readonly manifests: ManifestReader },
  batch: BatchRef,
  recipientId: string,
  signal?: AbortSignal,
): Promise<RecipientOutcome> {
  const plan = await manifests.plan(batch);
  const recorded = await readOutcomes(store, batch, signal);
  let unreadable: Failure | null = null;
  const onDamaged = (failure: Failure): void => {
    unreadable ??= failure;
  };
  for await (const { variant, outcome } of settledVariants(manifests, plan, recorded, { onDamaged })) {
    for (let part = 0; part < manifests.partsOf(variant); part += 1) {
      const sharers = await manifests.sharersOfPart(batch, variant, part);
      const found = sharers.find((sharer) => sharer.recipientId === recipientId);
      if (found === undefined) continue;
      const [{ key }] = videosFor(plan, variant, found.destination);
      return told(outcome, key);
    }
  }
  for await (const line of readJsonLines(store, objectKeys.rejects(batch), rejectLine, signal)) {
    if (line.recipientId === recipientId) return { outcome: 'rejected', reason: line.reason };
  }
  const isWithdrawn = (await withdrawnPeople(store, batch, signal)).includes(recipientId);
  if (isWithdrawn) return { outcome: 'withdrawn' };
  // They may stand there.
  if (unreadable !== null) throw unreadable;
  return { outcome: 'absent' };
}

/** @param variantKey of the video that is theirs. */
function told(outcome: VariantOutcome, variantKey: VariantKey): RecipientOutcome {
  if (outcome.outcome !== 'failed') return { outcome: outcome.outcome, variantKey };
  const { failureClass: reason, message } = outcome;
  return { outcome: 'failed', variantKey, reason, message };
}
