/** The distinct videos of a night with the people who share each: a few numbers in memory, made into objects when asked for. */

import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import type { Params, RenditionId } from '../contracts/video.ts';
import type { Destinations, PlannedVideo } from './destinations.ts';
import type { People } from './people.ts';
import type { Spool } from './spool.ts';
import { TextIndex } from './text-index.ts';

/** What one set of params comes to, for one or many: a video, or several renditions of it. */
export interface PlannedVariant {
  readonly key: VariantKey;
  readonly params: Params;
  readonly recipients: SizedIterable<string>;
  /** Where people get different renditions: all that somebody of these gets, the largest first; its key is the variant's. */
  readonly videos?: readonly PlannedVideo[];
  /** Of each of the recipients, in their order. */
  readonly destinations?: Iterable<number>;
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
  /** Renditions that somebody gets, as `Destinations` has them. */
  readonly #bits: Uint8Array;
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
    this.#bits = new Uint8Array(videos);
    this.#people = new Uint32Array(people);
    this.#ranksOfPeople = new Uint32Array(people);
  }

  /** Videos that somebody has. */
  get size(): number {
    return this.#size;
  }

  add(video: number, person: number, bits = 0): void {
    let rank = this.#ranks[video] ?? -1;
    if (rank < 0) {
      rank = this.#size;
      this.#ranks[video] = rank;
      this.#videos[rank] = video;
      this.#size += 1;
    }
    this.#counts[rank] = (this.#counts[rank] ?? 0) + 1;
    this.#bits[rank] = (this.#bits[rank] ?? 0) | bits;
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
    const [videos, bits] = [this.#videos.slice(0, this.#size), this.#bits.slice(0, this.#size)];
    return { ranks: this.#ranks, videos, bits, starts, members };
  }
}

/** `videos[rank]` is shared by `members[starts[rank]]` to `members[starts[rank + 1] - 1]`. */
interface SharedVideos {
  /** By video; −1: nobody has it. */
  readonly ranks: Int32Array;
  readonly videos: Uint32Array;
  readonly bits: Uint8Array;
  readonly starts: Uint32Array;
  readonly members: Uint32Array;
}

interface Kept {
  readonly people: People;
  /** By video. */
  readonly keys: TextIndex;
  readonly params: Spool;
  /** Absent: everyone gets the same rendition, and `keys` are those of videos. */
  readonly destinations?: Destinations | undefined;
}

export class PlannedVariants implements SizedIterable<PlannedVariant> {
  readonly size: number;
  readonly #kept: Kept;
  readonly #sorted: SharedVideos;
  /** Keys of all videos; with destinations, made when it is asked for. */
  #names: TextIndex | null = null;

  constructor(sharing: Sharing, kept: Kept) {
    this.size = sharing.size;
    this.#kept = kept;
    this.#sorted = sharing.sorted();
  }

  /** @param rank from 0, in the order in which the first of its people was decided. */
  at(rank: number): PlannedVariant {
    const { people, destinations } = this.#kept;
    const { starts, members, bits } = this.#sorted;
    const sharers = members.subarray(starts[rank], starts[rank + 1]);
    const params = this.#paramsAt(rank);
    const recipients = {
      size: sharers.length,
      *[Symbol.iterator]() {
        for (const place of sharers) yield people.idAt(place);
      },
    };
    const videos = destinations?.videosOf(params, bits[rank] ?? 0);
    const [largest] = videos ?? [];
    if (videos === undefined || largest === undefined) return { key: this.keyAt(rank), params, recipients };
    const numbers = {
      *[Symbol.iterator]() {
        for (const place of sharers) yield people.destinationAt(place);
      },
    };
    return { key: largest.key, params, recipients, videos, destinations: numbers };
  }

  keyAt(rank: number): VariantKey {
    const [largest] = this.#scaledAt(rank);
    const key = largest?.key ?? this.#kept.keys.at(this.#sorted.videos[rank] ?? 0);
    if (!isVariantKey(key)) throw new TypeError('a rank below the size');
    return key;
  }

  /** @param rendition the one that everyone gets, where everyone gets the same. */
  videosAt(rank: number, rendition: RenditionId): readonly PlannedVideo[] {
    const videos = this.#scaledAt(rank);
    return videos.length > 0 ? videos : [{ key: this.keyAt(rank), rendition }];
  }

  /** How many videos there are. */
  get videoCount(): number {
    return this.#kept.destinations === undefined ? this.size : this.#allNames().size;
  }

  /** A number below `videoCount` for each of the videos; undefined for a key that is not planned. */
  numberOf(key: VariantKey): number | undefined {
    if (this.#kept.destinations !== undefined) return this.#allNames().get(key);
    const video = this.#kept.keys.get(key);
    const rank = video === undefined ? -1 : (this.#sorted.ranks[video] ?? -1);
    return rank < 0 ? undefined : rank;
  }

  #paramsAt(rank: number): Params {
    return JSON.parse(this.#kept.params.at(this.#sorted.videos[rank] ?? 0)) as Params;
  }

  /** None without destinations. */
  #scaledAt(rank: number): readonly PlannedVideo[] {
    const { destinations } = this.#kept;
    return destinations?.videosOf(this.#paramsAt(rank), this.#sorted.bits[rank] ?? 0) ?? [];
  }

  #allNames(): TextIndex {
    if (this.#names !== null) return this.#names;
    const names = new TextIndex('hex');
    for (let rank = 0; rank < this.size; rank += 1) for (const { key } of this.#scaledAt(rank)) names.add(key);
    this.#names = names;
    return names;
  }

  *[Symbol.iterator](): Generator<PlannedVariant, void, undefined> {
    for (let rank = 0; rank < this.size; rank += 1) yield this.at(rank);
  }
}
