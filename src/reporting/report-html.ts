/** `report.html`: last night on one page, readable without anything but itself and the bucket. Pure but for its style sheet. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FailureClass } from '../contracts/failures.ts';
import { objectKeys } from '../contracts/ids.ts';
import { count, duration, longDate, percent, seconds, shortKey, utc, WHO_ACTS } from './format.ts';
import { Html, html } from './html.ts';
import { interruptionSentences } from './interruptions.ts';
import type { BatchReport } from './report-json.ts';

const STYLE = new Html(readFileSync(join(import.meta.dirname, 'report.css'), 'utf8'));

/** Nothing but its own style sheet and pictures and films of the bucket. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src * data:; media-src *";

/** One self-contained page. Thumbnails and films come from the bucket; nothing else is asked of the network. */
export function reportHtml(report: BatchReport): string {
  const { summary, plan } = report;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<link rel="icon" href="data:,">
<title>${summary.campaign} · ${summary.businessDate} · Nightreel</title>
<style>
${STYLE}</style>
</head>
<body>
<header>
<p class="kicker">Nightreel · ${summary.campaign}${plan.attempt > 1 ? ` · attempt ${plan.attempt}` : ''}</p>
<h1>${longDate(summary.businessDate)}</h1>
<p class="lead">${[lead(report), ...interruptionSentences(report.interruptions)].join(' ')}</p>
</header>
<main>
${figures(report)}
${funnel(report)}
${failures(report)}
${renderTimes(report)}
${samples(report)}
${facts(report)}
</main>
</body>
</html>
`.text;
}

function lead({ summary, notStarted }: BatchReport): string {
  const { variants, rendered, failed, cached, wallSeconds } = summary;
  if (variants === 0) return 'Nobody’s numbers changed, so there was nothing to render.';
  const took = `It took ${duration(wallSeconds)}.`;
  if (notStarted > 0) {
    return `The night was stopped: ${count(notStarted)} of ${count(variants)} videos were never started, ${count(rendered)} were rendered. ${took}`;
  }
  if (failed > 0)
    return `${count(rendered)} videos were rendered, ${count(failed)} of ${count(variants)} could not be made. ${took}`;
  if (rendered === 0) return `All ${count(cached)} videos were there already; nothing had to be rendered. ${took}`;
  return `${count(rendered)} videos were rendered, and none failed. ${took}`;
}

function figures({ summary }: BatchReport): Html {
  const { variants, renderMsP50, renderMsP95, failureRate, failed } = summary;
  return html`<section class="figures" aria-label="The night in three numbers">
${figure('Total variants', count(variants), `for ${count(summary.recipients)} recipients`)}
${figure('Render time, p95', seconds(renderMsP95), renderMsP50 === null ? 'nothing was rendered' : `median ${seconds(renderMsP50)}`)}
${figure('Failure rate', percent(failureRate), failed === 0 ? 'no failures' : `${count(failed)} failed`, failed > 0)}
</section>`;
}

const figure = (
  label: string,
  value: string,
  note: string,
  bad = false,
): Html => html`<div class="figure${bad ? ' bad' : ''}">
<p class="label">${label}</p>
<p class="value">${value}</p>
<p class="note">${note}</p>
</div>`;

function funnel({ summary, plan }: BatchReport): Html {
  const { recipients, rejected, variants, cached, rendered, failed, pointers } = summary;
  const longest = Math.max(recipients + rejected, variants, pointers, 1);
  const row = (
    label: string,
    value: number,
    note: string,
    tone = '',
  ): Html => html`<li class="${tone}${value === 0 ? ' none' : ''}">
<span class="name">${label}</span>
<span class="track"><i style="width:${((value / longest) * 100).toFixed(2)}%"></i></span>
<span class="amount">${count(value)}</span>
<span class="remark">${note}</span>
</li>`;
  const shared = recipients > variants ? `${percent(1 - variants / recipients)} fewer: people share videos` : '';
  const sources = [
    plan.carriedOver > 0 ? `${count(plan.carriedOver)} from earlier nights` : '',
    plan.duplicates > 0 ? `${count(plan.duplicates)} repeated rows` : '',
  ];
  return html`<section>
<h2>From people to videos</h2>
<ol class="funnel">
${row('Recipients', recipients, sources.filter(Boolean).join(', '))}
${row('Rejected rows', rejected, rejected > 0 ? 'see rejects.jsonl' : '', 'warn')}
${row('Distinct variants', variants, shared)}
${row('Cached', cached, variants > 0 ? percent(cached / variants) : '', 'part soft')}
${row('Rendered', rendered, variants > 0 ? percent(rendered / variants) : '', 'part')}
${row('Failed', failed, variants > 0 ? percent(failed / variants) : '', 'part bad')}
${row('Published pointers', pointers, pointers < recipients ? `${count(recipients - pointers)} recipients keep what they had` : '')}
</ol>
</section>`;
}

/** What only a new plan repairs: a corrected template or engine has another digest, corrected data are other rows. */
const NEEDS_NEW_PLAN: readonly FailureClass[] = ['EngineMismatch', 'TemplateChanged'];
const needsNewPlan = ({ actor, failureClass }: BatchReport['failures'][number]): boolean =>
  actor === 'author' || actor === 'data' || NEEDS_NEW_PLAN.includes(failureClass);

function repairs({ failures: classes, summary, plan }: BatchReport): Html {
  const night = `${summary.campaign} --date ${summary.businessDate}`;
  const same = [
    plan.csv ? ' --csv FILE' : '',
    plan.recipientLimit === null ? '' : ` --recipients ${plan.recipientLimit}`,
  ];
  const hint = (of: BatchReport['failures'], text: string, command: string): Html | null =>
    of.length === 0
      ? null
      : html`<p class="quiet">${of.map(({ failureClass }) => failureClass).join(', ')}: ${text} <code>${command}</code></p>`;
  return html`${hint(classes.filter(needsNewPlan), 'once put right, run the night again:', `nightreel run ${night}${same.join('')}`)}
${hint(
  classes.filter((failure) => !needsNewPlan(failure)),
  'once the cause is gone, render what is missing:',
  `nightreel backfill ${night} --attempt ${plan.attempt}`,
)}`;
}

function failures(report: BatchReport): Html {
  const { failures: classes } = report;
  if (classes.length === 0) return html`<section><h2>Failures</h2><p class="quiet">None.</p></section>`;
  return html`<section>
<h2>Failures</h2>
${classes.map(
  ({ failureClass, actor, sentence, count: number, examples }) => html`<article class="failure">
<p class="total">${count(number)}</p>
<div>
<h3>${failureClass} <span>${WHO_ACTS[actor]}</span></h3>
<p>${sentence}</p>
<ul>
${examples.map(({ key, message }) => html`<li><code title="${key}">${shortKey(key)}</code> ${message}</li>`)}
</ul>
</div>
</article>`,
)}
${repairs(report)}
</section>`;
}

function renderTimes({ renderMs, summary }: BatchReport): Html {
  const bins = renderMs.histogram;
  const [first, last] = [bins[0], bins.at(-1)];
  if (first === undefined || last === undefined) return html``;
  const busiest = bins.reduce((best, bin) => (bin.count > best.count ? bin : best));
  const highest = busiest.count;
  const place = (ms: number): number => ((ms - first.fromMs) / (last.toMs - first.fromMs)) * 100;
  const mark = (ms: number | null, name: string): Html | null =>
    ms === null
      ? null
      : html`<p class="mark ${name}${place(ms) > (name === 'p50' ? 20 : 70) ? ' left' : ''}" style="left:${place(ms).toFixed(2)}%"><b>${name}</b> ${seconds(ms)}</p>`;
  const bars = bins.map((bin, n) => {
    // Even a single render is seen.
    const height = bin.count === 0 ? 0 : Math.max(1, (bin.count / highest) * 100);
    const title = `${seconds(bin.fromMs)} to ${seconds(bin.toMs)}: ${count(bin.count)}`;
    return html`<rect x="${n + 0.06}" y="${(100 - height).toFixed(2)}" width=".88" height="${height.toFixed(2)}"><title>${title}</title></rect>`;
  });
  const label = `Histogram of ${count(summary.rendered)} render times, from ${seconds(renderMs.min)} to ${seconds(renderMs.max)}`;
  return html`<section>
<h2>Render times</h2>
<figure>
<div class="plot">
<svg viewBox="0 0 ${bins.length} 100" preserveAspectRatio="none" role="img" aria-label="${label}">${bars}</svg>
${mark(summary.renderMsP50, 'p50')}
${mark(summary.renderMsP95, 'p95')}
</div>
<p class="axis"><span>${seconds(first.fromMs)}</span><span>${seconds(last.toMs)}</span></p>
<figcaption>${count(summary.rendered)} renders, ${count(highest)} of them between ${seconds(busiest.fromMs)} and ${seconds(busiest.toMs)}; the longest took ${seconds(renderMs.max)}.</figcaption>
</figure>
</section>`;
}

function samples({ samples: videos }: BatchReport): Html {
  if (videos.length === 0) return html``;
  return html`<section>
<h2>A few of them</h2>
<div class="films">
${videos.map(
  ({ key, outcome, renderMs, video, poster }) => html`<figure>
<video controls playsinline preload="none" poster="${webLink(poster, objectKeys.poster(key))}" src="${webLink(video, objectKeys.video(key))}"></video>
<figcaption><code title="${key}">${shortKey(key)}</code> <span>${outcome === 'cached' ? 'already stored' : `rendered in ${seconds(renderMs)}`}</span></figcaption>
</figure>`,
)}
</div>
</section>`;
}

/** A store that is not read over HTTP has no links of its own: then the way from the report's place to the film's. */
const webLink = (link: string, key: string): string => (/^https?:/.test(link) ? link : `../../../../${key}`);

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
