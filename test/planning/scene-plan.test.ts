import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { SceneKey } from '../../src/contracts/ids.ts';
import type { Params } from '../../src/contracts/video.ts';
import type { VideoPart } from '../../src/planning/scene-key.ts';
import { planScenes } from '../../src/planning/scene-plan.ts';

const never = new AbortController().signal;
const keyOf = (name: string) => createHash('sha256').update(name).digest('hex') as SceneKey;
/** Of every video: a soundtrack, a scene with its name and one with its count. */
const partsOf = ({ name, count }: Params): VideoPart[] =>
  ['s', `n${name}`, `c${count}`].map((key) => ({ key: keyOf(key), scene: null, params: {} }));
const plan = (variants: readonly Params[], stored: readonly string[] = []) => {
  const asked: SceneKey[] = [];
  const isStored = async (key: SceneKey): Promise<boolean> => {
    asked.push(key);
    return stored.map(keyOf).includes(key);
  };
  return planScenes({ variants, partsOf, isStored }, never).then((scenes) => ({ ...scenes, asked }));
};

describe('scenes of a night', () => {
  test('are counted once each, and looked up once each', async () => {
    const { counts, asked } = await plan([
      { name: 'a', count: 1 },
      { name: 'a', count: 2 },
      { name: 'b', count: 2 },
    ]);
    expect(counts).toEqual({ sceneSlots: 9, distinctScenes: 5, storedScenes: 0, sharedScenes: 3 });
    expect(new Set(asked)).toEqual(new Set(['c1', 'c2', 'na', 'nb', 's'].map(keyOf)));
  });

  test('that several videos need come first, unless they are stored; what one needs is its own', async () => {
    const people = [
      { name: 'a', count: 1 },
      { name: 'b', count: 1 },
      { name: 'c', count: 3 },
    ];
    expect([...(await plan(people)).shared()].map(({ key }) => key)).toEqual(['s', 'c1'].map(keyOf));
    expect([...(await plan(people, ['s', 'na'])).shared()].map(({ key }) => key)).toEqual([keyOf('c1')]);
  });

  test('make a video joinable when all of them are stored or come first', async () => {
    const people = [
      { name: 'a', count: 1 },
      { name: 'b', count: 1 },
    ];
    const { isJoinable, counts } = await plan(people, ['na']);
    expect(people.map((_, nth) => isJoinable(nth))).toEqual([true, false]);
    expect(counts.storedScenes).toBe(1);
  });

  test('of nobody are none, and a video without scenes is not joinable', async () => {
    expect((await plan([])).counts).toEqual({ sceneSlots: 0, distinctScenes: 0, storedScenes: 0, sharedScenes: 0 });
    const whole = await planScenes({ variants: [{}], partsOf: () => [], isStored: async () => true }, never);
    expect(whole.isJoinable(0)).toBe(false);
  });

  test('of a hundred thousand videos are planned without looking anything up twice', async () => {
    const many = Array.from({ length: 100_000 }, (_, n) => ({ name: `n${n % 20_000}`, count: n % 50 }));
    const { counts, asked } = await plan(many);
    expect(counts).toEqual({ sceneSlots: 300_000, distinctScenes: 20_051, storedScenes: 0, sharedScenes: 20_051 });
    expect(asked).toHaveLength(20_051);
  }, 30_000);

  test('are not looked up any further once the plan is cancelled, and a store that refuses ends it', async () => {
    const refused = planScenes(
      { variants: [{ name: 'a' }], partsOf, isStored: () => Promise.reject(new Error('403')) },
      never,
    );
    await expect(refused).rejects.toThrow('403');
    const cancelled = planScenes(
      { variants: [{ name: 'a' }], partsOf, isStored: async () => true },
      AbortSignal.abort(),
    );
    await expect(cancelled).rejects.toThrow();
  });
});
