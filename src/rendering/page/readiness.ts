/** What a page says when it was asked to get ready, and the words for what it lacks. */

import { z } from 'zod';

/** Things that a page has one of: they can be told by a name that no page makes up. */
const SINGLE = {
  readyEvent: "the event 'hf-params-ready'",
  timelinesBuilt: 'the end of window.__hfTimelinesBuilding',
  composition: 'a timeline with a duration, or window.__hf.seek',
} as const;
const COUNTED = ['timeline', 'image', 'font'] as const;

const missingThing = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(Object.keys(SINGLE) as (keyof typeof SINGLE)[]) }),
  /** `name` is the page's own text: an image's address may be made of a recipient's values. */
  z.object({ kind: z.enum(COUNTED), name: z.string() }),
]);
export type MissingThing = z.infer<typeof missingThing>;

export const readiness = z.object({
  missing: z.array(missingThing),
  /** Videos that have a place on the timeline. */
  videos: z.int(),
  missingFonts: z.array(z.string()),
  /** Families with a face whose file could not be read; the page's own text. */
  brokenFonts: z.array(z.string()),
  durationMs: z.number(),
});
export type Readiness = z.infer<typeof readiness>;

const LISTED = 5;

/** The first few of some names, each once. */
export const list = (names: readonly string[]): string => [...new Set(names)].slice(0, LISTED).join(', ');

/** `2 images and 1 font`, and their names as a failure's `detail`. */
export function describeMissing(missing: readonly MissingThing[]): { what: string; detail: string | undefined } {
  const singles = missing.flatMap((thing) => ('name' in thing ? [] : [SINGLE[thing.kind]]));
  const counts = COUNTED.flatMap((kind) => {
    const count = missing.filter((thing) => thing.kind === kind).length;
    return count === 0 ? [] : [`${count} ${kind}${count === 1 ? '' : 's'}`];
  });
  const names = missing.flatMap((thing) => ('name' in thing ? [`${thing.kind} ${thing.name}`] : []));
  return {
    what: [...new Set([...singles, ...counts])].join(' and '),
    detail: names.length === 0 ? undefined : list(names),
  };
}
