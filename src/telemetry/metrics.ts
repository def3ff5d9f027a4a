/** The metrics of Nightreel. Without a running SDK (`telemetry.ts`) every call is a no-op of the OpenTelemetry API. */

import { type Counter, type Histogram, type MeterProvider, metrics } from '@opentelemetry/api';
import type { VariantOutcome } from '../contracts/batch.ts';

/** Renders of a 12 s video take 1–30 s; p95 is read off these, so they are close there. */
const RENDER_BUCKETS_MS = [
  250, 500, 1_000, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000, 16_000, 24_000, 32_000, 60_000, 120_000,
];

interface Instruments {
  readonly provider: MeterProvider;
  readonly variants: Counter;
  readonly failures: Counter;
  readonly renderDuration: Histogram;
  readonly atRisk: Counter;
  readonly throttled: Counter;
}

let created: Instruments | null = null;

/** Made at the first use: the metrics API has no proxy, so instruments made before the SDK starts would stay dead. */
function instruments(): Instruments {
  const provider = metrics.getMeterProvider();
  if (created?.provider === provider) return created;
  const meter = provider.getMeter('nightreel');
  created = {
    provider,
    variants: meter.createCounter('nightreel.variants', {
      description: 'Variants settled, by outcome',
      unit: '{variant}',
    }),
    failures: meter.createCounter('nightreel.failures', {
      description: 'Variants failed, by class',
      unit: '{variant}',
    }),
    renderDuration: meter.createHistogram('nightreel.render.duration', {
      description: 'Wall time of a render on its worker, upload included',
      unit: 'ms',
      advice: { explicitBucketBoundaries: RENDER_BUCKETS_MS },
    }),
    atRisk: meter.createCounter('nightreel.batches.at_risk', {
      description: 'Batches whose pace said that they would miss their deadline, or that did, each once',
      unit: '{batch}',
    }),
    throttled: meter.createCounter('nightreel.storage.throttled', {
      description: 'Requests that the object store answered with 503 or 429, repeated ones included',
      unit: '{request}',
    }),
  };
  return created;
}

/** One finished render. */
export function recordRender(renderMs: number): void {
  instruments().renderDuration.record(renderMs);
}

/** A request that the object store asked to send later. */
export function countThrottled(): void {
  instruments().throttled.add(1);
}

/** A batch that will be late, told once. */
export function countAtRisk(campaign: string): void {
  instruments().atRisk.add(1, { campaign });
}

/** Variants that have been settled, each counted once. */
export function countOutcomes(outcomes: readonly VariantOutcome[]): void {
  const { variants, failures } = instruments();
  for (const outcome of outcomes) {
    variants.add(1, { outcome: outcome.outcome });
    if (outcome.outcome === 'failed') failures.add(1, { class: outcome.failureClass });
  }
}
