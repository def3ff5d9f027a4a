/**
 * The plots of a report: Vega-Lite specifications, drawn as SVG when the report is written. Colours are those of the page's style sheet, so
 * that one drawing serves dark and light. Each says in words what it shows, and each has a table beside it on the page.
 */

import type { LoggerInterface } from 'vega';
import type { TopLevelSpec } from 'vega-lite';
import { asFailure } from '../contracts/failures.ts';
import { count, decimal, seconds, utc } from './format.ts';
import { Html, html } from './html.ts';
import type { BatchReport } from './report-json.ts';

export interface Plots {
  /** By name of the figure; null without an earlier night. */
  readonly figures: Readonly<Record<BatchReport['figures'][number]['name'], Html | null>>;
  readonly renderMs: Html | null;
  readonly stages: Html | null;
  readonly throughput: Html | null;
}

/** Text does not shrink with the window: narrow windows get a drawing of their own. */
const WIDTHS = { wide: 900, narrow: 330 } as const;

const FONT = 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif';

const CONFIG = {
  background: 'transparent',
  font: FONT,
  view: { stroke: null },
  axis: {
    domainColor: 'var(--line)',
    gridColor: 'var(--line)',
    tickColor: 'var(--line)',
    labelColor: 'var(--muted)',
    titleColor: 'var(--muted)',
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
  },
  text: { fontSize: 12, color: 'var(--ink)' },
} as const satisfies TopLevelSpec['config'];

const SPARK = { width: 200, height: 44 } as const;

/** What `TopLevelSpec` has, but for `$schema` and `config`; that union of all plots is too wide to be written down in parts. */
type Spec = Readonly<Record<string, unknown>>;

let library: ReturnType<typeof load> | undefined;

/** When the first report is written: nothing else needs it. */
async function load() {
  const vega = await import('vega');
  const { compile } = await import('vega-lite');
  return { vega, compile };
}

export async function drawPlots(report: BatchReport): Promise<Plots> {
  library ??= load();
  const { vega, compile } = await library;
  const draw = async (spec: Spec, words: string): Promise<Html> => {
    const compiled = compile({ ...spec, config: CONFIG } as unknown as TopLevelSpec).spec;
    const errors: unknown[] = [];
    const view = new vega.View(vega.parse(compiled), { renderer: 'none', logger: collecting(errors) });
    try {
      const svg = await view.toSVG();
      if (errors.length > 0) throw errors[0];
      return labelled(svg, words);
    } catch (error) {
      // A report is worth more than one of its plots, whose numbers stand in a table as well.
      return html`<p class="quiet undrawn">This could not be drawn: ${asFailure(error).message}</p>`;
    } finally {
      view.finalize();
    }
  };
  const both = async (specOf: (width: number) => Spec, words: string): Promise<Html> => {
    const [wide, narrow] = [await draw(specOf(WIDTHS.wide), words), await draw(specOf(WIDTHS.narrow), words)];
    return html`<div class="plot wide">${wide}</div><div class="plot narrow">${narrow}</div>`;
  };
  const figure = async (name: keyof Plots['figures'], format: (value: number) => string): Promise<Html | null> => {
    const [values, words] = nightValues(report, name, format);
    return values.length < 2 ? null : html`<div class="plot spark">${await draw(sparkSpec(values), words)}</div>`;
  };
  const { renderMs, stages, throughput, summary } = report;
  return {
    figures: {
      variants: await figure('variants', count),
      renderMsP95: await figure('renderMsP95', seconds),
      failureRate: await figure('failureRate', (share) => `${decimal(share * 100)} %`),
    },
    renderMs:
      renderMs.histogram.length === 0
        ? null
        : await both(
            (width) => histogramSpec(report, width),
            `Histogram of ${count(summary.rendered)} render times from ${seconds(renderMs.min)} to ${seconds(renderMs.max)}; median ${seconds(summary.renderMsP50)}, p95 ${seconds(summary.renderMsP95)}.`,
          ),
    stages:
      stages.stages.length === 0
        ? null
        : await both(
            (width) => stagesSpec(report, width),
            `Median and p95 of each stage: ${stages.stages.map(({ stage, msP50, msP95 }) => `${stage} ${seconds(msP50)}, ${seconds(msP95)}`).join('; ')}.`,
          ),
    throughput:
      throughput.bins.length === 0
        ? null
        : await both(
            (width) => throughputSpec(report, width),
            `Videos per minute from ${utc(throughput.bins[0]?.from ?? '')} on, at most ${decimal(throughput.perMinutePeak ?? 0)}; being rendered at the same time, at most ${decimal(throughput.concurrentPeak ?? 0)}.`,
          ),
  };
}

/** Vega tells what goes wrong while it draws to a logger, and draws on. */
function collecting(errors: unknown[]): LoggerInterface {
  const logger: LoggerInterface = {
    level: (() => logger) as LoggerInterface['level'],
    error: (...told) => {
      errors.push(...told);
      return logger;
    },
    warn: () => logger,
    info: () => logger,
    debug: () => logger,
  };
  return logger;
}

