/** Which frames of a film are looked at. Pure. */

import type { Template } from '../../templates/template.ts';

/** Frames spread over the film, no two the same. With scenes, each of them is seen near its middle and near its end. */
export function momentsOf({ frameCount, scenes }: Pick<Template, 'frameCount' | 'scenes'>, count: number): number[] {
  const even = Array.from({ length: count }, (_, index) => Math.floor(((index + 0.5) * frameCount) / count));
  const calm = scenes.flatMap(({ start, end }) =>
    [0.5, 0.75].map((share) => start + Math.floor(share * (end - start))),
  );
  return [...new Set([...even, ...calm])].sort((a, b) => a - b);
}
