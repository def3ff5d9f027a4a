/** `overflow`: at the extremes, no text is cut off, shortened or laid on another. */

import type { Inspection } from '../../rendering/inspection.ts';
import type { Finding } from '../finding.ts';
import { momentsOf, restsOf } from './moments.ts';
import { marked } from './pictures.ts';
import { lineOfElement, textOf } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck, RenderedCheckInput } from './rendered-check.ts';
import { listed, type Sample } from './samples.ts';
import { type Box, type LaidOutText, readTexts } from './texts.ts';

const MOMENTS = 12;
/** One word of a text that is set letter by letter says enough. */
const LISTED = 20;

/** What moves less than this share of the page's shorter side is at rest. */
const STILL = 0.02;

type Kind = 'cut' | 'outside' | 'shortened' | 'overlap';

/** What is wrong with an element, or with two of them, in all samples where it is. */
interface Trouble {
  readonly kind: Kind;
  readonly texts: readonly LaidOutText[];
  readonly frame: number;
  readonly samples: [Sample, ...Sample[]];
}

export const overflow: RenderedCheck = {
  id: 'overflow',
  async run(input) {
    const { drawn } = await rehearse(input);
    const { template, rendition, renderer, signal, onStep } = input;
    onStep(`reading the texts of ${drawn.length} samples`);
    return await renderer.inspect(
      { template, rendition },
      async (page) => {
        const troubles = new Map<string, Trouble>();
        for (const sample of drawn) {
          await page.open(sample.params);
          for (const { key, ...trouble } of await troublesOf(page, input)) {
            const known = troubles.get(key);
            if (known === undefined) troubles.set(key, { ...trouble, samples: [sample] });
            else known.samples.push(sample);
          }
        }
        const findings: Finding[] = [];
        for (const trouble of [...troubles.values()].slice(0, LISTED)) {
          findings.push(await findingOf(page, input, trouble));
        }
        return findings;
      },
      { signal },
    );
  },
};

type Found = Omit<Trouble, 'samples'> & { readonly key: string };

/** What one frame says of an element, or of two. */
interface Sight {
  readonly isWrong: boolean;
  readonly texts: readonly LaidOutText[];
}

class Sights {
  private readonly seen = new Map<string, { readonly kind: Kind; readonly byFrame: Map<number, Sight> }>();

  note(kind: Kind, key: string, frame: number, sight: Sight): void {
    const known = this.seen.get(`${kind} ${key}`) ?? { kind, byFrame: new Map<number, Sight>() };
    known.byFrame.set(frame, sight);
    this.seen.set(`${kind} ${key}`, known);
  }

  /** Pairs that lay on each other in some frame. */
  get pairs(): (readonly LaidOutText[])[] {
    return [...this.seen.values()].flatMap(({ kind, byFrame }) => {
      const [first] = byFrame.values();
      return kind === 'overlap' && first !== undefined ? [first.texts] : [];
    });
  }

  /**
   * What is so in every frame that shows it, or where the film has come to rest. A text that slides in from behind an edge is cut off in some frames,
   * two that take turns may lie on each other while they do: that is how they were meant.
   */
  troubles(rests: readonly (readonly number[])[], stillWithin: number): Found[] {
    return [...this.seen].flatMap(([key, { kind, byFrame }]): Found[] => {
      const all = [...byFrame];
      const frame =
        restOf(byFrame, rests, stillWithin) ?? (all.every(([, { isWrong }]) => isWrong) ? all[0]?.[0] : undefined);
      const sight = frame === undefined ? undefined : byFrame.get(frame);
      return frame === undefined || sight === undefined ? [] : [{ key, kind, frame, texts: sight.texts }];
    });
  }
}

/** The first frame of a rest in which it is wrong throughout; undefined: there is none. */
const restOf = (
  byFrame: ReadonlyMap<number, Sight>,
  rests: readonly (readonly number[])[],
  within: number,
): number | undefined =>
  rests.find((frames) =>
    isWrongAndStill(
      frames.map((frame) => byFrame.get(frame)),
      within,
    ),
  )?.[0];

function isWrongAndStill(sights: readonly (Sight | undefined)[], within: number): boolean {
  const [first] = sights;
  return sights.every((sight) => sight?.isWrong === true && isNear(first, sight, within));
}

const isNear = (one: Sight | undefined, other: Sight, within: number): boolean =>
  other.texts.every(({ bounds }, index) => {
    const before = one?.texts[index]?.bounds;
    return (
      before !== undefined &&
      (['left', 'top', 'right', 'bottom'] as const).every((side) => Math.abs(bounds[side] - before[side]) <= within)
    );
  });

