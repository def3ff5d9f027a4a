/** How many videos the night made, and how many at a time. Pure. */

import { z } from 'zod';
import type { RenderedOutcome } from './stages.ts';

const MAX_BINS = 60;
/** Round widths of a bin. */
const WIDTHS_SECONDS = [5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400];

export const throughputSchema = z.object({
  measured: z.int().min(0).describe('Renders of which it is known when they ended.'),
  later: z
    .int()
    .min(0)
    .describe('Of those, renders that ended after the night had closed: repairs. They are in no bin.'),
  binSeconds: z.int().min(0).describe('How wide a bin is.'),
  bins: z
    .array(
      z.object({
        from: z.string().describe('When it begins, ISO 8601 UTC.'),
        variants: z.int().min(0).describe('Videos whose render ended here.'),
        perMinute: z.number().min(0).describe('The same, for a minute.'),
        concurrent: z
          .number()
          .min(0)
          .describe(
            'How many were being rendered at the same time, on average: from when each ended and how long it took.',
          ),
        workers: z
          .int()
          .min(0)
          .nullable()
          .default(null)
          .describe(
            'How many worker processes were rendering meanwhile; null: of some renders it is not known by whom.',
          ),
      }),
    )
    .describe('Parts of the night, in order.'),
  perMinutePeak: z.number().min(0).nullable().describe('The most of a bin; null: there is none.'),
  concurrentPeak: z.number().min(0).nullable().describe('The most of a bin; null: there is none.'),
  workersPeak: z.int().min(0).nullable().default(null).describe('The most of a bin; null: not known.'),
});

export type Throughput = Readonly<z.infer<typeof throughputSchema>>;

export const NO_THROUGHPUT: Throughput = {
  ...{ measured: 0, later: 0, binSeconds: 0, bins: [] },
  ...{ perMinutePeak: null, concurrentPeak: null, workersPeak: null },
};

interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
  readonly worker: string | undefined;
}

/** @param closedMs when the batch first closed, ms since 1970; null: nobody knows. */
export function throughputOf(rendered: readonly RenderedOutcome[], closedMs: number | null): Throughput {
  const all = rendered.flatMap(({ measures, renderMs }): Interval[] =>
    measures === undefined
      ? []
      : [{ fromMs: measures.endedAt - renderMs, toMs: measures.endedAt, worker: measures.worker }],
  );
  const nights = all.filter(({ toMs }) => closedMs === null || toMs <= closedMs);
  const counts = { measured: all.length, later: all.length - nights.length };
  if (nights.length === 0) return { ...NO_THROUGHPUT, ...counts };

  const firstMs = nights.reduce((least, { fromMs }) => Math.min(least, fromMs), Number.POSITIVE_INFINITY);
  const lastMs = nights.reduce((most, { toMs }) => Math.max(most, toMs), 0);
  const binSeconds = widthFor((lastMs - firstMs) / 1_000);
  const widthMs = binSeconds * 1_000;
  const startMs = Math.floor(firstMs / widthMs) * widthMs;
  const size = Math.floor((lastMs - startMs) / widthMs) + 1;
  const ended = new Array<number>(size).fill(0);
  const busyMs = new Array<number>(size).fill(0);
  const busy = Array.from({ length: size }, () => new Set<string | undefined>());
  for (const { fromMs, toMs, worker } of nights) {
    const last = Math.floor((toMs - startMs) / widthMs);
    ended[last] = (ended[last] ?? 0) + 1;
    for (let bin = Math.floor((fromMs - startMs) / widthMs); bin <= last; bin += 1) {
      const binMs = startMs + bin * widthMs;
      busy[bin]?.add(worker);
      busyMs[bin] = (busyMs[bin] ?? 0) + Math.min(toMs, binMs + widthMs) - Math.max(fromMs, binMs);
    }
  }
  const bins = ended.map((variants, bin) => ({
    from: new Date(startMs + bin * widthMs).toISOString(),
    variants,
    perMinute: rounded((variants * 60) / binSeconds),
    concurrent: rounded((busyMs[bin] ?? 0) / widthMs),
    workers: busy[bin]?.has(undefined) ? null : (busy[bin]?.size ?? 0),
  }));
  const workers = bins.map((bin) => bin.workers);
  return {
    ...counts,
    binSeconds,
    bins,
    perMinutePeak: Math.max(...bins.map(({ perMinute }) => perMinute)),
    concurrentPeak: Math.max(...bins.map(({ concurrent }) => concurrent)),
    workersPeak: workers.includes(null) ? null : Math.max(...workers.map(Number)),
  };
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Wider than the widest is a day, however long it took. */
const widthFor = (seconds: number): number =>
  WIDTHS_SECONDS.find((width) => seconds / width < MAX_BINS) ?? Math.ceil(seconds / MAX_BINS / 86_400) * 86_400;