/** One name for the whole drawing; what lies inside says nothing to those who cannot see it. */
function labelled(svg: string, words: string): Html {
  const inside = svg.replace(/^<svg[^>]*?(viewBox="[^"]*")[^>]*>/, '').replaceAll(/ (?:role|aria-[a-z]+)="[^"]*"/g, '');
  const [, viewBox = '', width = '', height = ''] = /viewBox="(0 0 ([\d.]+) ([\d.]+))"/.exec(svg) ?? [];
  return html`<svg role="img" viewBox="${viewBox}" width="${width}" height="${height}"><title>${words}</title>${new Html(`<g aria-hidden="true">${inside.replace(/<\/svg>\s*$/, '')}</g>`)}</svg>`;
}

interface NightValue {
  readonly night: number;
  readonly value: number;
  readonly isTonight: boolean;
}

/** Oldest first; nights on which nothing was rendered have no time. */
function nightValues(
  { nights, summary }: BatchReport,
  name: keyof Plots['figures'],
  format: (value: number) => string,
): [NightValue[], string] {
  const all = [...nights.toReversed(), summary].map((night, at) => ({
    night: at,
    value: night[name],
    isTonight: at === nights.length,
  }));
  const known = all.filter((night): night is NightValue => night.value !== null);
  return [known, `The nights before, and this one: ${known.map(({ value }) => format(value)).join(', ')}.`];
}

const sparkSpec = (values: readonly NightValue[]): Spec => ({
  ...SPARK,
  data: { values: [...values] },
  mark: { type: 'bar', cornerRadius: 1.5, width: { band: 0.7 } },
  encoding: {
    x: { field: 'night', type: 'ordinal', axis: null },
    y: { field: 'value', type: 'quantitative', axis: null, scale: { zero: true } },
    color: {
      condition: { test: 'datum.isTonight', value: 'var(--accent)' },
      value: 'var(--soft)',
    },
  },
});

function histogramSpec({ renderMs, summary }: BatchReport, width: number): Spec {
  const bins = renderMs.histogram.map(({ fromMs, toMs, count: number }) => ({
    from: fromMs / 1_000,
    to: toMs / 1_000,
    count: number,
  }));
  const span = (bins.at(-1)?.to ?? 0) - (bins[0]?.from ?? 0);
  const marks = (['renderMsP50', 'renderMsP95'] as const).flatMap((name, row) => {
    const ms = summary[name];
    if (ms === null) return [];
    const at = ms / 1_000;
    const isLeft = at - (bins[0]?.from ?? 0) > span * 0.6;
    return [{ at, text: `${name === 'renderMsP50' ? 'median' : 'p95'} ${seconds(ms)}`, y: row * 15 - 26, isLeft }];
  });
  // The second line begins below the first one's label.
  const lines = marks.flatMap(({ at, text, y, isLeft }) => {
    const x = { field: 'at', type: 'quantitative' };
    const data = { values: [{ at }] };
    return [
      { data, mark: { type: 'rule', color: 'var(--ink)' }, encoding: { x, y: { value: y - 6 }, y2: { value: 190 } } },
      {
        data,
        mark: { type: 'text', align: isLeft ? 'right' : 'left', dx: isLeft ? -5 : 5, text },
        encoding: { x, y: { value: y } },
      },
    ];
  });
  return {
    width,
    height: 190,
    padding: { left: 5, right: 5, top: 36, bottom: 5 },
    data: { values: [] },
    layer: [
      {
        data: { values: bins },
        mark: { type: 'bar', color: 'var(--accent)', binSpacing: 1 },
        encoding: {
          x: {
            field: 'from',
            type: 'quantitative',
            bin: 'binned',
            title: 'render time, seconds',
            axis: { tickCount: width > 500 ? 10 : 5, grid: false },
          },
          x2: { field: 'to' },
          y: { field: 'count', type: 'quantitative', title: null, axis: { tickCount: 4, tickMinStep: 1 } },
        },
      },
      ...lines,
    ],
  };
}

function stagesSpec({ stages }: BatchReport, width: number): Spec {
  const values = stages.stages.map(({ stage, msP50, msP95 }) => ({ stage, p50: msP50 / 1_000, p95: msP95 / 1_000 }));
  const y = {
    field: 'stage',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 8 },
  };
  return {
    width: width - 60,
    height: { step: 26 },
    data: { values },
    layer: [
      {
        mark: { type: 'bar', color: 'var(--soft)', height: { band: 0.36 } },
        encoding: {
          y,
          x: {
            field: 'p95',
            type: 'quantitative',
            title: 'seconds: median (thick) and p95 (thin)',
            axis: { tickCount: width > 500 ? 8 : 4 },
          },
        },
      },
      {
        mark: { type: 'bar', color: 'var(--accent)', height: { band: 0.64 } },
        encoding: { y, x: { field: 'p50', type: 'quantitative' } },
      },
    ],
  };
}

function throughputSpec({ throughput }: BatchReport, width: number): Spec {
  const values = throughput.bins.map(({ from, perMinute, concurrent }) => {
    const fromMs = Date.parse(from);
    return { from: fromMs, to: fromMs + throughput.binSeconds * 1_000, perMinute, concurrent };
  });
  const format = throughput.binSeconds < 60 ? '%H:%M:%S' : '%H:%M';
  const x = (title: string | null) => ({
    field: 'from',
    type: 'temporal',
    scale: { type: 'utc' },
    title,
    axis: { format, tickCount: width > 500 ? 8 : 3, grid: false, labels: title !== null, ticks: title !== null },
  });
  const row = (field: string, title: string, color: string, xTitle: string | null, height: number) => ({
    width: width - 50,
    height,
    title: { text: title, anchor: 'start', fontSize: 12, fontWeight: 'normal', color: 'var(--muted)', offset: 6 },
    mark: { type: 'bar', color },
    encoding: {
      x: x(xTitle),
      x2: { field: 'to' },
      y: { field, type: 'quantitative', title: null, axis: { tickCount: 3 } },
      y2: { datum: 0 },
    },
  });
  return {
    data: { values },
    spacing: 14,
    vconcat: [
      row('perMinute', 'videos per minute', 'var(--accent)', null, 120),
      row('concurrent', 'rendered at the same time', 'var(--soft)', 'UTC', 70),
    ],
  };
}
