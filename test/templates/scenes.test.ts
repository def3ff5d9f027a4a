import { describe, expect, test } from '@jest/globals';
import { declaredParams, readScenes, type SceneDeclaration } from '../../src/templates/scenes.ts';

type Declared = NonNullable<SceneDeclaration['scenes']>[number];

const scene = (
  id: string,
  start: Declared['start'],
  duration: Declared['duration'],
  params: string[] = [],
): Declared => ({
  id,
  start,
  duration,
  params,
});

const read = (scenes: Declared[] | undefined, changes: Partial<SceneDeclaration> = {}) =>
  readScenes(
    {
      ...{ scenes, soundtrack: undefined, contract: 'warm', fps: 30, frameCount: 90, paramNames: ['name', 'count'] },
      ...changes,
    },
    (what) => new Error(what),
  );

describe('scenes', () => {
  test('are read in frames and in exact seconds', () => {
    const scenes = [scene('hello', 0, 1, ['name']), scene('count', 1, '1.1s', ['count']), scene('end', 34, '1.86666s')];
    expect(() => read(scenes)).toThrow(/'end' has duration "1.86666s", no whole number of frames at 30 a second/);
    scenes[2] = scene('end', 34, 56);
    expect(read(scenes)).toEqual([
      { id: 'hello', start: 0, end: 1, params: ['name'] },
      { id: 'count', start: 1, end: 34, params: ['count'] },
      { id: 'end', start: 34, end: 90, params: [] },
    ]);
  });

  test('in seconds are counted as written, where a binary fraction would not come out whole', () => {
    const [first] = read([scene('a', '0s', '0.29s'), scene('b', 29, 71)], { fps: 100, frameCount: 100 });
    expect([0.29 * 100, first?.end]).toEqual([28.999999999999996, 29]);
  });

  test('may be one for everything, or none', () => {
    expect(read([scene('all', 0, '3s', ['name', 'count'])])).toHaveLength(1);
    expect(read(undefined)).toEqual([]);
  });

  test.each([
    [[scene('a', 0, 40), scene('b', 39, 51)], /'b' begins at frame 39, before the end of the one before \(40\)/],
    [[scene('b', 40, 50), scene('a', 0, 40)], /no scene has the frames from 0 to 39, before 'b'/],
    [[scene('a', 0, 40), scene('b', 41, 49)], /no scene has the frames from 40 to 40, before 'b'/],
    [[scene('a', 0, 40)], /no scene has the frames from 40 to 89, at the end/],
    [[scene('a', 1, 89)], /no scene has the frames from 0 to 0, before 'a'/],
    [[scene('a', 0, 91)], /'a' ends after frame 90; the last one is 89/],
    [[scene('a', 0, '1.01s'), scene('b', 30, 60)], /'a' has duration "1.01s", no whole number of frames/],
    [[scene('a', 0, 0), scene('b', 0, 90)], /'a' has no frame/],
    [[scene('a', 0, 45), scene('a', 45, 45)], /two scenes 'a'/],
    [[scene('a', 0, 90, ['nmae'])], /'a' names param 'nmae', which the schema does not have/],
    [[scene('a', 0, 90, ['name', 'name'])], /'a' names param 'name' twice/],
  ])('%j are refused', (scenes, message) => {
    expect(() => read(scenes)).toThrow(message);
  });

  test('are refused for a stock composition, which has all params before anything is drawn', () => {
    expect(() => read([scene('a', 0, 90)], { contract: 'stock' })).toThrow(/contract 'stock'.*cannot have scenes/);
  });

  test('may have a soundtrack with params; without scenes there is nothing for them to say', () => {
    expect(read([scene('a', 0, 90)], { soundtrack: { params: ['count'] } })).toHaveLength(1);
    expect(() => read([scene('a', 0, 90)], { soundtrack: { params: ['volume'] } })).toThrow(
      /soundtrack names param 'volume'/,
    );
    expect(() => read(undefined, { soundtrack: { params: [] } })).toThrow(/only templates with scenes/);
  });
});

test("a scene's params are the placeholder's but for those that it declares", () => {
  const placeholder = { name: 'Alex', count: 1, badge: 'star' };
  expect(declaredParams(placeholder, ['count'], { name: 'Ada', count: 7 })).toEqual({ ...placeholder, count: 7 });
  expect(declaredParams(placeholder, [], { name: 'Ada', count: 7 })).toEqual(placeholder);
  // What the recipient does not have is not made up.
  expect(declaredParams(placeholder, ['badge'], { name: 'Ada', count: 7 })).toEqual({ name: 'Alex', count: 1 });
});
