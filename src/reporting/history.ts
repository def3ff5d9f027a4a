/** The nights of a campaign beside each other. Pure. */

import { count, duration, money, percent, seconds } from './format.ts';
import { type BatchReport, isPartial } from './report-json.ts';

export interface HistoryNight {
  readonly batchId: string;
  readonly businessDate: string;
  /** `list`: people given by hand, or the first so many. The usual is the median of `whole` nights alone. */
  readonly kind: 'whole' | 'stopped' | 'list';
  readonly recipients: number;
  readonly variants: number;
  readonly rendered: number;
  readonly cached: number;
  readonly failed: number;
  readonly failureRate: number;
  readonly renderMsP50: number | null;
  readonly renderMsP95: number | null;
  readonly wallSeconds: number;
  readonly cpuSecondsPerVariant: number | null;
  readonly costPerVariant: number | null;
  readonly currency: string | null;
}

export function historyNight(report: BatchReport): HistoryNight {
  const { summary, plan, cost } = report;
  const { batchId, businessDate, recipients, variants, rendered, cached, failed, failureRate } = summary;
  const { renderMsP50, renderMsP95, wallSeconds } = summary;
  const isList = plan.csv || plan.recipientLimit !== null;
  return {
    ...{ batchId, businessDate, kind: isList ? 'list' : isPartial(report) ? 'stopped' : 'whole' },
    ...{ recipients, variants, rendered, cached, failed, failureRate, renderMsP50, renderMsP95, wallSeconds },
    cpuSecondsPerVariant: cost?.compute.cpuSecondsPerVariant ?? null,
    costPerVariant: cost?.perVariant ?? null,
    currency: cost?.prices.currency ?? null,
  };
}

const COLUMNS: readonly (readonly [string, (night: HistoryNight) => string])[] = [
  ['night', ({ businessDate }) => businessDate],
  ['variants', ({ variants }) => count(variants)],
  ['rendered', ({ rendered }) => count(rendered)],
  ['cached', ({ cached }) => count(cached)],
  ['failed', ({ failed }) => count(failed)],
  ['rate', ({ failureRate }) => percent(failureRate)],
  ['median', ({ renderMsP50 }) => seconds(renderMsP50)],
  ['p95', ({ renderMsP95 }) => seconds(renderMsP95)],
  [
    'CPU each',
    ({ cpuSecondsPerVariant }) => seconds(cpuSecondsPerVariant === null ? null : cpuSecondsPerVariant * 1_000),
  ],
  [
    'cost each',
    ({ costPerVariant, currency }) =>
      costPerVariant === null || currency === null ? '–' : money(costPerVariant, currency),
  ],
  ['took', ({ wallSeconds }) => (wallSeconds === 0 ? '–' : duration(wallSeconds))],
  ['', ({ kind }) => (kind === 'whole' ? '' : kind === 'stopped' ? 'stopped' : 'a list')],
];

/** For a terminal: a line for each night, newest first. */
export function historyText(nights: readonly HistoryNight[]): string {
  const cells = [COLUMNS.map(([name]) => name), ...nights.map((night) => COLUMNS.map(([, text]) => text(night)))];
  const widths = COLUMNS.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  const padded = cells.map((line) =>
    line.map((cell, at) =>
      at === 0 || at === COLUMNS.length - 1 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
    ),
  );
  return `${padded.map((line) => line.join('  ').trimEnd()).join('\n')}\n`;
}
