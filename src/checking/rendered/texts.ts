/** The texts that a frame shows, as the page itself lays them out. */

import { z } from 'zod';
import type { Inspection } from '../../rendering/inspection.ts';
import type { Template } from '../../templates/template.ts';
import { expressionIn } from './inject.ts';

const SCRIPT = expressionIn('texts.js');

const box = z.object({ left: z.number(), top: z.number(), right: z.number(), bottom: z.number() });
/** In CSS pixels of the template's page. */
export type Box = z.infer<typeof box>;

const laidOutText = z.object({
  /** The element that holds it and those around it, nearest first. */
  names: z.array(z.object({ tag: z.string(), id: z.string(), classes: z.array(z.string()) })),
  /** From 0: which of the texts of the page whose elements have these names. */
  nth: z.number(),
  text: z.string(),
  /** Around all of it, whether it is to be seen or not. */
  bounds: box,
});
export type LaidOutText = z.infer<typeof laidOutText>;

const shownText = laidOutText.extend({
  opacity: z.number(),
  /** Line by line, what nothing cuts off. */
  seen: z.array(box),
  /** The stage, or an element around it, cuts some of it off. */
  isCut: z.boolean(),
  /** It ends in dots, or in fewer lines than it has. */
  isShortened: z.boolean(),
  fontPx: z.number(),
  isBold: z.boolean(),
  /** Red, green and blue up to 255, alpha up to 1. */
  colour: z.tuple([z.number(), z.number(), z.number(), z.number()]),
});
export type ShownText = z.infer<typeof shownText>;

const answer = z.object({
  texts: z.array(shownText),
  overlaps: z.array(z.tuple([z.number(), z.number()])),
  runOut: z.array(laidOutText),
});

export interface ShownTexts {
  /** Only what is opaque enough to be read. */
  readonly texts: readonly ShownText[];
  /** Pairs of which one lies on the other. */
  readonly overlaps: readonly (readonly [ShownText, ShownText])[];
  /** What follows on something that is there, and is itself below the frame, right of it, or beyond the box that cuts it off. */
  readonly runOut: readonly LaidOutText[];
}

/** What the frame shows that was drawn last. */
export async function readTexts(
  page: Inspection,
  { width, height }: Pick<Template, 'width' | 'height'>,
): Promise<ShownTexts> {
  const stage = JSON.stringify({ width, height });
  const { texts, overlaps, runOut } = answer.parse(
    await page.evaluate(`(${SCRIPT})(nightreelStage.document, ${stage})`),
  );
  return {
    texts,
    runOut,
    overlaps: overlaps.flatMap(([one, other]) => {
      const [a, b] = [texts[one], texts[other]];
      return a === undefined || b === undefined ? [] : [[a, b] as const];
    }),
  };
}
