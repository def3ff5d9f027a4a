/** What a delta comes to, row by row; the rules are those of `planDelta`. */

import type { Watermark } from '../contracts/batch.ts';
import type { VariantKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import type { SourceRow } from '../warehouse/reader.ts';
import { normaliseParams, paramsDigest } from './canonical-params.ts';
import type { DeltaPlan, DeltaPlanInput, Reject } from './delta-plan.ts';
import { shownDigest } from './destinations.ts';
import { People, type Standing } from './people.ts';
import { PlannedVariants, Sharing } from './planned-variants.ts';
import { recipientIdProblem } from './recipient-id.ts';
import { Spool } from './spool.ts';
import { TextIndex } from './text-index.ts';

type Verdict =
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'variant'; readonly key: VariantKey; readonly params: Params; readonly destination: number }
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
const isNews = ({ outcome, carriedOver, echo }: Omit<Standing, 'unchanged' | 'destination'>): boolean =>
  outcome >= 0 && !carriedOver && !echo;

/** Digests kept at hand while people who may have been shown the same are looked up. */
const DIGESTS_KEPT = 10_000;

export class Tally implements Disposable {
  readonly #input: DeltaPlanInput;
  readonly #people = new People();
  /** Keys of videos. */
  readonly #videos = new TextIndex('hex');
  /** Params of videos, as JSON. */
  readonly #params = new Spool();
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

  [Symbol.dispose](): void {
    this.#params[Symbol.dispose]();
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
    const { params } = checked;
    const destination = this.#destinationOf(row);
    if (typeof destination === 'string') return { row, person, verdict: rejected(destination) };
    return { row, person, verdict: { kind: 'variant', key: this.#input.keyOf(params), params, destination } };
  }

  /** Its number, or why there is none. */
  #destinationOf(row: SourceRow): number | string {
    const { destinations } = this.#input;
    if (destinations === undefined) return 0;
    const destination = destinations.of(row.destination);
    if (destination !== null) return destination;
    const isEmpty = (row.destination ?? '') === '';
    return `column '${destinations.column}' ${isEmpty ? 'is empty' : "holds none of the campaign's destinations"}, and the campaign does not say what is to be rendered otherwise`;
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
    const next = {
      outcome: this.#outcomeOf(verdict),
      destination: verdict.kind === 'variant' ? verdict.destination : 0,
      carriedOver,
      echo: !carriedOver && this.#isEcho(row),
    };
    if (isNews(next)) this.#changedPeople += 1;
    this.#people.set(person, row.updatedAt, next);
  }

  #outcomeOf(verdict: Verdict): number {
    if (verdict.kind === 'withdrawn') return WITHDRAWN;
    if (verdict.kind === 'reject') return -1 - this.#rejects.push(verdict.reject);
    const video = this.#videos.add(verdict.key);
    if (video === this.#params.size) this.#params.append(JSON.stringify(verdict.params));
    return video;
  }

  #isEcho(row: SourceRow): boolean {
    if (row.recipientId !== null && this.#owed.has(row.recipientId)) return false;
    return this.#input.known?.isEcho(row) ?? false;
  }

  /** People whose row may have been read before, with the digest of what they are to be shown. */
  *#echoes(): Generator<readonly [string, string | null], void, undefined> {
    const digests = new Map<string, string>();
    for (const [place, { echo, outcome, destination }] of this.#people.inOrder()) {
      if (!echo || outcome < WITHDRAWN) continue;
      if (digests.size >= DIGESTS_KEPT) digests.clear();
      const digest = (): string => {
        const what = `${outcome} ${destination}`;
        const known = digests.get(what) ?? this.#shownDigest(outcome, destination);
        digests.set(what, known);
        return known;
      };
      yield [this.#people.idAt(place), outcome === WITHDRAWN ? null : digest()];
    }
  }

  #shownDigest(video: number, destination: number): string {
    const renditions = this.#input.destinations?.lists[destination] ?? null;
    return shownDigest(paramsDigest(JSON.parse(this.#params.at(video))), renditions);
  }

  async result(watermark: Watermark | null): Promise<Omit<DeltaPlan, typeof Symbol.dispose>> {
    const { known, ordered, recipientLimit, destinations } = this.#input;
    await known?.delivered.unchanged(this.#echoes(), (person) => this.#people.markUnchanged(person));
    const limit = ordered ? undefined : recipientLimit;
    const withdrawn: string[] = [];
    let cut = false;
    const rejects = [...this.#ownRejects];
    let [people, carriedOver, carriedRows, carriedRejects, unchanged] = [0, 0, 0, 0, 0];
    const sharing = new Sharing(this.#videos.size, this.#people.size);
    for (const [place, standing] of this.#people.inOrder()) {
      if (standing.carriedOver) carriedRows += 1;
      if (standing.unchanged) {
        unchanged += 1;
        continue;
      }
      if (standing.outcome === WITHDRAWN) {
        withdrawn.push(this.#people.idAt(place));
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
      sharing.add(standing.outcome, place, destinations?.bitsOf(standing.destination));
    }
    const kept = { people: this.#people, keys: this.#videos, params: this.#params, destinations };
    const variants = new PlannedVariants(sharing, kept);
    const gone = known?.delivered.missing?.((person) => this.#people.has(person)) ?? [];
    const counts = {
      rows: this.#changeRows + carriedRows,
      recipients: people,
      rejected: rejects.length,
      duplicates: this.#duplicates,
      unchanged,
      withdrawn: withdrawn.length + gone.length,
      vanished: gone.length,
      carriedOver,
      variants: variants.size,
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
