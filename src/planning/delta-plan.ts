/**
 * The heart of the plan: rows in, distinct variants with their recipients out. Rows are taken one at a time; what is kept in
 * memory is a few numbers and the ID of each person and the key of each variant. Params wait in a spool.
 */

import type { PlanCounts, ScenePlanCounts, Watermark } from '../contracts/batch.ts';
import type { VariantKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import type { ChangeRange, SourceRow } from '../warehouse/reader.ts';
import type { ParamsProblem } from './canonical-params.ts';
import type { Destinations } from './destinations.ts';
import type { PlannedVariants } from './planned-variants.ts';
import { Tally } from './tally.ts';

/** The template's verdict on params; `reason` must not quote a value. May return defaults filled in. */
export type ValidateParams = (
  params: Params,
) => { readonly ok: true; readonly params: Params } | ({ readonly ok: false } & ParamsProblem);

/** A row that gets no video, and why: a line of `rejects.jsonl`. Never holds the row's values. */
export interface Reject {
  /** Null when the row has no ID, or none that is valid. */
  readonly recipientId: string | null;
  readonly line: number;
  readonly reason: string;
  /** JSON Pointer to the parameter at fault. */
  readonly path?: string;
}

/** To be disposed of once its variants are not read any more. */
export interface DeltaPlan extends Disposable {
  /** In the order in which their first recipient was decided. */
  readonly variants: PlannedVariants;
  readonly rejects: readonly Reject[];
  /** People who are gone or want no video, and still have one. */
  readonly withdrawn: readonly string[];
  /** Every row counts once: rows = recipients + rejected + duplicates + unchanged + those of `withdrawn` that had a row. */
  readonly counts: Omit<PlanCounts, 'cached' | keyof ScenePlanCounts>;
  /** Of those, what came with the changes, without the people carried over. */
  readonly changes: { readonly rows: number; readonly rejected: number };
  /** How far the source has been read; null when the source has no order (CSV) or reading stopped somewhere in it. */
  readonly watermark: Watermark | null;
}

export interface DeltaPlanInput {
  /** The changes, as `WarehouseReader.readChanges` gives them for `range`. */
  readonly rows: AsyncIterable<SourceRow>;
  readonly range: ChangeRange;
  /** Whether rows come in the order of their stamps, and each must have one. */
  readonly ordered: boolean;
  /** Where the campaign stands once all is read; null where the source is no place in a history. */
  readonly end: Watermark | null;
  /** Which rows say nothing new by being there, and what is known of the people they are about. Absent: all are news. */
  readonly known?: KnownRows;
  /** Rows of people whose video failed earlier, as `readRecipients` gives them. */
  readonly carryOver?: AsyncIterable<SourceRow>;
  readonly validateParams: ValidateParams;
  /** Equal for equal params: with destinations, only that counts. */
  readonly keyOf: (params: Params) => VariantKey;
  /** Who gets which renditions; absent: everyone the same. */
  readonly destinations?: Destinations | undefined;
  /** At most so many people from the changes, in change order; those carried over come on top. */
  readonly recipientLimit?: number;
}

/** What people were last shown. */
export interface Delivered {
  /** Tells of which of these people, each with the `shownDigest` of what is to be shown (null: nothing), that is so already. */
  unchanged(
    wanted: Iterable<readonly [recipientId: string, digest: string | null]>,
    found: (recipientId: string) => void,
  ): Promise<void>;
  /** People who were shown something and of whom `isThere` says no; only where a row that is missing means that. */
  missing?(isThere: (recipientId: string) => boolean): readonly string[];
}

export interface KnownRows {
  /** Whether the row may have been read by an earlier night: then it counts only when it says something else. */
  isEcho(row: SourceRow): boolean;
  readonly delivered: Delivered;
}

/**
 * Rules:
 * - Of several rows with the same recipient ID the newest change decides; with equal stamps, or without, the last one
 *   read. It decides even when it is rejected: older numbers are not sent in its place. The others are `duplicates`.
 * - A row without a valid ID, or without a stamp where the source must have one, is rejected by itself and decides for nobody.
 * - A person carried over who also changed counts as a change; their carried rows are not counted at all.
 * - Whoever is withdrawn gets nothing, whatever else the row holds, even without a stamp.
 * - A person whose deciding row is an echo counts only when it differs from what was delivered, else as `unchanged`.
 * - With a limit, reading stops before the row that would add one person too many, and never between rows that share
 *   stamp and ID, which a watermark could not tell apart. The watermark is then the last row taken, else `range.until`.
 */
export async function planDelta(input: DeltaPlanInput): Promise<DeltaPlan> {
  using resources = new DisposableStack();
  const tally = resources.use(new Tally(input));
  for await (const row of input.carryOver ?? []) tally.takeCarriedOver(row);

  const limit = input.recipientLimit ?? Number.POSITIVE_INFINITY;
  let last: SourceRow | null = null;
  let stopped = false;
  for await (const group of groupsOfOnePlace(input.rows)) {
    const decisions = group.map((row) => tally.decide(row));
    if (tally.changedPeople >= limit && decisions.some((decision) => tally.wouldAdd(decision))) {
      stopped = true;
      break;
    }
    for (const decision of decisions) tally.take(decision);
    const end = group.at(-1);
    if (end !== undefined && end.updatedAt !== null) last = end;
  }
  const plan = await tally.result(stopped ? (input.ordered ? reached(input.range, last) : null) : input.end);
  const kept = resources.move();
  return { ...plan, [Symbol.dispose]: () => kept.dispose() };
}

function reached({ since }: ChangeRange, last: SourceRow | null): Watermark | null {
  return last === null || last.updatedAt === null
    ? since
    : { updatedAt: last.updatedAt, recipientId: last.recipientId };
}

/** Consecutive rows with the same stamp and ID. */
async function* groupsOfOnePlace(rows: AsyncIterable<SourceRow>): AsyncGenerator<SourceRow[], void, undefined> {
  let group: SourceRow[] = [];
  for await (const row of rows) {
    const before = group[0];
    // Rows without a stamp have no place, and there may be any number of them: each stands for itself.
    const same =
      row.updatedAt !== null && row.updatedAt === before?.updatedAt && row.recipientId === before.recipientId;
    if (!same && before !== undefined) {
      yield group;
      group = [];
    }
    group.push(row);
  }
  if (group.length > 0) yield group;
}
