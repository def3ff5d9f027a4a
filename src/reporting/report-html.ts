/** `report.html`: last night on one page, readable without anything but itself and the bucket. Pure but for its style sheet. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { objectKeys } from '../contracts/ids.ts';
import { count, duration, longDate, seconds, shortKey, utc } from './format.ts';
import { Html, html } from './html.ts';
import { incidentSentences } from './interruptions.ts';
import { cost } from './page/cost.ts';
import { failures } from './page/failures.ts';
import { figures } from './page/figures.ts';
import { funnel } from './page/funnel.ts';
import { shown } from './page/shown.ts';
import { renderTimes, slowest, stages, throughput } from './page/times.ts';
import { drawPlots } from './plots.ts';
import { type BatchReport, isPartial } from './report-json.ts';

const STYLE = new Html(readFileSync(join(import.meta.dirname, 'report.css'), 'utf8'));

/** Nothing but its own style sheet, and pictures and films from where this report's own are. Chromium's player draws its buttons from data URLs. */
export function policyOf({ samples: videos }: Pick<BatchReport, 'samples'>): string {
  const links = videos.flatMap(({ video, poster }) => [video, poster]).filter((link) => WEB.test(link));
  const from = ["'self'", ...new Set(links.map((link) => new URL(link).origin))].join(' ');
  return `default-src 'none'; style-src 'unsafe-inline'; img-src ${from} data:; media-src ${from}; base-uri 'none'; form-action 'none'`;
}

const WEB = /^https?:/;

/** One self-contained page. Thumbnails and films come from the bucket; nothing else is asked of the network. */
export async function reportHtml(report: BatchReport): Promise<string> {
  const { summary, plan } = report;
  const plots = await drawPlots(report);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policyOf(report)}">
<link rel="icon" href="data:,">
<title>${summary.campaign} · ${summary.businessDate} · Nightreel</title>
<style>
${STYLE}</style>
</head>
<body>
<header>
<p class="kicker">Nightreel · ${summary.campaign}${plan.attempt > 1 ? ` · attempt ${plan.attempt}` : ''}</p>
<h1>${longDate(summary.businessDate)}</h1>
<p class="lead">${lead(report)}${incidentSentences(report).map((sentence) => html` <span class="message">${sentence}</span>`)}</p>
</header>
<main>
${figures(report, plots.figures)}
${funnel(report)}
${failures(report)}
${renderTimes(report, plots.renderMs)}
${stages(report, plots.stages)}
${throughput(report, plots.throughput)}
${slowest(report)}
${cost(report)}
${samples(report)}
${facts(report)}
</main>
</body>
</html>
`.text;
}

function lead(report: BatchReport): Html {
  const { summary, notStarted } = report;
  const of = (name: 'variants' | 'rendered' | 'failed' | 'cached'): Html =>
    shown(`summary.${name}`, count(summary[name]));
  const { variants, rendered, failed, rejected, wallSeconds } = summary;
  if (variants === 0 && rejected > 0) {
    return html`There was nothing to render, and ${shown('summary.rejected', count(rejected))} ${rejected === 1 ? 'row was' : 'rows were'} rejected.`;
  }
  if (variants === 0) return html`Nobody’s numbers changed, so there was nothing to render.`;
  // A batch whose workflow was terminated is closed by a backfill, and nobody knows how long it took.
  const took = wallSeconds === 0 ? null : html` It took ${shown('summary.wallSeconds', duration(wallSeconds))}.`;
  if (isPartial(report)) {
    return html`This report is partial. ${report.damaged ? 'A part of its manifest is damaged' : 'The night was stopped'}: ${shown('notStarted', count(notStarted))} of ${of('variants')} videos were never started, ${of('rendered')} were rendered.${took}`;
  }
  if (failed > 0) {
    return html`${of('rendered')} videos were rendered, ${of('failed')} of ${of('variants')} could not be made.${took}`;
  }
  if (rendered === 0) return html`All ${of('cached')} videos were there already; nothing had to be rendered.${took}`;
  return html`${of('rendered')} videos were rendered, and none failed.${took}`;
}

function samples({ samples: videos }: BatchReport): Html {
  if (videos.length === 0) return html``;
  return html`<section>
<h2>A few of them</h2>
<div class="films">
${videos.map(
  ({ key, outcome, renderMs, video, poster }, n) => html`<figure>
<video controls playsinline preload="none" poster="${webLink(poster, objectKeys.poster(key))}" src="${webLink(video, objectKeys.video(key))}"></video>
<figcaption><code title="${key}">${shortKey(key)}</code> <span>${outcome === 'cached' ? 'already stored' : html`rendered in ${shown(`samples.${n}.renderMs`, seconds(renderMs))}`}</span></figcaption>
</figure>`,
)}
</div>
</section>`;
}

/** A store that is not read over HTTP has no links of its own: then the way from the report's place to the film's. */
const webLink = (link: string, key: string): string => (WEB.test(link) ? link : `../../../../${key}`);

function facts({ plan, engine, closedAt, summary }: BatchReport): Html {
  const source = `${count(plan.rows)} rows, ${plan.since === null ? 'from the beginning' : `changed after ${utc(plan.since)}`} until ${utc(plan.until)}`;
  const rows: readonly (readonly [string, string])[] = [
    ['Batch', summary.batchId],
    ['Closed', utc(closedAt)],
    ['Source', plan.csv ? `${count(plan.rows)} rows of an uploaded CSV` : source],
    ...(plan.recipientLimit === null ? [] : [['Limit', `the first ${count(plan.recipientLimit)} recipients`] as const]),
    plan.destinations === undefined
      ? ['Rendition', plan.rendition]
      : ['Renditions', plan.destinations.map((list) => list.join(' + ')).join('; ')],
    ['Template', `${plan.template} ${shortKey(plan.templateDigest)}`],
    ['Engine', `${shortKey(engine.digest)}, revision ${engine.engineRevision}, ${engine.captureRoute}`],
    ['Built with', `${engine.chromium} · ${engine.ffmpeg} · ${engine.x264}`],
  ];
  return html`<section>
<h2>What was run</h2>
<dl>
${rows.map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`)}
</dl>
</section>`;
}
