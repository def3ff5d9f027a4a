/** `overflow`: at the extremes, no text is cut off, shortened or laid on another. */

import type { Inspection } from '../../rendering/inspection.ts';
import type { Finding } from '../finding.ts';
import { momentsOf } from './moments.ts';
import { marked } from './pictures.ts';
import { lineOfElement, textOf } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck, RenderedCheckInput } from './rendered-check.ts';
import { listed, type Sample } from './samples.ts';
import { type Box, readTexts, type ShownText } from './texts.ts';

const MOMENTS = 12;
/** One word of a text that is set letter by letter says enough. */
const LISTED = 20;

type Kind = 'cut' | 'shortened' | 'overlap';

/** What is wrong with an element, or with two of them, in all samples where it is. */
interface Trouble {
  readonly kind: Kind;
  readonly texts: readonly ShownText[];
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

/**
 * What is so in every frame that shows it. A text that slides in from behind an edge is cut off in some of them, two that take turns may lie
 * on each other while they do: that is how they were meant.
 */
async function troublesOf(
  page: Inspection,
  { template }: RenderedCheckInput,
): Promise<(Omit<Trouble, 'samples'> & { readonly key: string })[]> {
  const seen = new Map<
    string,
    { shown: number; wrong: number; frame: number; texts: readonly ShownText[]; kind: Kind }
  >();
  const note = (kind: Kind, texts: readonly ShownText[], frame: number, isWrong: boolean): void => {
    const key = `${kind} ${texts.map(keyOf).join(' on ')}`;
    const known = seen.get(key) ?? { shown: 0, wrong: 0, frame, texts, kind };
    known.shown += 1;
    if (isWrong && known.wrong === 0) Object.assign(known, { frame, texts });
    known.wrong += isWrong ? 1 : 0;
    seen.set(key, known);
  };
  for (const frame of momentsOf(template, MOMENTS)) {
    await page.seek(frame);
    const { texts, overlaps } = await readTexts(page, template);
    for (const same of Map.groupBy(texts, keyOf).values()) {
      const [first] = same;
      if (first === undefined) continue;
      // Of a text in many parts, one part that is cut off is enough.
      const cut = same.find(({ isCut, isShortened }) => isCut && !isShortened);
      const short = same.find(({ isShortened }) => isShortened);
      note('cut', [cut ?? first], frame, cut !== undefined);
      note('shortened', [short ?? first], frame, short !== undefined);
    }
    const pairs = new Map(overlaps.map((pair) => [pair.map(keyOf).join(' on '), pair]));
    for (const pair of pairs.values()) note('overlap', pair, frame, true);
    for (const [key, { kind, texts: both }] of seen) {
      const [one, other] = both.map(keyOf);
      const isLaidApart =
        kind === 'overlap' &&
        !pairs.has(key.slice('overlap '.length)) &&
        [one, other].every((name) => texts.some((text) => keyOf(text) === name));
      if (isLaidApart) note('overlap', both, frame, false);
    }
  }
  return [...seen].flatMap(([key, { shown, wrong, ...trouble }]) =>
    wrong > 0 && wrong === shown ? [{ key, ...trouble }] : [],
  );
}

/** By name: the parts of a text that is set letter by letter are one. */
const keyOf = ({ names }: ShownText): string => names.slice(0, 2).map(textOf).join(' in ');

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
