/** `runtime`: what the engine itself finds while it draws: timers, transitions, a page that grows. */

import { FINDINGS, type FindingKind } from '../../rendering/page/findings.ts';
import type { Finding } from '../finding.ts';
import { placeIn } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck } from './rendered-check.ts';

export const runtime: RenderedCheck = {
  id: 'runtime',
  async run(input) {
    const { found } = await rehearse(input);
    const once = new Map(found.map((one) => [`${one.kind} ${one.place}`, one]));
    return [...once.values()].map(({ kind, place }): Finding => {
      const { weight, sentence } = FINDINGS[kind];
      const [what, fix] = halves(sentence);
      return {
        rule: ruleOf(kind),
        severity: weight === 'refused' ? 'error' : 'warning',
        ...placeIn(place),
        what: `The template ${what}`,
        why:
          weight === 'refused'
            ? 'The picture would be another one each time: every video fails.'
            : 'Every video is the same each time, and perhaps not what was meant.',
        fix: fix === '' ? 'docs/templates.md says what moves a page.' : fix,
      };
    });
  },
};

/** `transitionInFrame` → `transition-in-frame`. */
const ruleOf = (kind: FindingKind): string => kind.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** What was found, and what to do: the last sentence. */
function halves(sentence: string): readonly [string, string] {
  const sentences = sentence.split(/(?<=\.) /);
  const last = sentences.length > 1 ? (sentences.pop() ?? '') : '';
  return [sentences.join(' '), last];
}
