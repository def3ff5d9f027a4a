/** `report.json`: the batch in numbers, for programs and for `report.html`. Holds keys and counts, nobody's data. */

import { z } from 'zod';
import type { VariantOutcome } from '../contracts/batch.ts';
import { FAILURES, type FailureClass, isFailureClass } from '../contracts/failures.ts';
import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import { type Interruptions, RUNNING_CHOICES } from '../contracts/steering.ts';
import { RENDITION_IDS } from '../contracts/video.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import type { SavedEstimate } from '../planning/saved-estimate.ts';
import { costOf, costSchema } from './cost.ts';
import { comparedNights, figuresOf } from './digest/digest.ts';
import { histogram } from './histogram.ts';
import { DEFAULT_PRICES, type Prices } from './prices.ts';
import { repairOf } from './repair.ts';
import { slowestOf, slowestSchema } from './slowest.ts';
import { NO_STAGES, renderedOf, stagesOf, stagesSchema } from './stages.ts';
import { percentile, renderTimes, summarise } from './summary.ts';
import { NO_THROUGHPUT, throughputOf, throughputSchema } from './throughput.ts';

const MAX_EXAMPLES = 3;
const MAX_SAMPLES = 8;

const count = z.int().min(0);
const milliseconds = z.number().min(0);
const variantKey = z.string().refine(isVariantKey);

export const reportSchema = z.object({
  /** Raised when a field changes its meaning or goes away; new fields do not raise it. */
  version: z.literal(1),
  summary: z.object({
    batchId: z.string(),
    campaign: z.string(),
    businessDate: z.string(),
    recipients: count,
    rejected: count,
    variants: count,
    cached: count,
    rendered: count,
    failed: count,
    pointers: count,
    wallSeconds: z.number(),
    renderMsP50: milliseconds.nullable(),
    renderMsP95: milliseconds.nullable(),
    failureRate: z.number().min(0).max(1),
    report: z.string(),
  }),
  closedAt: z.string(),
  /** When the night itself closed; a backfill closes its batch again. Null: nobody knows. */
  nightClosedAt: z.string().nullable().default(null),
  /** Of the failed, those that were never started as the batch was stopped before: the report is of a part of the night. */
  notStarted: count.default(0),
  /** Of a batch that was repaired: how many variants had failed when it first closed. Null: it was not. */
  failedBefore: count.nullable().default(null),
  /** What held it up; absent: nothing. Of the pauses the last few. */
  interruptions: z
    .object({
      pauses: z.array(z.object({ by: z.enum(['person', 'breaker']), reason: z.string() })),
      stopped: z.object({ by: z.enum(['person', 'deadline']), running: z.enum(RUNNING_CHOICES) }).nullable(),
    })
    .exactOptional(),
  plan: z.object({
    attempt: z.int(),
    rows: count,
    duplicates: count,
    carriedOver: count,
    /** Instants between which the source was read; null: from the beginning. */
    since: z.string().nullable(),
    until: z.string(),
    /** With `destinations`, the largest of the campaign. */
    rendition: z.enum(RENDITION_IDS),
    /** Lists of renditions that people got, by where they watch; absent: everyone got `rendition`. */
    destinations: z.array(z.array(z.enum(RENDITION_IDS))).optional(),
    template: z.string(),
    templateDigest: z.string(),
    /** True when a CSV was read in place of the campaign's source. */
    csv: z.boolean(),
    recipientLimit: z.int().nullable(),
  }),
  engine: z.object({
    digest: z.string(),
    engineRevision: z.int(),
    captureRoute: z.string(),
    pixels: z.string(),
    chromium: z.string(),
    ffmpeg: z.string(),
    x264: z.string(),
  }),
  /** Most frequent first. */
  failures: z.array(
    z.object({
      failureClass: z.string().refine(isFailureClass),
      actor: z.enum(['author', 'data', 'operator', 'nobody']),
      sentence: z.string(),
      count,
      examples: z.array(z.object({ key: variantKey, message: z.string() })),
      /** What to run once the cause is gone; null in reports of before it was told. */
      repair: z
        .object({ way: z.enum(['run', 'backfill']), command: z.string() })
        .nullable()
        .default(null),
      /** These variants in the Temporal Web UI; null: nobody said where that is. */
      ui: z.string().nullable().default(null),
    }),
  ),
  renderMs: z.object({
    min: milliseconds.nullable(),
    max: milliseconds.nullable(),
    histogram: z.array(z.object({ fromMs: milliseconds, toMs: milliseconds, count })),
  }),
  /** Where the time of renders went. */
  stages: stagesSchema.default(NO_STAGES),
  /** How many videos were made in each part of the night, and how many at a time. */
  throughput: throughputSchema.default(NO_THROUGHPUT),
  /** The renders that took longest. */
  slowest: slowestSchema.default([]),
  /** Null in reports of before it was told. */
  cost: costSchema.nullable().default(null),
  /** The three numbers, with the median of `nights` and whether they are more than a tenth above or below it. */
  figures: z
    .array(
      z.object({
        name: z.enum(['variants', 'renderMsP95', 'failureRate']),
        value: z.number().min(0).nullable(),
        usual: z.number().min(0).nullable(),
        trend: z.enum(['up', 'down', 'same']).nullable(),
      }),
    )
    .default([]),
  /** The campaign's last nights before this one that it compares with, ten at most, newest first. */
  nights: z
    .array(
      z.object({
        batchId: z.string(),
        businessDate: z.string(),
        variants: count,
        renderMsP95: milliseconds.nullable(),
        failureRate: z.number().min(0).max(1),
      }),
    )
    .default([]),
  /** A few videos to look at, spread over the batch. */
  samples: z.array(
    z.object({
      key: variantKey,
      outcome: z.enum(['rendered', 'cached']),
      renderMs: milliseconds,
      video: z.string(),
      poster: z.string(),
    }),
  ),
});

