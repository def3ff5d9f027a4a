/** `report.json`: the batch in numbers, for programs and for `report.html`. Holds keys and counts, nobody's data. */

import { z } from 'zod';
import type { DamagedManifest, VariantOutcome } from '../contracts/batch.ts';
import { FAILURES, type FailureClass, isFailureClass } from '../contracts/failures.ts';
import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import { type Interruptions, RUNNING_CHOICES, STOPPERS } from '../contracts/steering.ts';
import { RENDITION_IDS } from '../contracts/video.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import type { SavedEstimate } from '../planning/saved-estimate.ts';
import { refuseLater } from '../storage/format-version.ts';
import { costOf, costSchema, type SceneWork } from './cost.ts';
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

const batchId = z.string().describe('`campaign/date/attempt`.');
const businessDate = z.string().describe('`YYYY-MM-DD`, the evening on which the night began.');
const failureRate = z.number().min(0).max(1).describe('Failed of all variants.');
const p95 = milliseconds.nullable().describe('95 of 100 renders took no longer; null: none was made.');

/** docs/report.schema.json and docs/reference/report.md are written from it. */
export const reportSchema = z.object({
  version: z.literal(1).describe('Raised when a field changes its meaning or goes away; new fields do not raise it.'),
  summary: z
    .object({
      batchId,
      campaign: z.string().describe('Its ID.'),
      businessDate,
      recipients: count.describe('People of the batch.'),
      rejected: count.describe('Rows that were refused.'),
      variants: count.describe('Distinct videos, counted by params.'),
      cached: count.describe('Of them, those that were stored already.'),
      rendered: count.describe('Those that were made.'),
      failed: count.describe('Those that were not.'),
      pointers: count.describe('People who were pointed at their video.'),
      wallSeconds: z.number().describe('From the start of the batch until it closed.'),
      renderMsP50: milliseconds.nullable().describe('Half of the renders took no longer; null: none was made.'),
      renderMsP95: p95,
      failureRate,
      report: z.string().describe('Object key of report.html.'),
    })
    .describe('The night in numbers.'),
  closedAt: z.string().describe('When the batch closed last, ISO 8601 UTC.'),
  nightClosedAt: z
    .string()
    .nullable()
    .default(null)
    .describe('When the night itself closed; a backfill closes its batch again. Null: nobody knows.'),
  notStarted: count
    .default(0)
    .describe(
      'Of the failed, those that were never started as the batch, or their lane, was stopped before: the report is of a part of the night.',
    ),
  partial: z
    .boolean()
    .default(false)
    .describe(
      'The batch was stopped or cancelled, and videos are missing for that: never started, or given up. Or its manifest is damaged.',
    ),
  damaged: z
    .object({
      pages: count.describe('Pages of the manifest that cannot be read, of variants and of people.'),
      variants: count.describe('Of the failed, those on such pages: whose they are cannot be told.'),
      why: z.array(z.string()).describe('The first few of those pages, with what is wrong, a sentence each.'),
    })
    .exactOptional()
    .describe(
      'The watermark has not moved: the night run again, or the next one, reads the same people anew. Absent: the manifest is whole.',
    ),
  failedBefore: count
    .nullable()
    .default(null)
    .describe('Of a batch that was repaired: how many variants had failed when it first closed. Null: it was not.'),
  interruptions: z
    .object({
      pauses: z
        .array(
          z.object({
            by: z.enum(['person', 'breaker']).describe('Who paused it.'),
            reason: z.string().describe('Why.'),
          }),
        )
        .describe('The last few, in order.'),
      stopped: z
        .object({
          by: z.enum(STOPPERS).describe('Who or what stopped it.'),
          running: z.enum(RUNNING_CHOICES).describe('What became of the variants that were being made.'),
        })
        .nullable()
        .describe('Null: it was not.'),
    })
    .exactOptional()
    .describe('What held it up; absent: nothing.'),
  plan: z
    .object({
      attempt: z.int().describe('Which attempt at this date, from 1.'),
      rows: count.describe('That were read.'),
      duplicates: count.describe('Rows of somebody of whom another row counted.'),
      carriedOver: count.describe('People who were owed a video from the night before.'),
      since: z.string().nullable().describe('The instant from which the source was read; null: from the beginning.'),
      until: z.string().describe('The instant up to which it was read.'),
      rendition: z.enum(RENDITION_IDS).describe('What everyone got; with `destinations`, the largest of the campaign.'),
      destinations: z
        .array(z.array(z.enum(RENDITION_IDS)))
        .optional()
        .describe('Lists of renditions that people got, by where they watch; absent: everyone got `rendition`.'),
      template: z.string().describe('Its ID.'),
      templateDigest: z.string().describe('Of all that decides its pixels.'),
      csv: z.boolean().describe('True when a CSV was read in place of the campaign’s source.'),
      recipientLimit: z.int().nullable().describe('At most so many people, as somebody asked; null: all.'),
    })
    .describe('What was planned.'),
  engine: z
    .object({
      digest: z.string().describe('The fingerprint: part of every variant key.'),
      engineRevision: z.int().describe('The engine’s own number, raised when it draws otherwise.'),
      captureRoute: z.string().describe('How frames came from the page.'),
      pixels: z
        .string()
        .default('')
        .describe('Digest of what a page of known content looks like; empty in reports of before it was told.'),
      chromium: z.string().describe('Its version.'),
      ffmpeg: z.string().describe('Its version.'),
      x264: z.string().describe('Its version.'),
    })
    .describe('What it was planned for.'),
  failures: z
    .array(
      z.object({
        failureClass: z.string().refine(isFailureClass).describe('One of the [classes](../failures.md).'),
        actor: z.enum(['author', 'data', 'operator', 'nobody']).describe('Who must act.'),
        sentence: z.string().describe('What people read.'),
        count: count.describe('Variants of it.'),
        examples: z
          .array(
            z.object({
              key: variantKey.describe('Of the variant.'),
              message: z.string().describe('What happened, and where.'),
              ui: z
                .string()
                .nullable()
                .default(null)
                .describe('Its workflows in the Temporal Web UI; null: nobody said where that is.'),
            }),
          )
          .describe('Three at most.'),
        repair: z
          .object({
            way: z.enum(['run', 'backfill']).describe('The night again, or its failures.'),
            command: z.string().describe('As it is typed.'),
          })
          .nullable()
          .default(null)
          .describe('What to run once the cause is gone; null in reports of before it was told.'),
        ui: z
          .string()
          .nullable()
          .default(null)
          .describe('These variants in the Temporal Web UI; null: nobody said where that is.'),
      }),
    )
    .describe('By class, most frequent first.'),
  renderMs: z
    .object({
      min: milliseconds.nullable().describe('The fastest; null: none was made.'),
      max: milliseconds.nullable().describe('The slowest.'),
      histogram: z
        .array(
          z.object({
            fromMs: milliseconds.describe('Included.'),
            toMs: milliseconds.describe('Not included.'),
            count: count.describe('Renders that took so long.'),
          }),
        )
        .describe('Without gaps, in order.'),
    })
    .describe('How long renders took.'),
  stages: stagesSchema.default(NO_STAGES).describe('Where the time of renders went.'),
  throughput: throughputSchema
    .default(NO_THROUGHPUT)
    .describe('How many videos were made in each part of the night, and how many at a time.'),
  slowest: slowestSchema.default([]).describe('The ten renders that took longest, the longest first.'),
  cost: costSchema.nullable().default(null).describe('Null in reports of before it was told.'),
  figures: z
    .array(
      z.object({
        name: z.enum(['variants', 'renderMsP95', 'failureRate']).describe('Which number.'),
        value: z.number().min(0).nullable().describe('Tonight; null: not measured.'),
        usual: z.number().min(0).nullable().describe('The median of `nights`; null: there are none.'),
        trend: z
          .enum(['up', 'down', 'same'])
          .nullable()
          .describe('Whether it is more than a tenth above or below that.'),
      }),
    )
    .default([])
    .describe('The three numbers, beside the usual ones.'),
  nights: z
    .array(
      z.object({ batchId, businessDate, variants: count.describe('Distinct videos.'), renderMsP95: p95, failureRate }),
    )
    .default([])
    .describe('The campaign’s last nights before this one that it compares with, ten at most, newest first.'),
  samples: z
    .array(
      z.object({
        key: variantKey.describe('Of the variant.'),
        outcome: z.enum(['rendered', 'cached']).describe('What became of it.'),
        renderMs: milliseconds.describe('How long it took; 0: it was there.'),
        video: z.string().describe('Its address.'),
        poster: z.string().describe('The address of its poster.'),
      }),
    )
    .describe('A few videos to look at, spread over the batch.'),
});

