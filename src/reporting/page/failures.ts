import { count, WHO_ACTS } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { BatchReport } from '../report-json.ts';
import { shown, variant, whyCommand } from './shown.ts';

/** By class: what it means, who acts, a few examples, and what to run once the cause is gone. */
export function failures({ failures: classes, summary }: BatchReport): Html {
  if (classes.length === 0) return html`<section><h2>Failures</h2><p class="quiet">None.</p></section>`;
  return html`<section>
<h2>Failures</h2>
${classes.map(
  ({ failureClass, actor, sentence, count: number, examples, ui }, n) => html`<article class="failure">
<p class="total">${shown(`failures.${n}.count`, count(number))}</p>
<div>
<h3>${failureClass} <span>${WHO_ACTS[actor]}</span>${ui === null ? null : html` <a href="${ui}">in Temporal</a>`}</h3>
<p>${sentence}</p>
<ul>
${examples.map(({ key, message, ui: link }) => html`<li>${variant(key, link)} <span class="message">${message}</span></li>`)}
</ul>
${examples.length === 0 ? null : html`<p class="quiet">All that is known of ${ui === null && examples.length > 1 ? 'each' : 'the first'}:${examples.slice(0, ui === null ? undefined : 1).map(({ key }) => html` <code>${whyCommand(key, summary.batchId)}</code>`)}</p>`}
</div>
</article>`,
)}
${repairs(classes)}
</section>`;
}

const WHEN = {
  run: 'once put right, run the night again:',
  backfill: 'once the cause is gone, render what is missing:',
} as const;

function repairs(classes: BatchReport['failures']): (Html | null)[] {
  return (['run', 'backfill'] as const).map((way) => {
    const of = classes.filter(({ repair }) => repair?.way === way);
    const command = of[0]?.repair?.command;
    if (command === undefined) return null;
    return html`<p class="quiet">${of.map(({ failureClass }) => failureClass).join(', ')}: ${WHEN[way]} <code>${command}</code></p>
`;
  });
}
