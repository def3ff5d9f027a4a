/** The last step of a batch: what became of everyone, the report, and only then the campaign's watermark. */

import { z } from 'zod';
import type { CloseBatchInput, ClosedSummary, VariantOutcome } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import { type BatchRef, batchIdOf, objectKeys, type VariantKey } from '../contracts/ids.ts';
import { carriedOverOf, readState, swapState } from '../planning/campaign-state.ts';
import { paramsDigest } from '../planning/canonical-params.ts';
import { shownDigest } from '../planning/destinations.ts';
import { type CampaignState, type PlanDocument, videosFor } from '../planning/manifest.ts';
import { unmarkOpen } from '../planning/open-batches.ts';
import { type Settlement, stateAfter, stateAfterDamage } from '../planning/window.ts';
import { readJsonLines } from '../storage/documents.ts';
import { Ledger } from '../storage/ledger.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { withdrawnPeople } from '../storage/withdrawals.ts';
import { readablePeople, readOutcomes, type SettledBatch, settleBatch, settledVariants } from './outcomes.ts';
import { type PersonResult, writeResults } from './results.ts';
import { failedBefore, nightClosedAt, type ReportDeps, readReport, writeReport } from './write-report.ts';

/** Batches of one campaign that close at the same moment are few. */
const MAX_SWAPS = 10;

export interface CloseDeps extends ReportDeps {
  /** ISO 8601 UTC. */
  readonly now: () => string;
}

/**
 * Running it again, after a crash or a backfill, gives the same result or the repaired one. Of a damaged manifest nobody knows who is on it: the
 * watermark stays where it is, so that all of what the batch read is read again.
 */
export async function closeBatch(
  deps: CloseDeps,
  { batch, wallMs, interruptions, scenes }: CloseBatchInput,
  signal: AbortSignal,
): Promise<ClosedSummary> {
  const { store, manifests, now } = deps;
  const plan = await manifests.plan(batch);
  const { state } = await readState(store, batch.campaign, signal);
  const inDebt = new Set(state.carryOver.map(({ recipientId }) => recipientId));
  // Once: whoever writes an outcome meanwhile is in the next report, and in all of it.
  const recorded = await readOutcomes(store, batch, signal);
  const books: Books = { store, manifests, plan, recorded };
  const { outcomes, notStarted, damaged, failed, delivered } = await settle(books, inDebt);
  const rejected = await rejectedPeople(store, batch, signal);

  // A backfill closes a batch that has a report already: it does not know how long the night took, and what had failed then.
  const earlier = wallMs === null ? await readReport(store, batch, signal) : null;
  const closed = {
    ...{ plan, outcomes, notStarted, damaged },
    failedBefore: failedBefore(earlier),
    interruptions: interruptions ?? earlier?.interruptions,
    scenes: scenes ?? earlier?.cost?.scenes,
    wallMs: wallMs ?? (earlier?.summary.wallSeconds ?? 0) * 1000,
    closedAt: now(),
    ...(wallMs === null && { nightClosedAt: nightClosedAt(earlier) }),
  };
  const { summary } = await writeReport(deps, closed, signal);
  if (plan.results === 'parquet') {
    await writeResults(store, batch, peopleOf(books, signal), signal);
  }
  const settlement = { owed: [...failed, ...rejected], delivered };
  if (damaged !== null) {
    await moveState(store, plan, async (state) => stateAfterDamage(state, plan, settlement), signal);
    return { ...summary, damaged };
  }
  const carriedOver = await carriedOverOf(store, plan, signal);
  const next = async (state: CampaignState): Promise<CampaignState> => ({
    ...stateAfter(state, { ...plan, carriedOver }, settlement),
    ledger: await nextLedger(books, state.ledger, signal),
  });
  await moveState(store, plan, next, signal);
  // Only now: until the ledger says what its people are shown, every plan asks.
  for (const settled of [batch, ...plan.settles]) await unmarkOpen(store, settled, signal);
  return summary;
}

/** What a batch is judged by. */
interface Books extends Pick<CloseDeps, 'store' | 'manifests'> {
  readonly plan: PlanDocument;
  readonly recorded: ReadonlyMap<VariantKey, VariantOutcome>;
}

type Owed = Settlement['owed'][number];

