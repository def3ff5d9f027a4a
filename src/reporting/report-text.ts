/** A report for a terminal. Pure. */

import { figureText, usualText } from './digest/figures.ts';
import {
  count,
  decimal,
  duration,
  longDate,
  money,
  percent,
  price,
  seconds,
  shortKey,
  sizeText,
  utc,
  WHO_ACTS,
} from './format.ts';
import { incidentSentences } from './interruptions.ts';
import { type BatchReport, isPartial } from './report-json.ts';

const NOT_MEASURED = 'not measured';

/** @param link where `report.html` is. */
export function reportText(report: BatchReport, link: string): string {
  const { summary, plan } = report;
  const lines = [
    `${summary.batchId} · ${longDate(summary.businessDate)} · closed ${utc(report.closedAt)}`,
    ...(isPartial(report)
      ? [
          `Partial: ${report.damaged ? 'its manifest is damaged' : 'the night was stopped'}, ${count(report.notStarted)} variants were never started.`,
        ]
      : []),
    ...incidentSentences(report),
    ...(report.failedBefore === null ? [] : [`Repaired: ${count(report.failedBefore)} variants had failed at first.`]),
    '',
    ...report.figures.map(figureText).map(({ label, text }) => row(label, text)),
    ...(report.figures.length === 0 ? [] : [`  ${usualText({ nights: report.nights.length })}`]),
    row('Wall time', summary.wallSeconds === 0 ? 'not known' : duration(summary.wallSeconds)),
    ...section('From people to videos', [
      row('Recipients', count(summary.recipients)),
      row('Rejected rows', count(summary.rejected)),
      row('Distinct variants', count(summary.variants)),
      row('Cached', count(summary.cached)),
      row('Rendered', count(summary.rendered)),
      row('Failed', count(summary.failed)),
      row('Published', count(summary.pointers)),
    ]),
    ...section('Failures', failureLines(report)),
    ...section('Render times', timeLines(report)),
    ...section('Cost', costLines(report)),
    '',
    row('template', `${plan.template} ${shortKey(plan.templateDigest)}`),
    row('report', link),
  ];
  return `${lines.join('\n')}\n`;
}

const row = (name: string, text: string): string => `  ${name.padEnd(18)} ${text}`;

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines];

function failureLines({ failures, summary }: BatchReport): string[] {
  return failures.flatMap(({ failureClass, actor, sentence, count: number, examples, repair, ui }) => [
    `  ${count(number)} × ${failureClass} · ${WHO_ACTS[actor]}`,
    `    ${sentence}`,
    ...examples.map(({ key, message }) => `    ${shortKey(key)}  ${message.replaceAll(/\s+/g, ' ')}`),
    ...examples.slice(0, 1).map(({ key }) => `    why: nightreel why ${shortKey(key)} --batch ${summary.batchId}`),
    ...(repair === null ? [] : [`    then: ${repair.command}`]),
    ...(ui === null ? [] : [`    ${ui}`]),
  ]);
}

function timeLines({ summary, renderMs, stages, throughput, slowest }: BatchReport): string[] {
  if (summary.rendered === 0) return [];
  const { perMinutePeak, concurrentPeak, workersPeak } = throughput;
  const [longest] = slowest;
  return [
    row(
      'median, p95',
      `${seconds(summary.renderMsP50)}, ${seconds(summary.renderMsP95)}; the longest ${seconds(renderMs.max)}`,
    ),
    ...(stages.stages.length === 0 ? [row('stages', NOT_MEASURED)] : []),
    ...stages.stages.map(({ stage, msP50, msP95, share }) =>
      row(`  ${stage}`, `${seconds(msP50)}, ${seconds(msP95)}; ${percent(share)} of the time`),
    ),
    row(
      'throughput',
      perMinutePeak === null || concurrentPeak === null
        ? NOT_MEASURED
        : `at most ${decimal(perMinutePeak)} a minute, ${decimal(concurrentPeak)} at the same time${workersPeak === null ? '' : `, by ${count(workersPeak)} ${workersPeak === 1 ? 'worker' : 'workers'}`}`,
    ),
    ...(longest === undefined ? [] : [row('slowest', longest.key)]),
  ];
}

function costLines({ cost }: BatchReport): string[] {
  if (cost === null) return [];
  const { prices, compute, storage, requests, egress, estimate, published } = cost;
  const own = (value: number | null): string => (value === null ? NOT_MEASURED : money(value, prices.currency));
  const both = (night: number | null, video: number | null): string =>
    night === null ? NOT_MEASURED : video === null ? own(night) : `${own(night)}, ${own(video)} a video`;
  const theirs = (value: number): string => price(value, published.currency);
  const cpu = compute.cpuSeconds === null ? '' : ` (${duration(compute.cpuSeconds)} of a processor)`;
  const part =
    cost.measured < cost.rendered && cost.measured > 0
      ? `, of ${count(cost.measured)} of ${count(cost.rendered)} renders`
      : '';
  const together =
    cost.sharedScenes > 0 && cost.night === null && cost.perVariant === null
      ? `${NOT_MEASURED}: ${count(cost.sharedScenes)} scenes that several videos share`
      : cost.night === null && cost.perVariant !== null
        ? `${own(cost.perVariant)} a video${part}`
        : both(cost.night, cost.perVariant);
  return [
    row('compute', `${both(compute.money, compute.moneyPerVariant)}${cpu}${part}`),
    ...(estimate === null ? [] : [row('  estimated', both(estimate.money, estimate.moneyPerVariant))]),
    row(
      'storage, a month',
      `${both(storage.moneyPerMonth, storage.moneyPerMonthPerVariant)}${storage.bytes === null ? '' : ` (${sizeText(storage.bytes)})`}`,
    ),
    row('requests', both(requests.money, requests.moneyPerVariant)),
    row('together', together),
    row('sent to a viewer', `${own(egress.moneyPerView)} each time: an estimate`),
    row(
      'published',
      `${theirs(published.computePerVariant)} compute and ${theirs(published.bandwidthPerVariant)} bandwidth for a video of ${published.videoSeconds} s, ${theirs(published.nightOf5000)} for a night of 5,000`,
    ),
    row('prices', `${prices.region}, ${prices.source}`),
  ];
}
