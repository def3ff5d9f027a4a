/** `missing-glyph`: what people are called is drawn with the template's own fonts. */

import type { Inspection } from '../../rendering/inspection.ts';
import type { Finding } from '../finding.ts';
import { type Gaps, hasOwnFonts, readGaps } from './glyphs.ts';
import { momentsInScenes } from './moments.ts';
import { marked } from './pictures.ts';
import { lineOfElement, NOWHERE, textOf } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck, RenderedCheckInput } from './rendered-check.ts';
import { listed, type Sample } from './samples.ts';

const MOMENTS = 4;

const SCRIPTS = [
  ...['Arabic', 'Hebrew', 'Devanagari', 'Han', 'Hiragana', 'Katakana', 'Hangul', 'Thai', 'Cyrillic', 'Greek', 'Latin'],
] as const;

interface Seen extends Gaps {
  readonly sample: Sample;
  readonly frame: number;
}

export const missingGlyph: RenderedCheck = {
  id: 'missing-glyph',
  async run(input) {
    const { drawn } = await rehearse(input);
    const { template, rendition, renderer, signal, onStep } = input;
    onStep('asking which fonts draw what');
    return await renderer.inspect(
      { template, rendition },
      async (page) => {
        const seen: Seen[] = [];
        const known = new Set<string>();
        const moments = momentsInScenes(template, MOMENTS);
        let isOwn = true;
        // What is written in ASCII is drawn as the first one is.
        const different = drawn.filter(({ params }, index) => index === 0 || /[^ -~]/.test(JSON.stringify(params)));
        for (const sample of different) {
          await page.open(sample.params);
          isOwn = await hasOwnFonts(page);
          for (const frame of moments) {
            await page.seek(frame);
            for (const gaps of await readGaps(page, known)) seen.push({ ...gaps, sample, frame });
          }
        }
        const findings = isOwn ? [] : fallbackOfAll(seen);
        for (const [script, some] of Map.groupBy(
          seen.filter(({ missing }) => missing.length > 0),
          scriptOfMissing,
        )) {
          findings.push(await missingFinding(page, input, script, some));
        }
        if (!isOwn) return findings;
        for (const [script, some] of byScript(seen)) findings.push(fallbackFinding(input, script, some));
        return findings;
      },
      { signal },
    );
  },
};

const WHY_FALLBACK =
  'Another machine may have other fonts: then it draws other pictures, and its engine is another one (docs/determinism.md).';

/** Without a font of its own, a template need be told but once. */
function fallbackOfAll(seen: readonly Seen[]): Finding[] {
  const families = [...new Set(seen.flatMap((one) => one.families))];
  if (families.length === 0) return [];
  return [
    {
      rule: 'system-font',
      severity: 'warning',
      ...NOWHERE,
      what: `All text is drawn with fonts of this machine: ${listed(families)}.`,
      why: WHY_FALLBACK,
      fix: 'Bring the fonts as files or data: addresses in @font-face rules, and declare them in template.json.',
    },
  ];
}

function fallbackFinding({ template }: RenderedCheckInput, script: string, some: readonly Seen[]): Finding {
  const letters = [...new Set(some.flatMap(({ fallback }) => fallback.filter((one) => scriptOf(one) === script)))];
  const families = [...new Set(some.flatMap((one) => one.families))];
  return {
    rule: 'font-fallback',
    severity: 'warning',
    ...lineOfElement(
      template,
      some.map(({ element }) => element),
    ),
    what: `${script} in ${elementsOf(some)} is drawn with fonts of this machine (${listed(families)}): ${listed(letters, 12)}.`,
    why: WHY_FALLBACK,
    fix: `Bring a font for ${script} in an @font-face rule and name it in font-family, or keep such letters out by the schema.`,
  };
}

async function missingFinding(
  page: Inspection,
  { template }: RenderedCheckInput,
  script: string,
  some: readonly Seen[],
): Promise<Finding> {
  const letters = [...new Set(some.flatMap(({ missing }) => missing))];
  const [first] = some;
  const about: Finding = {
    rule: 'missing-glyph',
    severity: 'error',
    ...lineOfElement(
      template,
      some.map(({ element }) => element),
    ),
    what: `No font has ${script} in ${elementsOf(some)}: ${listed(letters, 12)}.`,
    why: 'People with such a name see boxes where it should be.',
    fix: `Bring a font for ${script} in an @font-face rule and name it in font-family, or keep such letters out by the schema.`,
  };
  if (first === undefined) return about;
  await page.open(first.sample.params);
  const picture = await marked(
    await page.frame(first.frame),
    page.size,
    template,
    first.box === null ? [] : [first.box],
  );
  return { ...about, picture };
}

const elementsOf = (some: readonly Seen[]): string =>
  listed([...new Set(some.map(({ element }) => textOf(element)))], 3);

function scriptOf(letter: string): string {
  if (/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(letter)) return 'emoji';
  return SCRIPTS.find((script) => new RegExp(`\\p{Script=${script}}`, 'u').test(letter)) ?? 'signs';
}

const scriptOfMissing = ({ missing }: Seen): string => scriptOf(missing[0] ?? '');

function byScript(seen: readonly Seen[]): Map<string, Seen[]> {
  const groups = new Map<string, Seen[]>();
  for (const one of seen) {
    for (const script of new Set(one.fallback.map(scriptOf))) groups.set(script, [...(groups.get(script) ?? []), one]);
  }
  return groups;
}