/** Every variant of the manifest with its outcome; who has no video now; who of those `inDebt` has one. */
async function settle(
  { manifests, plan, recorded }: Books,
  inDebt: ReadonlySet<string>,
): Promise<SettledBatch & { failed: Owed[]; delivered: Set<string> }> {
  const failed: Owed[] = [];
  const delivered = new Set<string>();
  const settled = await settleBatch(manifests, plan, recorded, async ({ variant, outcome }, onDamaged) => {
    // Only then does it matter who they are; a ledger names them all.
    if (outcome.outcome !== 'failed' && inDebt.size === 0 && plan.strategy !== 'snapshot') return;
    for await (const recipientId of readablePeople(manifests.recipientsOf(plan.batch, variant), onDamaged)) {
      if (outcome.outcome === 'failed') failed.push({ recipientId, reason: outcome.failureClass });
      else if (inDebt.has(recipientId)) delivered.add(recipientId);
    }
  });
  return { ...settled, failed, delivered };
}

/** A line of rejects.jsonl, as far as it is needed here. */
export const rejectLine = z.object({ recipientId: z.string().nullable(), reason: z.string() });

/** People whose row was rejected are owed a video, too: the next plan looks at their row again. */
async function rejectedPeople(store: ObjectStore, batch: BatchRef, signal: AbortSignal): Promise<Owed[]> {
  const people: Owed[] = [];
  for await (const { recipientId } of readJsonLines(store, objectKeys.rejects(batch), rejectLine, signal)) {
    if (recipientId !== null) people.push({ recipientId, reason: 'rejected' });
  }
  return people;
}

/** Of a source that is read whole: what everyone has been shown, with what this batch delivered and took back. */
async function nextLedger(
  { store, manifests, plan, recorded }: Books,
  previous: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  if (plan.strategy !== 'snapshot' || plan.csvKey !== null) return previous;
  const ledger = await Ledger.read(store, previous, signal);
  for await (const { variant, outcome } of settledVariants(manifests, plan, recorded)) {
    if (outcome.outcome === 'failed') continue;
    const digest = paramsDigest(variant.params);
    for await (const { recipientId, destination } of manifests.sharersOf(plan.batch, variant)) {
      const renditions = destination === null ? null : (plan.destinations?.[destination] ?? null);
      ledger.set(recipientId, shownDigest(digest, renditions), plan.batch);
    }
  }
  for (const recipientId of await withdrawnPeople(store, plan.batch, signal)) ledger.set(recipientId, null, plan.batch);
  return await ledger.write(store, plan.batch, signal);
}

/** Everyone of the batch who can be read, as other systems may want to know. */
async function* peopleOf(
  { store, manifests, plan, recorded }: Books,
  signal: AbortSignal,
): AsyncGenerator<PersonResult, void, undefined> {
  const { batch } = plan;
  const onDamaged = (): void => undefined;
  for await (const { variant, outcome } of settledVariants(manifests, plan, recorded, { onDamaged })) {
    const status = outcome.outcome;
    const reason = status === 'failed' ? outcome.failureClass : null;
    for await (const { recipientId, destination } of readablePeople(manifests.sharersOf(batch, variant))) {
      const [{ key: variantKey }] = videosFor(plan, variant, destination);
      const url = status === 'failed' ? null : store.url(objectKeys.video(variantKey), plan.publicUrl);
      yield { recipientId, status, reason, url, variantKey };
    }
  }
  const none = { url: null, variantKey: null };
  for await (const { recipientId, reason } of readJsonLines(store, objectKeys.rejects(batch), rejectLine, signal)) {
    if (recipientId !== null) yield { recipientId, status: 'rejected', reason, ...none };
  }
  for (const recipientId of await withdrawnPeople(store, batch, signal)) {
    yield { recipientId, status: 'withdrawn', reason: null, ...none };
  }
}

async function moveState(
  store: ObjectStore,
  plan: PlanDocument,
  change: (state: CampaignState) => Promise<CampaignState>,
  signal: AbortSignal,
): Promise<void> {
  const { campaign } = plan.batch;
  for (let attempt = 1; attempt <= MAX_SWAPS; attempt += 1) {
    const { state, etag } = await readState(store, campaign, signal);
    if ((await swapState(store, plan.batch, etag, await change(state), signal)) === 'stored') return;
  }
  throw new Failure(
    'StorageUnavailable',
    `The state of campaign ${campaign} was changed by others ${MAX_SWAPS} times while batch ${batchIdOf(plan.batch)} closed.`,
  );
}
