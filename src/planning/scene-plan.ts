/** Which scenes a night takes: counted over all videos, looked up in the store, and those that many wait for listed. */

import pMap from 'p-map';
import type { ScenePlanCounts } from '../contracts/batch.ts';
import type { SceneKey } from '../contracts/ids.ts';
import type { Params } from '../contracts/video.ts';
import type { VideoPart } from './scene-key.ts';

/** Requests to the store at a time. */
const LOOKUPS = 32;

export interface ScenePlanInput {
  /** Params of every video that is not stored yet. */
  readonly variants: Iterable<Params>;
  readonly partsOf: (params: Params) => readonly VideoPart[];
  readonly isStored: (key: SceneKey) => Promise<boolean>;
}

export interface ScenePlan {
  readonly counts: ScenePlanCounts;
  /** Parts that are not stored, in the order in which they are first needed. */
  readonly missing: readonly VideoPart[];
  /** Parts that are not stored and that more than one video needs, in the order in which they are first needed. */
  readonly shared: readonly VideoPart[];
  /** Whether all parts of a video are stored, or are `shared`: it then takes no browser. */
  isJoinable(params: Params): boolean;
}

interface Use {
  readonly part: VideoPart;
  videos: number;
  isStored: boolean;
}

/** One entry is kept per distinct part. */
export async function planScenes(
  { variants, partsOf, isStored }: ScenePlanInput,
  signal: AbortSignal,
): Promise<ScenePlan> {
  const uses = new Map<SceneKey, Use>();
  let slots = 0;
  for (const params of variants) {
    for (const part of partsOf(params)) {
      slots += 1;
      const use = uses.get(part.key);
      if (use === undefined) uses.set(part.key, { part, videos: 1, isStored: false });
      else use.videos += 1;
    }
  }
  const look = async (use: Use): Promise<void> => {
    use.isStored = await isStored(use.part.key);
  };
  await pMap(uses.values(), look, { concurrency: LOOKUPS, signal });

  const all = [...uses.values()];
  const stored = all.filter((use) => use.isStored).length;
  const isReady = ({ key }: VideoPart): boolean => {
    const use = uses.get(key);
    return use !== undefined && (use.isStored || use.videos > 1);
  };
  const shared = all.filter((use) => !use.isStored && use.videos > 1).map(({ part }) => part);
  return {
    counts: { sceneSlots: slots, distinctScenes: all.length, storedScenes: stored, sharedScenes: shared.length },
    missing: all.filter((use) => !use.isStored).map(({ part }) => part),
    shared,
    isJoinable: (params) => {
      const parts = partsOf(params);
      return parts.length > 0 && parts.every(isReady);
    },
  };
}
