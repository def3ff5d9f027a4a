/** Which frames of a film are looked at. Pure. */

import type { Template } from '../../templates/template.ts';

type Film = Pick<Template, 'frameCount' | 'scenes'>;

/** More scenes than this are looked at in turns. */
const MOST_SCENES = 12;
/** Shares of a scene at which what has come in is there, and nothing leaves yet. */
const CALM = [0.5, 0.75];

/** Frames spread over the film, no two the same. With scenes, each of them is seen near its middle and near its end. */
export function momentsOf(film: Film, count: number): number[] {
  return inOrder([...even(film.frameCount, count), ...restsIn(film).flat()]);
}

/** One frame from every scene, past its middle, and with few scenes some of the rest of the film: at least `count`, and not many more than there are scenes. */
export function momentsInScenes(film: Film, count: number): number[] {
  const inside = spread(film.scenes, MOST_SCENES).map(({ start, end }) => start + Math.floor(0.6 * (end - start)));
  return inOrder([...inside, ...even(film.frameCount, Math.max(0, count - inside.length))]);
}

/**
 * Groups of moments at all of which a film has come to rest, if it does at all: two in each scene. Without scenes nobody knows where that is:
 * three moments one after the other, out of `count`.
 */
export function restsOf(film: Film, count: number): (readonly number[])[] {
  if (film.scenes.length > 0) return restsIn(film);
  const moments = inOrder(even(film.frameCount, count));
  return moments.length < 3 ? [moments] : moments.slice(2).map((_, index) => moments.slice(index, index + 3));
}

/** `count` of them, in their order; others with every turn, so that all have theirs. */
export function inTurn<T>(all: readonly T[], turn: number, count: number): T[] {
  if (all.length <= count) return [...all];
  const taken = new Set(Array.from({ length: count }, (_, index) => (turn * count + index) % all.length));
  return all.filter((_, index) => taken.has(index));
}

/** Some of many, the first and the last among them. */
export function spread<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all];
  return Array.from({ length: count }, (_, index) => all[Math.round((index * (all.length - 1)) / (count - 1))] as T);
}

const even = (frameCount: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => Math.floor(((index + 0.5) * frameCount) / count));

const restsIn = ({ scenes }: Film): number[][] =>
  scenes.map(({ start, end }) => CALM.map((share) => start + Math.floor(share * (end - start))));

const inOrder = (frames: readonly number[]): number[] => [...new Set(frames)].sort((a, b) => a - b);
