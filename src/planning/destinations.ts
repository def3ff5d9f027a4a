/** Who gets which renditions, where a column of the source says where people watch. Pure. */

import { createHash } from 'node:crypto';
import type { VariantKey } from '../contracts/ids.ts';
import { type Params, RENDITION_IDS, RENDITIONS, type RenditionId } from '../contracts/video.ts';

/** The `destinations` of a campaign. */
export interface DestinationMap {
  /** Column of the source. */
  readonly column: string;
  /** By what stands there. The first rendition of a list is the one that a pointer's `url` shows; the others are linked. */
  readonly renditions: Readonly<Record<string, readonly RenditionId[]>>;
  /** Of whoever has nothing there, or something else; absent: their row is rejected. */
  readonly otherwise?: readonly RenditionId[] | undefined;
}

/** One of the videos of some params. */
export interface PlannedVideo {
  readonly key: VariantKey;
  readonly rendition: RenditionId;
}

/** @param scaledFrom the rendition whose frames are scaled down; absent: frames are captured in the rendition's own size. */
export type KeyOfVideo = (params: Params, rendition: RenditionId, scaledFrom?: RenditionId) => VariantKey;

/** Of all renditions, the largest first. */
const LADDER = RENDITION_IDS.toSorted((a, b) => RENDITIONS[b].shortSide - RENDITIONS[a].shortSide);

export const largestOf = (renditions: Iterable<RenditionId>): RenditionId | undefined => {
  const wanted = new Set(renditions);
  return LADDER.find((rendition) => wanted.has(rendition));
};

/** Every rendition that somebody may get. */
export const renditionsOf = ({ renditions, otherwise = [] }: DestinationMap): RenditionId[] => [
  ...new Set([...Object.values(renditions), otherwise].flat()),
];

export class Destinations {
  readonly column: string;
  /** Different lists of renditions; a destination is the number of one. */
  readonly lists: readonly (readonly RenditionId[])[];
  readonly #byValue: ReadonlyMap<string, number>;
  readonly #otherwise: number | null;
  readonly #keyOf: KeyOfVideo;

  constructor({ column, renditions, otherwise }: DestinationMap, keyOf: KeyOfVideo) {
    const lists = new Map<string, readonly RenditionId[]>();
    const numberOf = (list: readonly RenditionId[]): number => {
      lists.set(list.join(), list);
      return [...lists.keys()].indexOf(list.join());
    };
    this.column = column;
    this.#byValue = new Map(Object.entries(renditions).map(([value, list]) => [value, numberOf(list)]));
    this.#otherwise = otherwise === undefined ? null : numberOf(otherwise);
    this.lists = [...lists.values()];
    this.#keyOf = keyOf;
  }

  /** The destination of somebody in whose column this stands; null: they have none. */
  of(cell: unknown): number | null {
    return this.#byValue.get(String(cell ?? '')) ?? this.#otherwise;
  }

  /** The renditions of a destination as bits, to be joined with those of others. */
  bitsOf(destination: number): number {
    return (this.lists[destination] ?? []).reduce((bits, rendition) => bits | bitOf(rendition), 0);
  }

  /**
   * The videos of some params in these renditions, the largest first. It is captured in its own size and has the key, and the bytes,
   * that it has alone; the others are scaled from its frames, which gives other bytes than a capture of their own, and another key.
   */
  videosOf(params: Params, bits: number): PlannedVideo[] {
    const wanted = LADDER.filter((rendition) => (bits & bitOf(rendition)) !== 0);
    const [largest] = wanted;
    return wanted.map((rendition) => ({
      key: rendition === largest ? this.#keyOf(params, rendition) : this.#keyOf(params, rendition, largest),
      rendition,
    }));
  }
}

const bitOf = (rendition: RenditionId): number => 1 << LADDER.indexOf(rendition);

/**
 * What somebody is shown, as one digest: that of the params, together with the renditions where people get different ones.
 * @param renditions in any order but for the first; null: everyone gets the same.
 */
export function shownDigest(paramsDigest: string, renditions: readonly RenditionId[] | null): string {
  if (renditions === null) return paramsDigest;
  const [first, ...linked] = renditions;
  return createHash('sha256')
    .update(JSON.stringify([paramsDigest, first, ...linked.sort()]))
    .digest('hex');
}