async function troublesOf(page: Inspection, { template }: RenderedCheckInput): Promise<Found[]> {
  const sights = new Sights();
  // One by one: of a list, some rows are seen and the last ones are not.
  const outside = new Map<string, Map<number, Sight>>();
  const shown = new Set<string>();
  for (const frame of momentsOf(template, MOMENTS)) {
    await page.seek(frame);
    const { texts, overlaps, runOut } = await readTexts(page, template);
    for (const text of texts) shown.add(oneKeyOf(text));
    for (const text of runOut) {
      const key = oneKeyOf(text);
      outside.set(key, (outside.get(key) ?? new Map()).set(frame, { isWrong: true, texts: [text] }));
    }
    for (const [key, same] of Map.groupBy(texts, keyOf)) {
      const [first] = same;
      if (first === undefined) continue;
      // Of a text in many parts, one part that is cut off is enough.
      const cut = same.find(({ isCut, isShortened }) => isCut && !isShortened);
      const short = same.find(({ isShortened }) => isShortened);
      sights.note('cut', key, frame, { isWrong: cut !== undefined, texts: [cut ?? first] });
      sights.note('shortened', key, frame, { isWrong: short !== undefined, texts: [short ?? first] });
    }
    const pairs = new Map(overlaps.map((pair) => [pairKeyOf(pair), pair]));
    const keys = new Set(texts.map(keyOf));
    for (const both of sights.pairs) {
      if (pairs.has(pairKeyOf(both)) || !both.every((text) => keys.has(keyOf(text)))) continue;
      sights.note('overlap', pairKeyOf(both), frame, { isWrong: false, texts: both });
    }
    for (const [key, texts] of pairs) sights.note('overlap', key, frame, { isWrong: true, texts });
  }
  const rests = restsOf(template, MOMENTS);
  const stillWithin = STILL * Math.min(template.width, template.height);
  const gone = [...outside].filter(([key]) => !shown.has(key));
  const lost = gone.flatMap(([, byFrame]): Found[] => {
    const frame = restOf(byFrame, rests, stillWithin);
    const text = frame === undefined ? undefined : byFrame.get(frame)?.texts[0];
    if (frame === undefined || text === undefined) return [];
    return [{ key: `outside ${keyOf(text)}`, kind: 'outside', frame, texts: [text] }];
  });
  const byElement = new Map(lost.map((one) => [one.key, one]));
  return [...sights.troubles(rests, stillWithin), ...byElement.values()];
}

/** By name: the parts of a text that is set letter by letter are one. */
const keyOf = ({ names }: LaidOutText): string => names.slice(0, 2).map(textOf).join(' in ');
const pairKeyOf = (pair: readonly LaidOutText[]): string => pair.map(keyOf).join(' on ');
/** Of one text: rows of a list have the same names, and perhaps say the same. */
const oneKeyOf = ({ names, nth, text }: LaidOutText): string => JSON.stringify([names, nth, text]);

async function findingOf(
  page: Inspection,
  { template }: RenderedCheckInput,
  { kind, texts, frame, samples }: Trouble,
): Promise<Finding> {
  const [{ params }] = samples;
  await page.open(params);
  const boxes: Box[] = texts.map(({ bounds }) => bounds);
  const picture = await marked(await page.frame(frame), page.size, template, boxes);
  const elements = texts.map(({ names }) =>
    textOf(names.find(({ id, classes }) => id !== '' || classes.length > 0) ?? { tag: 'text', id: '', classes: [] }),
  );
  const where = `at frame ${frame}, with: ${listed(samples.map(({ label }) => label))}`;
  const place = lineOfElement(template, texts[0]?.names ?? []);
  const why = 'Somebody with such a name or number gets a video in which it cannot be read.';
  switch (kind) {
    case 'cut':
      return {
        rule: 'text-overflow',
        severity: 'error',
        ...place,
        what: `The text of ${elements[0]} is cut off ${where}.`,
        why,
        fix: 'Let the text wrap or shrink until it fits (measure it when params come), or have the schema allow less (maxLength, maximum).',
        picture,
      };
    case 'outside':
      return {
        rule: 'text-overflow',
        severity: 'error',
        ...place,
        what: `A text of ${elements[0]} lies where no frame shows it ${where}.`,
        why: 'There is more than the layout has room for: somebody never sees the last of it.',
        fix: 'Lay out less, or in less space (count and measure when params come), or have the schema allow less (maxItems, maxLength).',
        picture,
      };
    case 'shortened':
      return {
        rule: 'text-shortened',
        severity: 'warning',
        ...place,
        what: `The text of ${elements[0]} ends in dots or lacks lines ${where}.`,
        why: 'Somebody sees their own name cut short.',
        fix: 'Let the text wrap or shrink until it fits, or have the schema allow less (maxLength).',
        picture,
      };
    case 'overlap':
      return {
        rule: 'text-overlap',
        severity: 'warning',
        ...place,
        what: `The texts of ${elements.join(' and ')} lie on each other ${where}.`,
        why,
        fix: 'Lay them out one after the other (flex, grid) instead of at fixed places, or shrink the one that grows.',
        picture,
      };
  }
}
