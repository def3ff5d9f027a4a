import { count, decimal, percent, seconds } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { BatchReport } from '../report-json.ts';
import { folded, measured, shown, table, variant, whyCommand } from './shown.ts';

/** How long renders took. */
export function renderTimes({ renderMs, summary }: BatchReport, plot: Html | null): Html {
  const bins = renderMs.histogram;
  if (bins.length === 0) return html``;
  const busiest = bins.reduce((best, bin, n) => (bin.count > (bins[best]?.count ?? 0) ? n : best), 0);
  const bin = bins[busiest];
  return html`<section>
<h2>Render times</h2>
<figure>
${plot}
<figcaption>${shown('summary.rendered', count(summary.rendered))} ${summary.rendered === 1 ? 'render' : 'renders'}, ${shown(`renderMs.histogram.${busiest}.count`, count(bin?.count ?? 0))} of them between ${shown(`renderMs.histogram.${busiest}.fromMs`, seconds(bin?.fromMs ?? 0))} and ${shown(`renderMs.histogram.${busiest}.toMs`, seconds(bin?.toMs ?? 0))}; the longest took ${shown('renderMs.max', seconds(renderMs.max))}.</figcaption>
</figure>
${folded(
  'As a table',
  table({
    caption: 'Renders by how long they took',
    head: ['From', 'To', 'Renders'],
    rows: bins.flatMap(({ fromMs, toMs, count: number }, n) =>
      number === 0
        ? []
        : [
            [
              shown(`renderMs.histogram.${n}.fromMs`, seconds(fromMs)),
              shown(`renderMs.histogram.${n}.toMs`, seconds(toMs)),
              shown(`renderMs.histogram.${n}.count`, count(number)),
            ],
          ],
    ),
  }),
)}
</section>`;
}

/** Where that time went. */
export function stages({ stages: all, summary }: BatchReport, plot: Html | null): Html {
  if (summary.rendered === 0) return html``;
  if (plot === null) return html`<section><h2>Stages of a render</h2><p class="quiet">Not measured.</p></section>`;
  return html`<section>
<h2>Stages of a render</h2>
<figure>${plot}</figure>
${table({
  caption: 'Stages of a render',
  head: ['Stage', 'Median', 'p95', 'Share'],
  rows: all.stages.map(({ stage, msP50, msP95, share }, n) => [
    stage,
    shown(`stages.stages.${n}.msP50`, seconds(msP50)),
    shown(`stages.stages.${n}.msP95`, seconds(msP95)),
    shown(`stages.stages.${n}.share`, percent(share)),
  ]),
})}
${all.measured < summary.rendered ? html`<p class="quiet">Of ${shown('stages.measured', count(all.measured))} of ${shown('summary.rendered', count(summary.rendered))} renders; the others were not measured.</p>` : null}
</section>`;
}

/** How many videos were made when, and how many at a time. */
export function throughput({ throughput: all, summary }: BatchReport, plot: Html | null): Html {
  if (summary.rendered === 0) return html``;
  if (plot === null) return html`<section><h2>Throughput</h2><p class="quiet">Not measured.</p></section>`;
  const { bins, later, perMinutePeak, concurrentPeak, workersPeak } = all;
  return html`<section>
<h2>Throughput</h2>
<figure>
${plot}
<figcaption>At most ${measured('throughput.perMinutePeak', perMinutePeak, decimal)} videos a minute and ${measured('throughput.concurrentPeak', concurrentPeak, decimal)} at the same time. That is reckoned from when each render ended and how long it took: so many places of workers were busy${workersPeak === null ? ', however many there were' : html`, of at most ${shown('throughput.workersPeak', count(workersPeak))} ${workersPeak === 1 ? 'worker' : 'workers'} at once`}.${later > 0 ? html` ${shown('throughput.later', count(later))} more were rendered by repairs, after the night had closed.` : null}</figcaption>
</figure>
${folded(
  'As a table',
  table({
    caption: 'Videos made in each part of the night, times in UTC',
    head: ['From', 'Videos', 'A minute', 'At the same time', 'Workers'],
    rows: bins.map(({ from, variants, perMinute, concurrent, workers }, n) => [
      html`<time datetime="${from}">${from.slice(11, 19)}</time>`,
      shown(`throughput.bins.${n}.variants`, count(variants)),
      shown(`throughput.bins.${n}.perMinute`, decimal(perMinute)),
      shown(`throughput.bins.${n}.concurrent`, decimal(concurrent)),
      workers === null ? '–' : shown(`throughput.bins.${n}.workers`, count(workers)),
    ]),
  }),
)}
</section>`;
}

/** The renders that took longest, where, and what tells more. */
export function slowest({ slowest: all, summary }: BatchReport): Html {
  if (all.length === 0) return html``;
  return html`<section>
<h2>Slowest videos</h2>
${table({
  caption: 'The renders that took longest',
  look: 'words',
  head: ['Video', 'Took', 'Processor', 'Stages'],
  rows: all.map(({ key, renderMs, cpuMs, stages: times, ui }, n) => [
    variant(key, ui),
    shown(`slowest.${n}.renderMs`, seconds(renderMs)),
    measured(`slowest.${n}.cpuMs`, cpuMs, seconds),
    times === null
      ? html`<span class="quiet">not measured</span>`
      : html`${Object.entries(times).map(
          ([stage, ms]) =>
            html`<span class="stage">${stage} ${shown(`slowest.${n}.stages.${stage}`, seconds(ms ?? 0))}</span> `,
        )}`,
  ]),
})}
${folded(
  'All that is known of each',
  html`<ul>${all.map(({ key }) => html`<li><code>${whyCommand(key, summary.batchId)}</code></li>`)}</ul>`,
)}
</section>`;
}
