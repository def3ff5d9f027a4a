/** `runtime`: what the engine itself finds while it draws: timers, transitions, a page that grows. */

import { FINDINGS, type FindingKind } from '../../rendering/page/findings.ts';
import type { Finding } from '../finding.ts';
import { type Place, placeIn } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck, RenderedCheckInput } from './rendered-check.ts';

export const runtime: RenderedCheck = {
  id: 'runtime',
  async run(input) {
    const { found } = await rehearse(input);
    const { template } = input;
    const once = new Map(found.map((one) => [`${one.kind} ${one.place}`, one]));
    return [...once.values()].map(({ kind, place }): Finding => {
      const { weight, sentence } = FINDINGS[kind];
      const [what, fix] = halves(sentence);
      const where = placeIn(place);
      const isLost = kind === 'timer' && isOwnCode(template, where);
      return {
        rule: ruleOf(kind),
        severity: weight === 'refused' || isLost ? 'error' : 'warning',
        ...where,
        what: `The template ${what}`,
        why:
          weight === 'refused'
            ? 'The picture would be another one each time: every video fails.'
            : isLost
              ? 'What the timer would have changed is in no video.'
              : 'Every video is the same each time, and perhaps not what was meant.',
        fix: fix === '' ? 'docs/templates.md says what moves a page.' : fix,
      };
    });
  },
};

/** Lines that nobody writes are those of a library, whose timers as a rule are for what no frame shows. */
const PACKED = 300;

function isOwnCode({ files }: RenderedCheckInput['template'], { file, line }: Place): boolean {
  const source = file === null ? undefined : files.get(file);
  if (source === undefined || line === null) return false;
  const text = Buffer.from(source).toString('utf8').split('\n')[line - 1] ?? '';
  return text.length <= PACKED;
}

/** `transitionInFrame` → `transition-in-frame`. */
const ruleOf = (kind: FindingKind): string => kind.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** What was found, and what to do: the last sentence. */
function halves(sentence: string): readonly [string, string] {
  const sentences = sentence.split(/(?<=\.) /);
  const last = sentences.length > 1 ? (sentences.pop() ?? '') : '';
  return [sentences.join(' '), last];
}
