import { ARROWS } from '../digest/figures.ts';
import { count, percent, seconds } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Plots } from '../plots.ts';
import type { BatchReport } from '../report-json.ts';
import { folded, shown, table } from './shown.ts';

const FORMATS = { variants: count, renderMsP95: seconds, failureRate: percent } as const;
const LABELS = { variants: 'Total variants', renderMsP95: 'Render time, p95', failureRate: 'Failure rate' } as const;

/** The night in three numbers, beside the campaign's last ones. */
export function figures(report: BatchReport, plots: Plots['figures']): Html {
  const { summary, nights } = report;
  const { renderMsP50, failed } = summary;
  const notes = {
    variants: html`for ${shown('summary.recipients', count(summary.recipients))} recipients`,
    renderMsP95:
      renderMsP50 === null
        ? html`nothing was rendered`
        : html`median ${shown('summary.renderMsP50', seconds(renderMsP50))}`,
    failureRate: failed === 0 ? html`no failures` : html`${shown('summary.failed', count(failed))} failed`,
  };
  return html`<section aria-label="The night in three numbers">
<div class="figures">
${(['variants', 'renderMsP95', 'failureRate'] as const).map((name) => {
  const value = summary[name];
  return html`<div class="figure${name === 'failureRate' && failed > 0 ? ' bad' : ''}">
<p class="label">${LABELS[name]}</p>
<p class="value">${value === null ? '–' : shown(`summary.${name}`, FORMATS[name](value))}</p>
<p class="note">${notes[name]}</p>
${usual(report, name)}${plots[name]}
</div>`;
})}
</div>
${nights.length === 0 ? html`<p class="quiet">There is no earlier night to compare with.</p>` : history(report)}
</section>`;
}

function usual({ figures: all }: BatchReport, name: keyof typeof FORMATS): Html | null {
  const at = all.findIndex((figure) => figure.name === name);
  const figure = all[at];
  if (figure === undefined || figure.usual === null) return null;
  const arrow = figure.trend === null ? '' : `${ARROWS[figure.trend]} `;
  return html`<p class="note">${arrow}usually ${shown(`figures.${at}.usual`, FORMATS[name](figure.usual))}</p>`;
}

const history = ({ nights }: BatchReport): Html =>
  folded(
    nights.length === 1 ? 'Compared with the night before' : 'Compared with the last nights, whose median is the usual',
    table({
      caption: 'The nights before',
      head: ['Night', 'Variants', 'Render time, p95', 'Failure rate'],
      rows: nights.map(({ businessDate, variants, renderMsP95, failureRate }, n) => [
        html`<time>${businessDate}</time>`,
        shown(`nights.${n}.variants`, count(variants)),
        renderMsP95 === null ? '–' : shown(`nights.${n}.renderMsP95`, seconds(renderMsP95)),
        shown(`nights.${n}.failureRate`, percent(failureRate)),
      ]),
    }),
  );
