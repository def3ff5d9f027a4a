/** What the night cost, from what was measured and from prices. Pure. What was not measured has no price: nothing is guessed. */

import { z } from 'zod';
import type { SceneTally, VariantOutcome } from '../contracts/batch.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import type { SavedEstimate } from '../planning/saved-estimate.ts';
import { GB, type Prices, PUBLISHED, pricesSchema } from './prices.ts';
import { requestsOf } from './requests.ts';
import { renderedOf } from './stages.ts';

const amount = z.number().min(0);
const count = z.int().min(0);

export const costSchema = z.object({
  prices: pricesSchema.describe('What was reckoned with.'),
  measured: count.describe('Renders whose processor time was measured.'),
  rendered: count.describe('All of this batch’s.'),
  sharedScenes: count
    .default(0)
    .describe('Scenes that several videos share and that were not stored: they are rendered before the videos.'),
  scenes: z
    .object({
      rendered: count.describe('Of `sharedScenes`, those that were made before the videos.'),
      measured: count.describe('Of these, those whose processor time was measured.'),
      cpuMs: amount.describe('That time, ms; it is in `compute`.'),
    })
    .nullable()
    .default(null)
    .describe('What they took. Null: there was none, or nobody knows.'),
  compute: z
    .object({
      cpuSeconds: amount
        .nullable()
        .describe(
          'Of the measured renders: the attempts that made their videos, and shared scenes. Null: none was measured.',
        ),
      cpuSecondsPerVariant: amount.nullable().describe('The same, of one of these videos.'),
      money: amount.nullable().describe('What that costs.'),
      moneyPerVariant: amount.nullable().describe('The same, of one of them.'),
    })
    .describe('Measured.'),
  storage: z
    .object({
      bytes: amount.nullable().describe('Of the videos that were stored; null: not measured.'),
      bytesPerVariant: amount.nullable().describe('The same, of one variant.'),
      moneyPerMonth: amount.nullable().describe('What that costs.'),
      moneyPerMonthPerVariant: amount.nullable().describe('The same, of one variant.'),
    })
    .describe('Measured.'),
  requests: z
    .object({
      put: count.describe('PUT requests.'),
      get: count.describe('GET requests.'),
      head: count.describe('HEAD requests.'),
      list: count.describe('LIST requests.'),
      money: amount.describe('What they cost.'),
      moneyPerVariant: amount.nullable().describe('The same, of one render; null: there was none.'),
    })
    .describe('Counted, not measured: of a night that goes well.'),
  egress: z
    .object({ moneyPerView: amount.nullable().describe('Null: no video’s size was measured.') })
    .describe('An estimate: of a video of this batch’s mean size being watched whole, once.'),
  night: amount
    .nullable()
    .describe(
      'Compute, requests, and storage for a month. Null: not all renders, or not all shared scenes, were measured.',
    ),
  perVariant: amount
    .nullable()
    .describe('The same, of one of those that were measured. Null: none was, or not all shared scenes.'),
  estimate: z
    .object({
      at: z.string().describe('When it was made, ISO 8601 UTC.'),
      variants: count.describe('Videos that were to be made.'),
      cpuSeconds: amount.describe('For all of them.'),
      cpuSecondsPerVariant: amount.nullable().describe('For one; null: there was none to be made.'),
      money: amount.describe('For all of them, at the same prices.'),
      moneyPerVariant: amount.nullable().describe('For one.'),
    })
    .nullable()
    .describe('What `nightreel estimate --save` said of this night; null: it was not asked.'),
  published: z
    .object({
      currency: z.string().describe('ISO 4217.'),
      videoSeconds: z.number().describe('Of how long a video.'),
      computePerVariant: amount.describe('For one of them.'),
      bandwidthPerVariant: amount.describe('For one of them.'),
      nightOf5000: amount.describe('For a night of 5,000.'),
    })
    .describe('What others have published, to compare with.'),
});

export type Cost = Readonly<z.infer<typeof costSchema>>;

/** Of scenes that were rendered for several videos. */
export type SceneWork = Pick<SceneTally, 'rendered' | 'measured' | 'cpuMs'>;

