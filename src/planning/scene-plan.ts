/** Which scenes a night takes: counted over all videos, looked up in the store, and those that many wait for listed. */

import pMap from 'p-map';
import type { ScenePlanCounts } from '../contracts/batch.ts';
import { isSceneKey, type SceneKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import { doubled } from './doubled.ts';
import type { VideoPart } from './scene-key.ts';
import { TextIndex } from './text-index.ts';

/** Requests to the store at a time. */
const LOOKUPS = 32;

export interface ScenePlanInput {
  /** Params of every video that is not stored yet; read more than once, in the same order. */
  readonly variants: Iterable<Params>;
  readonly partsOf: (params: Params) => readonly VideoPart[];
  readonly isStored: (key: SceneKey) => Promise<boolean>;
}

export interface ScenePlan {
  readonly counts: ScenePlanCounts;
  /** Parts that are not stored, in the order in which they are first needed. */
  missing(): Iterable<VideoPart>;
  /** Parts that are not stored and that more than one video needs, in the order in which they are first needed. */
  shared(): Iterable<VideoPart>;
  /** Whether all parts of the video in this place of the input are stored, or are shared: it then takes no browser. */
  isJoinable(nth: number): boolean;
}

/** Numbers that grow with what is counted, doubling. */
class Counters {
  #values = new Uint32Array(1024);

  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  set(index: number, value: number): void {
    if (index >= this.#values.length) this.#values = doubled(this.#values, index + 1);
    this.#values[index] = value;
  }
}

/** Some bytes are kept per distinct part, and a number per part of each video. */
export async function planScenes(
  { variants, partsOf, isStored }: ScenePlanInput,
  signal: AbortSignal,
): Promise<ScenePlan> {
  const keys = new TextIndex('hex');
  /** By part: how many videos need it, which is the first. */
  const [videos, firsts] = [new Counters(), new Counters()];
  /** Parts of all videos in a row, and where those of each end. */
  const [slots, ends] = [new Counters(), new Counters()];
  let [slotCount, videoCount] = [0, 0];
  for (const params of variants) {
    for (const { key } of partsOf(params)) {
      const part = keys.add(key);
      if (videos.at(part) === 0) firsts.set(part, videoCount);
      videos.set(part, videos.at(part) + 1);
      slots.set(slotCount, part);
      slotCount += 1;
    }
    ends.set(videoCount, slotCount);
    videoCount += 1;
    if (videoCount % VIDEOS_A_TURN === 0) await turn(signal);
  }

  const stored = new Uint8Array(keys.size);
  let storedCount = 0;
  const look = async ([part, key]: readonly [number, string]): Promise<void> => {
    if (!isSceneKey(key) || !(await isStored(key))) return;
    stored[part] = 1;
    storedCount += 1;
  };
  await pMap(numbered(keys), look, { concurrency: LOOKUPS, signal });

  const isShared = (part: number): boolean => stored[part] === 0 && videos.at(part) > 1;
  let sharedScenes = 0;
  for (let part = 0; part < keys.size; part += 1) if (isShared(part)) sharedScenes += 1;

  /** Parts where they are first needed, of those that are `wanted`. */
  function* first(wanted: (part: number) => boolean): Generator<VideoPart, void, undefined> {
    let nth = 0;
    for (const params of variants) {
      const [from, to] = [nth === 0 ? 0 : ends.at(nth - 1), ends.at(nth)];
      let parts: readonly VideoPart[] | null = null;
      for (let slot = from; slot < to; slot += 1) {
        const part = slots.at(slot);
        if (firsts.at(part) !== nth || !wanted(part)) continue;
        parts ??= partsOf(params);
        const found = parts[slot - from];
        if (found !== undefined) yield found;
      }
      nth += 1;
    }
  }

  return {
    counts: { sceneSlots: slotCount, distinctScenes: keys.size, storedScenes: storedCount, sharedScenes },
    missing: () => first((part) => stored[part] === 0),
    shared: () => first(isShared),
    isJoinable: (nth) => {
      const [from, to] = [nth === 0 ? 0 : ends.at(nth - 1), ends.at(nth)];
      for (let slot = from; slot < to; slot += 1) {
        const part = slots.at(slot);
        if (stored[part] === 0 && !isShared(part)) return false;
      }
      return to > from;
    },
  };
}

/** Videos between two looks at whether the plan is still wanted; counting a million takes a while. */
const VIDEOS_A_TURN = 1_000;

async function turn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}

function* numbered<T>(items: Iterable<T>): Generator<readonly [number, T], void, undefined> {
  let number = 0;
  for (const item of items) {
    yield [number, item];
    number += 1;
  }
}
