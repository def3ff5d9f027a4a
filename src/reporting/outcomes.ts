/** What became of each variant: pages of JSON Lines that lanes and backfills write, read back as one view of the batch. */

import { pMapIterable } from 'p-map';
import { z } from 'zod';
import {
  type DamagedManifest,
  type FailedSlot,
  type ListFailedInput,
  RENDER_STAGES,
  type RecordOutcomesInput,
  type VariantOutcome,
} from '../contracts/batch.ts';
import { FAILURES, Failure, type FailureClass, isFailureClass } from '../contracts/failures.ts';
import { type BatchRef, batchIdOf, isVariantKey, objectKeys, type VariantKey } from '../contracts/ids.ts';
import { type ManifestVariant, type PlanDocument, videosOf } from '../planning/manifest.ts';
import type { ManifestReader } from '../planning/manifest-reader.ts';
import { readJsonLines, writeJsonLines } from '../storage/documents.ts';
import { readVariantList } from '../storage/inputs.ts';
import type { ObjectStore } from '../storage/object-store.ts';

const slot = {
  page: z.int().min(1),
  index: z.int().min(0),
  key: z.string().refine(isVariantKey),
};

const measuresSchema = z.object({
  stages: z.partialRecord(z.enum(RENDER_STAGES), z.int()),
  cpuMs: z.int().exactOptional(),
  frames: z.int(),
  bytes: z.int(),
  videos: z.int().min(1).exactOptional(),
  endedAt: z.int(),
  worker: z.string().exactOptional(),
});
const stored = { ...slot, renderMs: z.int(), pointers: z.int(), measures: measuresSchema.exactOptional() };

const outcomeSchema: z.ZodType<VariantOutcome> = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('rendered'), ...stored }),
  z.object({ outcome: z.literal('cached'), ...stored }),
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

/** Outcome pages and manifest pages that are read ahead, in order: a large night has thousands of each. */
const READ_AHEAD = 8;

/**
 * The outcome of every variant that has one. A variant may have several, from a lane and from backfills: once its video is
 * stored it stays stored, so success counts whatever stands beside it.
 */
export async function readOutcomes(
  store: ObjectStore,
  batch: BatchRef,
  signal?: AbortSignal,
): Promise<Map<VariantKey, VariantOutcome>> {
  const byKey = new Map<VariantKey, VariantOutcome>();
  const pages = pMapIterable(
    store.list(objectKeys.outcomes(batch), signal),
    ({ key }) => Array.fromAsync(readJsonLines(store, key, outcomeSchema, signal)),
    { concurrency: READ_AHEAD },
  );
  for await (const page of pages) {
    for (const outcome of page) {
      const known = byKey.get(outcome.key);
      if (known === undefined || known.outcome === 'failed') byKey.set(outcome.key, outcome);
    }
  }
  return byKey;
}

export interface SettledVariant {
  readonly variant: ManifestVariant;
  readonly outcome: VariantOutcome;
  /** False: no outcome was recorded. */
  readonly isStarted: boolean;
}

interface SettledOptions {
  /** The page to begin at. */
  readonly from?: number;
  /** Takes a page that cannot be read, and those behind it still come; absent: that fails. */
  readonly onDamaged?: (failure: Failure, page: number) => void;
}

/**
 * Every variant of the manifest with its outcome, in order; one without any (the batch was stopped before its turn, or its lane stopped at a
 * damaged page) counts as failed.
 * @param recorded as `readOutcomes` gives them.
 */
export async function* settledVariants(
  manifests: ManifestReader,
  { batch, pages, lanes }: Pick<PlanDocument, 'batch' | 'pages' | 'lanes'>,
  recorded: ReadonlyMap<VariantKey, VariantOutcome>,
  { from = 1, onDamaged }: SettledOptions = {},
): AsyncGenerator<SettledVariant> {
  const numbers = Array.from({ length: Math.max(0, pages - from + 1) }, (_, at) => from + at);
  const read = pMapIterable(
    numbers,
    async (page) => {
      try {
        return { page, variants: (await manifests.page(batch, page)).variants, failure: null };
      } catch (error) {
        if (onDamaged === undefined || !isDamage(error)) throw error;
        return { page, variants: [], failure: error };
      }
    },
    { concurrency: READ_AHEAD },
  );
  const stopped = new Set<number>();
  for await (const { page, variants, failure } of read) {
    const lane = page % lanes.count;
    if (failure !== null) {
      stopped.add(lane);
      onDamaged?.(failure, page);
    }
    const neverStarted = stopped.has(lane) ? LANE_STOPPED : BATCH_STOPPED;
    for (const variant of variants) {
      const { index, key } = variant;
      const known = recorded.get(key);
      const isStarted = known !== undefined;
      yield { variant, isStarted, outcome: known ?? { outcome: 'failed', page, index, key, ...neverStarted } };
    }
  }
}

const BATCH_STOPPED = {
  failureClass: 'Cancelled',
  message: 'It was never started: the batch was stopped before.',
} as const;
const LANE_STOPPED = {
  failureClass: 'ManifestDamaged',
  message: 'It was never started: its lane stopped at a damaged page before.',
} as const;

