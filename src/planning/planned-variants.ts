/** The distinct videos of a night with the people who share each: a few numbers in memory, made into objects when asked for. */

import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import type { People } from './people.ts';
import type { Spool } from './spool.ts';
import type { TextIndex } from './text-index.ts';

/** One video to be made, for one or many. */
export interface PlannedVariant {
  readonly key: VariantKey;
  readonly params: Params;
  readonly recipients: SizedIterable<string>;
}

/** As `Set` and `Map` are. */
export interface SizedIterable<T> extends Iterable<T> {
  readonly size: number;
}

/** Who shares which video, gathered person by person. */
export class Sharing {
  /** By video: its place among those that somebody has, in the order in which they were first met; −1: nobody has it. */
  readonly #ranks: Int32Array;
  /** By rank. */
  readonly #videos: Uint32Array;
  readonly #counts: Uint32Array;
  /** By person, in the order in which they came. */
  readonly #people: Uint32Array;
  readonly #ranksOfPeople: Uint32Array;
  #size = 0;
  #added = 0;

  /** @param videos how many there may be, and how many people at most. */
  constructor(videos: number, people: number) {
    this.#ranks = new Int32Array(videos).fill(-1);
    this.#videos = new Uint32Array(videos);
    this.#counts = new Uint32Array(videos);
    this.#people = new Uint32Array(people);
    this.#ranksOfPeople = new Uint32Array(people);
  }

  /** Videos that somebody has. */
  get size(): number {
    return this.#size;
  }

  add(video: number, person: number): void {
    let rank = this.#ranks[video] ?? -1;
    if (rank < 0) {
      rank = this.#size;
      this.#ranks[video] = rank;
      this.#videos[rank] = video;
      this.#size += 1;
    }
    this.#counts[rank] = (this.#counts[rank] ?? 0) + 1;
    this.#people[this.#added] = person;
    this.#ranksOfPeople[this.#added] = rank;
    this.#added += 1;
  }

  sorted(): SharedVideos {
    const starts = new Uint32Array(this.#size + 1);
    for (let rank = 0; rank < this.#size; rank += 1) starts[rank + 1] = (starts[rank] ?? 0) + (this.#counts[rank] ?? 0);
    const members = new Uint32Array(this.#added);
    const next = starts.slice();
    for (let at = 0; at < this.#added; at += 1) {
      const rank = this.#ranksOfPeople[at] ?? 0;
      members[next[rank] ?? 0] = this.#people[at] ?? 0;
      next[rank] = (next[rank] ?? 0) + 1;
    }
    return { ranks: this.#ranks, videos: this.#videos.slice(0, this.#size), starts, members };
  }
}

/** `videos[rank]` is shared by `members[starts[rank]]` to `members[starts[rank + 1] - 1]`. */
interface SharedVideos {
  /** By video; −1: nobody has it. */
  readonly ranks: Int32Array;
  readonly videos: Uint32Array;
  readonly starts: Uint32Array;
  readonly members: Uint32Array;
}

interface Kept {
  readonly people: People;
  /** By video. */
  readonly keys: TextIndex;
  readonly params: Spool;
}

export class PlannedVariants implements SizedIterable<PlannedVariant> {
  readonly size: number;
  readonly #kept: Kept;
  readonly #sorted: SharedVideos;

  constructor(sharing: Sharing, kept: Kept) {
    this.size = sharing.size;
    this.#kept = kept;
    this.#sorted = sharing.sorted();
  }

  /** @param rank from 0, in the order in which the first of its people was decided. */
  at(rank: number): PlannedVariant {
    const { people, params } = this.#kept;
    const { videos, starts, members } = this.#sorted;
    const sharers = members.subarray(starts[rank], starts[rank + 1]);
    return {
      key: this.keyAt(rank),
      params: JSON.parse(params.at(videos[rank] ?? 0)) as Params,
      recipients: {
        size: sharers.length,
        *[Symbol.iterator]() {
          for (const place of sharers) yield people.idAt(place);
        },
      },
    };
  }

  keyAt(rank: number): VariantKey {
    const key = this.#kept.keys.at(this.#sorted.videos[rank] ?? 0);
    if (!isVariantKey(key)) throw new TypeError('a rank below the size');
    return key;
  }

  /** The rank of a variant; undefined for a key that is not planned. */
  rankOf(key: VariantKey): number | undefined {
    const video = this.#kept.keys.get(key);
    const rank = video === undefined ? -1 : (this.#sorted.ranks[video] ?? -1);
    return rank < 0 ? undefined : rank;
  }

  *[Symbol.iterator](): Generator<PlannedVariant, void, undefined> {
    for (let rank = 0; rank < this.size; rank += 1) yield this.at(rank);
  }
}