export type BatchReport = Readonly<z.infer<typeof reportSchema>>;

export interface ReportInput {
  readonly plan: PlanDocument;
  /** One per variant of the manifest. */
  readonly outcomes: readonly VariantOutcome[];
  /** Of `outcomes`, those that nobody recorded. */
  readonly notStarted: number;
  readonly failedBefore?: number | null;
  readonly interruptions?: Interruptions | undefined;
  readonly wallMs: number;
  /** ISO 8601 UTC. */
  readonly closedAt: string;
  /** Of a batch that a backfill closes again. */
  readonly nightClosedAt?: string | null;
  readonly videoUrl: (key: VariantKey) => string;
  readonly posterUrl: (key: VariantKey) => string;
  /** Reports of the campaign's nights before, newest first; those that do not compare are left out here. */
  readonly earlier?: readonly BatchReport[];
  readonly prices?: Prices;
  readonly estimate?: SavedEstimate | null;
  /** The workflows that a list filter finds, in the Temporal Web UI. */
  readonly uiLink?: (query: string) => string | null;
}

/** Builds the report from what was planned and what became of it. Pure. */
export function reportJson({
  plan,
  outcomes,
  notStarted,
  failedBefore = null,
  interruptions,
  wallMs,
  closedAt,
  nightClosedAt = wallMs === 0 ? null : closedAt,
  videoUrl,
  posterUrl,
  earlier = [],
  prices = DEFAULT_PRICES,
  estimate = null,
  uiLink = () => null,
}: ReportInput): BatchReport {
  const { batch, counts, window, template, engine } = plan;
  const times = renderTimes(outcomes);
  const rendered = renderedOf(outcomes);
  const summary = summarise({ batch, counts, outcomes, wallMs });
  const about = { csv: plan.csvKey !== null, recipientLimit: plan.recipientLimit };
  const nights = comparedNights({ plan: about }, earlier);
  return {
    version: 1,
    summary,
    closedAt,
    nightClosedAt,
    notStarted,
    failedBefore,
    ...(interruptions && { interruptions: { ...interruptions, pauses: [...interruptions.pauses] } }),
    plan: {
      attempt: batch.attempt,
      rows: counts.rows,
      duplicates: counts.duplicates,
      carriedOver: counts.carriedOver,
      since: window.since?.updatedAt ?? null,
      until: window.until,
      rendition: plan.rendition,
      ...(plan.destinations && { destinations: plan.destinations }),
      template: template.id,
      templateDigest: template.digest,
      ...about,
    },
    engine: {
      digest: engine.digest,
      engineRevision: engine.engineRevision,
      captureRoute: engine.captureRoute,
      pixels: engine.pixels,
      chromium: engine.chromium,
      ffmpeg: engine.ffmpeg,
      x264: engine.x264,
    },
    failures: failuresByClass(outcomes).map((failure) => ({
      ...failure,
      repair: repairOf(failure.failureClass, { batch, ...about }),
      ui: uiLink(
        `CampaignId = '${batch.campaign}' AND BatchDate = '${batch.businessDate}' AND FailureClass = '${failure.failureClass}'`,
      ),
    })),
    renderMs: { min: times[0] ?? null, max: percentile(times, 1), histogram: histogram(times) },
    stages: stagesOf(rendered),
    throughput: throughputOf(rendered, nightClosedAt === null ? null : Date.parse(nightClosedAt)),
    slowest: slowestOf(rendered),
    cost: costOf({ plan, outcomes, prices, estimate, nights: earlier.length }),
    figures: figuresOf({ summary }, nights),
    nights: nights.map((night) => {
      const { batchId, businessDate, variants, renderMsP95, failureRate } = night.summary;
      return { batchId, businessDate, variants, renderMsP95, failureRate };
    }),
    samples: sampleOf(outcomes).map(({ key, outcome, renderMs }) => ({
      key,
      outcome,
      renderMs,
      video: videoUrl(key),
      poster: posterUrl(key),
    })),
  };
}

function failuresByClass(outcomes: readonly VariantOutcome[]) {
  const failed = outcomes.filter((outcome) => outcome.outcome === 'failed');
  const byClass = Map.groupBy(failed, ({ failureClass }) => failureClass);
  return [...byClass]
    .map(([failureClass, variants]) => ({
      failureClass,
      actor: FAILURES[failureClass].actor,
      sentence: FAILURES[failureClass].sentence,
      count: variants.length,
      examples: variants.slice(0, MAX_EXAMPLES).map(({ key, message }) => ({ key, message })),
    }))
    .sort((a, b) => b.count - a.count || compare(a.failureClass, b.failureClass));
}

const compare = (a: FailureClass, b: FailureClass): number => (a < b ? -1 : 1);

/** Evenly spread over what was rendered tonight; filled up with what was already there. */
function sampleOf(outcomes: readonly VariantOutcome[]) {
  const stored = outcomes.filter((outcome) => outcome.outcome !== 'failed');
  const of = (kind: 'rendered' | 'cached') => stored.filter(({ outcome }) => outcome === kind);
  const chosen = spread(of('rendered'), MAX_SAMPLES);
  return [...chosen, ...spread(of('cached'), MAX_SAMPLES - chosen.length)];
}

const spread = <T>(items: readonly T[], wanted: number): T[] =>
  items.filter((_, n) => Math.floor((n * wanted) / items.length) !== Math.floor(((n - 1) * wanted) / items.length));
