import { count, percent } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { BatchReport } from '../report-json.ts';
import { shown } from './shown.ts';

/** From people to videos, and what became of these. */
export function funnel({ summary, plan }: BatchReport): Html {
  const { recipients, rejected, variants, cached, rendered, failed, pointers } = summary;
  const longest = Math.max(recipients + rejected, variants, pointers, 1);
  const row = (
    [name, label]: readonly [
      'recipients' | 'rejected' | 'variants' | 'cached' | 'rendered' | 'failed' | 'pointers',
      string,
    ],
    note: Html | string,
    tone = '',
  ): Html => {
    const value = summary[name];
    return html`<li class="${tone}${value === 0 ? ' none' : ''}">
<span class="name">${label}</span>
<span class="track"><i style="width:${((value / longest) * 100).toFixed(2)}%"></i></span>
<span class="amount">${shown(`summary.${name}`, count(value))}</span>
<span class="remark">${note}</span>
</li>`;
  };
  const share = (value: number): string => (variants > 0 ? percent(value / variants) : '');
  const shared = recipients > variants ? `${percent(1 - variants / recipients)} fewer: people share videos` : '';
  const sources = [
    plan.carriedOver > 0 ? html`${shown('plan.carriedOver', count(plan.carriedOver))} from earlier nights` : null,
    plan.duplicates > 0 ? html`${shown('plan.duplicates', count(plan.duplicates))} repeated rows` : null,
  ].filter((source) => source !== null);
  return html`<section>
<h2>From people to videos</h2>
<ol class="funnel">
${row(['recipients', 'Recipients'], html`${sources.map((source, n) => [n > 0 ? ', ' : '', source])}`)}
${row(['rejected', 'Rejected rows'], rejected > 0 ? 'see rejects.jsonl' : '', 'warn')}
${row(['variants', 'Distinct variants'], shared)}
${row(['cached', 'Cached'], share(cached), 'part soft')}
${row(['rendered', 'Rendered'], share(rendered), 'part')}
${row(['failed', 'Failed'], share(failed), 'part bad')}
${row(['pointers', 'Published pointers'], pointers < recipients ? `${count(recipients - pointers)} recipients keep what they had` : '')}
</ol>
</section>`;
}