export interface CostInput {
  readonly plan: PlanDocument;
  readonly outcomes: readonly VariantOutcome[];
  /** Null: nobody knows, or there was none. */
  readonly scenes: SceneWork | null;
  readonly prices: Prices;
  readonly estimate: SavedEstimate | null;
  /** How many earlier nights were read for the report. */
  readonly nights: number;
}

const HOUR_SECONDS = 3_600;

export function costOf({ plan, outcomes, scenes: work, prices, estimate, nights }: CostInput): Cost {
  const rendered = renderedOf(outcomes);
  const cpuMs = rendered.flatMap(({ measures }) => measures?.cpuMs ?? []);
  const bytes = rendered.flatMap(({ measures }) => measures?.bytes ?? []);
  const { sharedScenes } = plan.counts;
  const scenes = work && { rendered: work.rendered, measured: work.measured ?? 0, cpuMs: work.cpuMs ?? 0 };
  const cpuSeconds = totalOf(scenes === null || scenes.measured === 0 ? cpuMs : [...cpuMs, scenes.cpuMs], 1_000);
  const computeMoney = cpuSeconds === null ? null : (cpuSeconds / HOUR_SECONDS) * prices.vcpuHour;
  const storedBytes = totalOf(bytes, 1);
  const storageMoney = storedBytes === null ? null : (storedBytes / GB) * prices.gbMonth;
  const videos = rendered.reduce((sum, { measures }) => sum + (measures === undefined ? 0 : (measures.videos ?? 1)), 0);
  const bytesPerVideo = per(storedBytes, videos);
  const requests = requestsOf(plan, outcomes, nights);
  const requestMoney =
    (requests.put * prices.requests.put +
      requests.get * prices.requests.get +
      requests.head * prices.requests.head +
      requests.list * prices.requests.list) /
    1_000;
  const areScenesKnown = sharedScenes === 0 || (scenes !== null && scenes.measured === scenes.rendered);
  const isWhole = areScenesKnown && cpuMs.length === rendered.length && bytes.length === rendered.length;
  const moneyPerVariant = per(computeMoney, cpuMs.length);
  const moneyPerMonthPerVariant = per(storageMoney, bytes.length);
  const requestsPerRender = per(requestMoney, rendered.length);
  const isKnown =
    areScenesKnown && moneyPerVariant !== null && moneyPerMonthPerVariant !== null && requestsPerRender !== null;
  const night = isWhole ? (computeMoney ?? 0) + (storageMoney ?? 0) + requestMoney : null;
  const estimatedMoney = estimate && (estimate.cpuSeconds / HOUR_SECONDS) * prices.vcpuHour;
  return {
    prices,
    measured: cpuMs.length,
    rendered: rendered.length,
    sharedScenes,
    scenes,
    compute: {
      cpuSeconds,
      cpuSecondsPerVariant: per(cpuSeconds, cpuMs.length),
      money: computeMoney,
      moneyPerVariant,
    },
    storage: {
      bytes: storedBytes,
      bytesPerVariant: per(storedBytes, bytes.length),
      moneyPerMonth: storageMoney,
      moneyPerMonthPerVariant,
    },
    requests: { ...requests, money: requestMoney, moneyPerVariant: per(requestMoney, outcomes.length) },
    egress: { moneyPerView: bytesPerVideo === null ? null : (bytesPerVideo / GB) * prices.egressGb },
    night,
    perVariant: isKnown ? moneyPerVariant + moneyPerMonthPerVariant + requestsPerRender : null,
    estimate: estimate && {
      at: estimate.at,
      variants: estimate.variants,
      cpuSeconds: estimate.cpuSeconds,
      cpuSecondsPerVariant: per(estimate.cpuSeconds, estimate.variants),
      // At the prices of this report: both are compared.
      money: estimatedMoney ?? 0,
      moneyPerVariant: per(estimatedMoney, estimate.variants),
    },
    published: PUBLISHED,
  };
}

/** Null for none. */
const totalOf = (values: readonly number[], unit: number): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / unit;

const per = (total: number | null, number: number): number | null =>
  total === null || number === 0 ? null : total / number;