export type BatchReport = Readonly<z.infer<typeof reportSchema>>;

/** The text of an object of that name. */
export function parseReport(text: string, name: string): BatchReport {
  const json: unknown = JSON.parse(text);
  refuseLater(json, name);
  return reportSchema.parse(json);
}

/** As reports of before the field say it, too. */
export const isPartial = ({ partial, notStarted }: Pick<BatchReport, 'partial' | 'notStarted'>): boolean =>
  partial || notStarted > 0;

export interface ReportInput {
  readonly plan: PlanDocument;
  /** One per variant of the manifest. */
  readonly outcomes: readonly VariantOutcome[];
  /** Variants that nobody recorded: of `outcomes`, and of the damaged. */
  readonly notStarted: number;
  readonly damaged?: DamagedManifest | null;
  readonly failedBefore?: number | null;
  readonly interruptions?: Interruptions | undefined;
  readonly scenes?: SceneWork | null | undefined;
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

const isGivenUp = (outcome: VariantOutcome): boolean =>
  outcome.outcome === 'failed' && outcome.failureClass === 'Cancelled';

/** Builds the report from what was planned and what became of it. Pure. */
export function reportJson({
  plan,
  outcomes,
  notStarted,
  damaged = null,
  failedBefore = null,
  interruptions,
  scenes = null,
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
  const summary = summarise({ batch, counts, outcomes, unreadable: damaged?.variants ?? 0, wallMs });
  const about = { csv: plan.csvKey !== null, recipientLimit: plan.recipientLimit };
  const nights = comparedNights({ plan: about }, earlier);
  const ofBatch = `CampaignId = '${batch.campaign}' AND BatchDate = '${batch.businessDate}'`;
  // Of a variant that was repaired several workflows: the list has them all.
  const uiOf = (key: VariantKey): string | null => uiLink(`${ofBatch} AND VariantKey = '${key}'`);
  return {
    version: 1,
    summary,
    closedAt,
    nightClosedAt,
    notStarted,
    partial: damaged !== null || notStarted > 0 || (interruptions?.stopped != null && outcomes.some(isGivenUp)),
    ...(damaged && { damaged: { ...damaged, why: [...damaged.why] } }),
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
    failures: failuresByClass(outcomes, damaged?.variants ?? 0, uiOf).map((failure) => ({
      ...failure,
      repair: repairOf(failure.failureClass, { batch, ...about }),
      ui: uiLink(`${ofBatch} AND FailureClass = '${failure.failureClass}'`),
    })),
    renderMs: { min: times[0] ?? null, max: percentile(times, 1), histogram: histogram(times) },
    stages: stagesOf(rendered),
    throughput: throughputOf(rendered, nightClosedAt === null ? null : Date.parse(nightClosedAt)),
    slowest: slowestOf(rendered, uiOf),
    cost: costOf({ plan, outcomes, scenes, prices, estimate, nights: earlier.length }),
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

function failuresByClass(
  outcomes: readonly VariantOutcome[],
  unreadable: number,
  uiOf: (key: VariantKey) => string | null,
) {
  const failed = outcomes.filter((outcome) => outcome.outcome === 'failed');
  const byClass = Map.groupBy(failed, ({ failureClass }) => failureClass);
  if (unreadable > 0 && !byClass.has('ManifestDamaged')) byClass.set('ManifestDamaged', []);
  return [...byClass]
    .map(([failureClass, variants]) => ({
      failureClass,
      actor: FAILURES[failureClass].actor,
      sentence: FAILURES[failureClass].sentence,
      count: variants.length + (failureClass === 'ManifestDamaged' ? unreadable : 0),
      examples: variants.slice(0, MAX_EXAMPLES).map(({ key, message }) => ({ key, message, ui: uiOf(key) })),
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
