/** `params-ready`: a warm page takes everybody's params, in good time, and draws them. */

import type { Failure } from '../../contracts/failures.ts';
import type { Finding } from '../finding.ts';
import { type Place, placeIn, placeOfListener } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck } from './rendered-check.ts';
import { hasMarkup, listed } from './samples.ts';

/**
 * What a page gets in a night is 5 s. Half of that on a machine with nothing else to do is too near: workers draw in all their slots
 * at once, and a machine is slower by half from one hour to the next (docs/performance.md).
 */
const NEAR_MS = 2_500;

export const paramsReady: RenderedCheck = {
  id: 'params-ready',
  async run(input) {
    const { drawn, failed, readyMs } = await rehearse(input);
    const listener = placeOfListener(input.template);
    // What markup does is told by the check that is about it.
    const told = failed.filter(({ sample }) => !hasMarkup(sample.params) || drawn.length === 0);
    const findings = Map.groupBy(told, ({ failure }) => failure.message)
      .values()
      .flatMap((same) => {
        const [first] = same;
        const labels = same.map(({ sample }) => sample.label);
        return first === undefined ? [] : [failureFinding(first.failure, labels, listener)];
      })
      .toArray();
    const slowest = Math.max(0, ...readyMs);
    if (slowest >= NEAR_MS) {
      findings.push({
        rule: 'params-slow',
        severity: 'error',
        ...listener,
        what: `The page took ${Math.round(slowest)} ms from params to hf-params-ready; a render gives it 5,000.`,
        why: 'On a worker that is busy in all its slots it would be too late, and the video would fail.',
        fix: 'Do less when params come: prepare what does not depend on them while the page loads.',
      });
    }
    return findings;
  },
};

/** @param listener where the page takes params. */
function failureFinding(failure: Failure, labels: readonly string[], listener: Place): Finding {
  const { failureClass, message, detail } = failure;
  const isLate = failureClass === 'TemplateNotReady' && message.includes('hf-params-ready');
  const place = placeIn(message);
  const said = detail === undefined ? '' : ` It said: ${detail.slice(0, 200)}.`;
  return {
    rule: isLate ? 'never-ready' : 'does-not-draw',
    severity: 'error',
    ...(isLate && place.file === null ? listener : place),
    what: `${message} With: ${listed(labels)}.${said}`,
    why: 'The video of everybody with such params fails, every night.',
    fix: isLate
      ? "Answer every message of type 'hf-params' with window.dispatchEvent(new Event('hf-params-ready')), on every path."
      : 'Let the page cope with everything that the schema allows, or have the schema allow less.',
  };
}
