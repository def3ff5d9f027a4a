/**
 * The heart of the plan, pure: rows in, distinct variants with their recipients out. Rows are taken one at a time; what
 * is kept is one entry per person and one bag of params per variant.
 */

import type { PlanCounts, ScenePlanCounts, Watermark } from '../contracts/batch.ts';
import type { VariantKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import type { ChangeRange, SourceRow } from '../warehouse/reader.ts';
import { compareStamps } from '../warehouse/watermark.ts';
import { normaliseParams, type ParamsProblem, paramsDigest } from './canonical-params.ts';
import { recipientIdProblem } from './recipient-id.ts';

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

/** One video to be made, for one or many. */
export interface PlannedVariant {
  readonly key: VariantKey;
  readonly params: Params;
  readonly recipients: readonly string[];
}

export interface DeltaPlan {
  /** In the order in which their first recipient was decided. */
  readonly variants: readonly PlannedVariant[];
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
  readonly keyOf: (params: Params) => VariantKey;
  /** At most so many people from the changes, in change order; those carried over come on top. */
  readonly recipientLimit?: number;
}

/** What people were last shown. */
export interface Delivered {
  /** Of these people, with the digest of the params to be shown (null: nothing), those for whom that is so already. */
  unchanged(wanted: ReadonlyMap<string, string | null>): Promise<ReadonlySet<string>>;
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
  const tally = new Tally(input);
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
  return await tally.result(stopped ? (input.ordered ? reached(input.range, last) : null) : input.end);
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

type Verdict =
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'variant'; readonly key: VariantKey; readonly params: Params }
  | { readonly kind: 'reject'; readonly reject: Reject };

interface Decision {
  readonly row: SourceRow;
  /** Whose row it is; null when it decides for nobody. */
  readonly person: string | null;
  readonly verdict: Verdict;
}

/** What stands for one person so far. */
interface Standing {
  readonly updatedAt: string | null;
  /** Null: withdrawn. */
  readonly outcome: VariantKey | Reject | null;
  readonly carriedOver: boolean;
  /** Whether the row may be one of an earlier night's. */
  readonly echo: boolean;
}

const isKey = (outcome: Standing['outcome']): outcome is VariantKey => typeof outcome === 'string';

class Tally {
  readonly #input: DeltaPlanInput;
  /** Insertion order is the order in which the standing decisions were made. */
  readonly #people = new Map<string, Standing>();
  readonly #params = new Map<VariantKey, Params>();
  readonly #ownRejects: Reject[] = [];
  #changeRows = 0;
  #duplicates = 0;
  #changedPeople = 0;

  constructor(input: DeltaPlanInput) {
    this.#input = input;
  }

  /** People with a video from the changes, so far. */
  get changedPeople(): number {
    return this.#changedPeople;
  }

  decide(row: SourceRow): Decision {
    const idProblem = recipientIdProblem(row.recipientId);
    const person = idProblem === null ? row.recipientId : null;
    const rejected = (reason: string, path?: string): Verdict => ({
      kind: 'reject',
      reject: { recipientId: person, line: row.line, reason, ...(path === undefined ? {} : { path }) },
    });
    if (row.problem !== undefined) return { row, person, verdict: rejected(row.problem, row.problemPath) };
    if (idProblem !== null) return { row, person, verdict: rejected(idProblem) };
    if (row.withdrawn === true) return { row, person, verdict: { kind: 'withdrawn' } };
    if (this.#input.ordered && row.updatedAt === null) {
      return { row, person: null, verdict: rejected('the row has no time of its last change') };
    }
    const normalised = normaliseParams(row.params);
    const checked = normalised.ok ? this.#input.validateParams(normalised.params) : normalised;
    if (!checked.ok) return { row, person, verdict: rejected(checked.reason, checked.path) };
    return {
      row,
      person,
      verdict: { kind: 'variant', key: this.#input.keyOf(checked.params), params: checked.params },
    };
  }

  /** Whether this decision would give one more person a video from the changes. */
  wouldAdd({ row, person, verdict }: Decision): boolean {
    if (person === null || verdict.kind !== 'variant' || this.#isEcho(row)) return false;
    const standing = this.#people.get(person);
    if (standing === undefined) return true;
    const counted = isKey(standing.outcome) && !standing.carriedOver && !standing.echo;
    return !counted && !isOlder(row, standing);
  }

  take(decision: Decision): void {
    this.#changeRows += 1;
    this.#stand(decision, false);
  }

  takeCarriedOver(row: SourceRow): void {
    const decision = this.decide(row);
    if (decision.person !== null) this.#stand(decision, true);
  }

  #stand({ row, person, verdict }: Decision, carriedOver: boolean): void {
    if (person === null) {
      if (verdict.kind === 'reject') this.#ownRejects.push(verdict.reject);
      return;
    }
    const standing = this.#people.get(person);
    if (standing !== undefined) {
      // Of two rows one is dropped; it was counted, and is a duplicate, if it came with the changes.
      const older = isOlder(row, standing);
      if (!(older ? carriedOver : standing.carriedOver)) this.#duplicates += 1;
      if (older) return;
      if (isKey(standing.outcome) && !standing.carriedOver && !standing.echo) this.#changedPeople -= 1;
      this.#people.delete(person);
    }
    const echo = !carriedOver && this.#isEcho(row);
    if (verdict.kind === 'variant') {
      if (!this.#params.has(verdict.key)) this.#params.set(verdict.key, verdict.params);
      if (!carriedOver && !echo) this.#changedPeople += 1;
    }
    const outcome = verdict.kind === 'variant' ? verdict.key : verdict.kind === 'reject' ? verdict.reject : null;
    this.#people.set(person, { updatedAt: row.updatedAt, outcome, carriedOver, echo });
  }

  #isEcho(row: SourceRow): boolean {
    return this.#input.known?.isEcho(row) ?? false;
  }

  /** People whose row may have been read before, and for whom all is as it should be. */
  async #unchanged(): Promise<ReadonlySet<string>> {
    const { known } = this.#input;
    if (known === undefined) return new Set();
    const digests = new Map<VariantKey, string>();
    const wanted = new Map<string, string | null>();
    for (const [person, { echo, outcome }] of this.#people) {
      if (!echo || (outcome !== null && !isKey(outcome))) continue;
      if (outcome !== null && !digests.has(outcome)) {
        digests.set(outcome, paramsDigest(this.#params.get(outcome) ?? {}));
      }
      wanted.set(person, outcome === null ? null : (digests.get(outcome) ?? null));
    }
    return wanted.size === 0 ? new Set() : await known.delivered.unchanged(wanted);
  }

  async result(watermark: Watermark | null): Promise<DeltaPlan> {
    const { known, ordered, recipientLimit } = this.#input;
    const unchanged = await this.#unchanged();
    const limit = ordered ? undefined : recipientLimit;
    const withdrawn: string[] = [];
    let cut = false;
    const recipients = new Map<VariantKey, string[]>();
    const rejects = [...this.#ownRejects];
    let [people, carriedOver, carriedRows, carriedRejects] = [0, 0, 0, 0];
    for (const [person, standing] of this.#people) {
      if (standing.carriedOver) carriedRows += 1;
      if (unchanged.has(person)) continue;
      if (standing.outcome === null) {
        withdrawn.push(person);
        continue;
      }
      if (!isKey(standing.outcome)) {
        rejects.push(standing.outcome);
        if (standing.carriedOver) carriedRejects += 1;
        continue;
      }
      if (limit !== undefined && standing.echo && people - carriedOver >= limit) {
        cut = true;
        continue;
      }
      people += 1;
      if (standing.carriedOver) carriedOver += 1;
      const sharers = recipients.get(standing.outcome);
      if (sharers === undefined) recipients.set(standing.outcome, [person]);
      else sharers.push(person);
    }
    const variants = [...recipients].map(([key, sharers]) => ({
      key,
      params: this.#params.get(key) ?? {},
      recipients: sharers,
    }));
    const gone = known?.delivered.missing?.((person) => this.#people.has(person)) ?? [];
    const counts = {
      rows: this.#changeRows + carriedRows,
      recipients: people,
      rejected: rejects.length,
      duplicates: this.#duplicates,
      unchanged: unchanged.size,
      withdrawn: withdrawn.length + gone.length,
      vanished: gone.length,
      carriedOver,
      variants: variants.length,
    };
    const changes = { rows: this.#changeRows, rejected: rejects.length - carriedRejects };
    return {
      variants,
      rejects: rejects.toSorted((a, b) => a.line - b.line),
      withdrawn: [...withdrawn, ...gone],
      counts,
      changes,
      // Whoever was cut off is found again only when nothing moves on.
      watermark: cut ? null : watermark,
    };
  }
}

/** Both rows must have a stamp for one to be older: a file without stamps is in its own order. */
const isOlder = (row: SourceRow, standing: Standing): boolean =>
  row.updatedAt !== null && standing.updatedAt !== null && compareStamps(row.updatedAt, standing.updatedAt) < 0;
