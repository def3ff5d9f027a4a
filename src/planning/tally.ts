/** What a delta comes to, row by row; the rules are those of `planDelta`. */

import type { Watermark } from '../contracts/batch.ts';
import type { VariantKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import type { SourceRow } from '../warehouse/reader.ts';
import { normaliseParams, paramsDigest } from './canonical-params.ts';
import type { DeltaPlan, DeltaPlanInput, Reject } from './delta-plan.ts';
import { People, type Standing } from './people.ts';
import { recipientIdProblem } from './recipient-id.ts';

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

/** Outcomes are indices of videos from 0 up, this, or −2 and below for rejects. */
const WITHDRAWN = -1;

/** Whether the person has a video because of the changes themselves. */
const isNews = ({ outcome, carriedOver, echo }: Standing): boolean => outcome >= 0 && !carriedOver && !echo;

export class Tally {
  readonly #input: DeltaPlanInput;
  readonly #people = new People();
  readonly #videos = new Map<VariantKey, number>();
  readonly #params: Params[] = [];
  /** Of people, as outcomes number them; some of them no longer stand. */
  readonly #rejects: Reject[] = [];
  readonly #ownRejects: Reject[] = [];
  /** People carried over: whatever they were shown, theirs is planned. */
  readonly #owed = new Set<string>();
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
    return !isNews(standing) && !this.#people.isOlder(person, row.updatedAt);
  }

  take(decision: Decision): void {
    this.#changeRows += 1;
    this.#stand(decision, false);
  }

  takeCarriedOver(row: SourceRow): void {
    const decision = this.decide(row);
    if (decision.person === null) return;
    this.#owed.add(decision.person);
    this.#stand(decision, true);
  }

  #stand({ row, person, verdict }: Decision, carriedOver: boolean): void {
    if (person === null) {
      if (verdict.kind === 'reject') this.#ownRejects.push(verdict.reject);
      return;
    }
    const standing = this.#people.get(person);
    if (standing !== undefined) {
      // Of two rows one is dropped; it was counted, and is a duplicate, if it came with the changes.
      const older = this.#people.isOlder(person, row.updatedAt);
      if (!(older ? carriedOver : standing.carriedOver)) this.#duplicates += 1;
      if (older) return;
      if (isNews(standing)) this.#changedPeople -= 1;
    }
    const next = { outcome: this.#outcomeOf(verdict), carriedOver, echo: !carriedOver && this.#isEcho(row) };
    if (isNews(next)) this.#changedPeople += 1;
    this.#people.set(person, row.updatedAt, next);
  }

  #outcomeOf(verdict: Verdict): number {
    if (verdict.kind === 'withdrawn') return WITHDRAWN;
    if (verdict.kind === 'reject') return -1 - this.#rejects.push(verdict.reject);
    const known = this.#videos.get(verdict.key);
    if (known !== undefined) return known;
    this.#videos.set(verdict.key, this.#params.length);
    return this.#params.push(verdict.params) - 1;
  }

  #isEcho(row: SourceRow): boolean {
    if (row.recipientId !== null && this.#owed.has(row.recipientId)) return false;
    return this.#input.known?.isEcho(row) ?? false;
  }

  /** People whose row may have been read before, and for whom all is as it should be. */
  async #unchanged(): Promise<ReadonlySet<string>> {
    const { known } = this.#input;
    if (known === undefined) return new Set();
    const digests: string[] = [];
    const wanted = new Map<string, string | null>();
    for (const [person, { echo, outcome }] of this.#people.all()) {
      if (!echo || outcome < WITHDRAWN) continue;
      const digest = () => (digests[outcome] ??= paramsDigest(this.#params[outcome] ?? {}));
      wanted.set(person, outcome === WITHDRAWN ? null : digest());
    }
    return wanted.size === 0 ? new Set() : await known.delivered.unchanged(wanted);
  }

  async result(watermark: Watermark | null): Promise<DeltaPlan> {
    const { known, ordered, recipientLimit } = this.#input;
    const unchanged = await this.#unchanged();
    const limit = ordered ? undefined : recipientLimit;
    const withdrawn: string[] = [];
    let cut = false;
    const recipients = new Map<number, string[]>();
    const rejects = [...this.#ownRejects];
    let [people, carriedOver, carriedRows, carriedRejects] = [0, 0, 0, 0];
    for (const [person, standing] of this.#people.inOrder()) {
      if (standing.carriedOver) carriedRows += 1;
      if (unchanged.has(person)) continue;
      if (standing.outcome === WITHDRAWN) {
        withdrawn.push(person);
        continue;
      }
      const reject = this.#rejects[-2 - standing.outcome];
      if (reject !== undefined) {
        rejects.push(reject);
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
    const keys = [...this.#videos.keys()];
    const variants = [...recipients].flatMap(([at, sharers]) => {
      const key = keys[at];
      return key === undefined ? [] : [{ key, params: this.#params[at] ?? {}, recipients: sharers }];
    });
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
