/** Parts that the sections of the page are made of. */

import { shortKey } from '../format.ts';
import { type Html, html } from '../html.ts';

/** A number of report.json, as the page shows it, with its place there. */
export const shown = (field: string, text: string): Html => html`<span data-field="${field}">${text}</span>`;

/** The same of one that may not have been measured. */
export const measured = <T>(field: string, value: T | null, format: (value: T) => string): Html =>
  value === null ? html`<span class="quiet" data-field="${field}">not measured</span>` : shown(field, format(value));

type Cell = Html | string;

export interface Table {
  readonly caption: string;
  readonly head: readonly string[];
  /** The first cell of each names its row. */
  readonly rows: readonly (readonly Cell[])[];
  readonly look?: 'words' | 'numbers';
}

export const table = ({ caption, head, rows, look = 'numbers' }: Table): Html => html`<table class="${look}">
<caption>${caption}</caption>
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows.map(
  ([name = '', ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`,
)}</tbody>
</table>`;

/** A plot's numbers, for whoever wants them or cannot see it. */
export const folded = (title: string, content: Html): Html =>
  html`<details><summary>${title}</summary>${content}</details>`;

/** A variant's first digits, and where they are a link, its workflows. */
export const variant = (key: string, ui: string | null): Html => {
  const digits = html`<code title="${key}">${shortKey(key)}</code>`;
  return ui === null ? digits : html`<a href="${ui}" title="in Temporal">${digits}</a>`;
};

/** What tells all that is known of a variant. */
export const whyCommand = (key: string, batchId: string): string => `nightreel why ${shortKey(key)} --batch ${batchId}`;