const isDamage = (error: unknown): error is Failure =>
  error instanceof Failure && error.failureClass === 'ManifestDamaged';

/** Of these people all that can be read. */
export async function* readablePeople<T>(
  people: AsyncIterable<T>,
  onDamaged: (failure: Failure) => void = () => undefined,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* people;
  } catch (error) {
    if (!isDamage(error)) throw error;
    onDamaged(error);
  }
}

export interface SettledBatch {
  /** One per variant that is known by name. */
  readonly outcomes: readonly VariantOutcome[];
  /** Of all variants, those that nobody recorded. */
  readonly notStarted: number;
  readonly damaged: DamagedManifest | null;
}

/** Damaged pages that are told by name. */
const MAX_NAMED = 5;

/**
 * What a batch came to. A page that cannot be read keeps nobody from the rest: of its variants those count by name that were settled before it
 * was damaged, the others by number.
 * @param each told of every variant on a page that can be read; it tells what it cannot read of the variant's people.
 */
export async function settleBatch(
  manifests: ManifestReader,
  plan: PlanDocument,
  recorded: ReadonlyMap<VariantKey, VariantOutcome>,
  each: (settled: SettledVariant, onDamaged: (failure: Failure) => void) => Promise<void> = async () => undefined,
): Promise<SettledBatch> {
  const outcomes: VariantOutcome[] = [];
  const why: string[] = [];
  const lost = new Set<number>();
  let notStarted = 0;
  const onDamaged = ({ message }: Failure): void => void why.push(message);
  const noteLost = (failure: Failure, page: number): void => {
    lost.add(page);
    onDamaged(failure);
  };
  for await (const settled of settledVariants(manifests, plan, recorded, { onDamaged: noteLost })) {
    outcomes.push(settled.outcome);
    if (!settled.isStarted) notStarted += 1;
    await each(settled, onDamaged);
  }
  if (why.length === 0) return { outcomes, notStarted, damaged: null };
  for (const outcome of recorded.values()) if (lost.has(outcome.page)) outcomes.push(outcome);
  // Variants of people who were forgotten since are not told apart from those of a lost page.
  const variants = lost.size === 0 ? 0 : Math.max(0, plan.counts.variants - outcomes.length);
  const damaged = { pages: why.length, variants, why: why.slice(0, MAX_NAMED) };
  return { outcomes, notStarted: notStarted + variants, damaged };
}

/**
 * The variants that have no video now, in manifest order, but those on a page that cannot be read. Failure `CampaignInvalid` when the batch
 * has not closed, or a listed variant is none of its own.
 */
export async function failedSlots(
  deps: { readonly store: ObjectStore; readonly manifests: ManifestReader },
  { batch, failureClass, variantsKey, unclosed, after, limit }: ListFailedInput,
  signal?: AbortSignal,
): Promise<FailedSlot[]> {
  const plan = await deps.manifests.plan(batch);
  if (unclosed !== true && (await deps.store.head(objectKeys.reportJson(batch), signal)) === null) {
    throw new Failure(
      'CampaignInvalid',
      `Batch ${batchIdOf(batch)} has not closed: it still runs, or was terminated. Wait for it, or run the night again; nightreel backfill closes one that nobody runs.`,
    );
  }
  const listed = variantsKey === undefined ? null : await readVariantList(deps.store, variantsKey, signal);
  const strangers = new Set(listed);
  const slots: FailedSlot[] = [];
  const recorded = await readOutcomes(deps.store, batch, signal);
  // Where some are listed, all pages are read: a listed one that is nowhere is told. So they are where a page before may have stopped a lane.
  const isSome = listed !== null || failureClass === 'ManifestDamaged' || failureClass === 'Cancelled';
  const from = isSome ? 1 : (after?.page ?? 1);
  let unreadable: Failure | null = null;
  const onDamaged = (failure: Failure): void => {
    unreadable ??= failure;
  };
  for await (const { variant, outcome } of settledVariants(deps.manifests, plan, recorded, { from, onDamaged })) {
    if (listed === null && slots.length === limit) break;
    const { page, index, key } = outcome;
    // Whoever is told of one rendition may list that.
    const names = videosOf(variant).map((video) => video.key);
    for (const name of names) strangers.delete(name);
    const isWanted =
      outcome.outcome === 'failed' &&
      (failureClass === undefined || outcome.failureClass === failureClass) &&
      (listed === null || names.some((name) => listed.has(name))) &&
      (after === undefined || page > after.page || (page === after.page && index > after.index));
    if (isWanted && slots.length < limit) slots.push({ page, index, key });
  }
  const [stranger] = strangers;
  if (stranger === undefined) return slots;
  // It may stand there.
  if (unreadable !== null) throw unreadable;
  throw new Failure(
    'CampaignInvalid',
    `${strangers.size} of the listed variants are not in batch ${batchIdOf(batch)}, the first is ${stranger}. Nothing was rendered.`,
  );
}
