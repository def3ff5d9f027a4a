/**
 * The metrics of Nightreel. Without a running SDK (`telemetry.ts`) every call is a no-op of the OpenTelemetry API. No label has more
 * values than this project has outcomes, classes and campaigns: never a person's or a variant's. Names end in their unit, as Prometheus
 * wants it and a collector would make them: rules and panels fit both ways.
 */

import { type Counter, type Gauge, type Histogram, type MeterProvider, metrics } from '@opentelemetry/api';
import type { VariantOutcome } from '../contracts/batch.ts';
import { FAILURES } from '../contracts/failures.ts';
import type { PoolState } from '../rendering/browser/pool.ts';
import { CPU_PARTS, type CpuPart } from '../rendering/measuring/meter.ts';
import type { RenderStages } from '../rendering/renderer.ts';
import type { SceneStats } from '../storage/scene-store.ts';
import type { BatchFigures } from './running-batches.ts';
import { inStep, type Stage } from './tracing.ts';

/** Renders of a 12 s video take 1–30 s; p95 is read off these, so they are close there. */
const RENDER_BUCKETS_S = [0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 60, 120];
/** From a queue in which nothing waits to a backlog that takes the night. */
const WAIT_BUCKETS_S = [0.1, 0.5, 2, 10, 30, 60, 300, 900, 3_600, 14_400];
/** A 12 s video takes 2–30 CPU-seconds, a joined one less than one. */
const CPU_BUCKETS_S = [0.1, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64];
/** From an acquire that waits for nobody to a capture that is all of a slow render. */
const STAGE_BUCKETS_S = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 120];

const OUTCOMES = ['rendered', 'cached', 'failed'] as const satisfies readonly VariantOutcome['outcome'][];

interface Instruments {
  readonly provider: MeterProvider;
  readonly planned: Counter;
  readonly variants: Counter;
  readonly failures: Counter;
  readonly renderDuration: Histogram;
  readonly stageDuration: Histogram;
  readonly frames: Counter;
  readonly cpu: Counter;
  readonly variantCpu: Histogram;
  readonly queueWait: Histogram;
  readonly uploaded: Counter;
  readonly atRisk: Counter;
  readonly throttled: Counter;
  readonly retried: Counter;
  readonly closedAt: Gauge;
  readonly batchDuration: Gauge;
  readonly deadlineSlack: Gauge;
}

let created: Instruments | null = null;

const meterOf = (provider: MeterProvider) => provider.getMeter('nightreel');

/** Made at the first use: the metrics API has no proxy, so instruments made before the SDK starts would stay dead. */
function instruments(): Instruments {
  const provider = metrics.getMeterProvider();
  if (created?.provider === provider) return created;
  const meter = meterOf(provider);
  created = {
    provider,
    planned: meter.createCounter('nightreel.variants.planned', {
      description: 'Variants that plans came to',
      unit: '{variant}',
    }),
    variants: meter.createCounter('nightreel.variants', {
      description: 'Variants settled, by outcome',
      unit: '{variant}',
    }),
    failures: meter.createCounter('nightreel.failures', {
      description: 'Variants failed, by class',
      unit: '{variant}',
    }),
    renderDuration: meter.createHistogram('nightreel.render.duration.seconds', {
      description: 'Wall time of a render on its worker, upload included',
      unit: 's',
      advice: { explicitBucketBoundaries: RENDER_BUCKETS_S },
    }),
    stageDuration: meter.createHistogram('nightreel.stage.duration.seconds', {
      description: 'Wall time of one stage of a render that worked, of a scene as well',
      unit: 's',
      advice: { explicitBucketBoundaries: STAGE_BUCKETS_S },
    }),
    frames: meter.createCounter('nightreel.frames', { description: 'Frames captured', unit: '{frame}' }),
    cpu: meter.createCounter('nightreel.cpu.seconds', {
      description: 'Processor time of making videos and scenes, failed attempts included, by who used it',
      unit: 's',
    }),
    variantCpu: meter.createHistogram('nightreel.variant.cpu.seconds', {
      description: 'Processor time of the attempt that made a variant: browser, encoder and its share of the worker',
      unit: 's',
      advice: { explicitBucketBoundaries: CPU_BUCKETS_S },
    }),
    queueWait: meter.createHistogram('nightreel.queue.wait.seconds', {
      description: 'Time that an attempt of an activity waited in its task queue for a worker',
      unit: 's',
      advice: { explicitBucketBoundaries: WAIT_BUCKETS_S },
    }),
    uploaded: meter.createCounter('nightreel.uploaded.bytes', {
      description: 'Bytes of videos that were made and stored',
      unit: 'By',
    }),
    atRisk: meter.createCounter('nightreel.batches.at_risk', {
      description: 'Batches whose pace said that they would miss their deadline, or that did, each once',
      unit: '{batch}',
    }),
    throttled: meter.createCounter('nightreel.storage.throttled', {
      description: 'Requests that the object store answered with 503 or 429, repeated ones included',
      unit: '{request}',
    }),
    retried: meter.createCounter('nightreel.storage.retries', {
      description: 'Requests to the object store that were sent again, whatever for',
      unit: '{request}',
    }),
    closedAt: meter.createGauge('nightreel.batch.closed.timestamp.seconds', {
      description: 'When a batch of the campaign closed last on this worker, in seconds since 1970',
      unit: 's',
    }),
    batchDuration: meter.createGauge('nightreel.batch.duration.seconds', {
      description: 'Wall time of that batch',
      unit: 's',
    }),
    deadlineSlack: meter.createGauge('nightreel.batch.deadline.slack.seconds', {
      description: 'Time that was left to the deadline when that batch closed; negative when it was late',
      unit: 's',
    }),
  };
  return created;
}

/** Counters that are known beforehand exist from the start: what they first count would otherwise not show as an increase. */
export function startAtZero(): void {
  const { planned, variants, failures, frames, cpu, uploaded, throttled, retried } = instruments();
  for (const counter of [planned, frames, uploaded, throttled, retried]) counter.add(0);
  for (const part of CPU_PARTS) cpu.add(0, { part });
  for (const outcome of OUTCOMES) variants.add(0, { outcome });
  for (const failureClass of Object.keys(FAILURES)) failures.add(0, { class: failureClass });
}

/** One finished render, of a video that is stored now. */
export function recordRender(renderMs: number, sizeBytes: number): void {
  instruments().renderDuration.record(renderMs / 1000);
  instruments().uploaded.add(sizeBytes);
}

/** What an attempt took, whatever came of it; null: it cannot be told. */
export function recordCpu(cpuMs: Readonly<Record<CpuPart, number>> | null): void {
  if (cpuMs === null) return;
  for (const part of CPU_PARTS) instruments().cpu.add(cpuMs[part] / 1000, { part });
}

/** The same of the attempt that made a variant. */
export function recordVariantCpu(cpuMs: number): void {
  instruments().variantCpu.record(cpuMs / 1000);
}

/** How long an attempt waited for a worker. Clocks that differ do not make it negative. */
export function recordQueueWait(queue: string, waitMs: number): void {
  instruments().queueWait.record(Math.max(0, waitMs) / 1000, { queue });
}

/** What the engine took for a video or a scene. */
export function recordStages(stages: RenderStages, frameCount: number): void {
  recordStage('acquire', stages.acquireMs);
  recordStage('params', stages.paramsMs);
  recordStage('capture', stages.captureMs);
  recordStage('encode', stages.encodeMs);
  recordStage('verify', stages.verifyMs);
  instruments().frames.add(frameCount);
}

function recordStage(stage: Stage, durationMs: number): void {
  instruments().stageDuration.record(durationMs / 1000, { stage });
}

/**
 * Does the work of a stage inside a span, and notes how long it took when it worked.
 * @param onDone is told that, too, ms.
 */
export async function timeStage<T>(
  stage: Stage,
  work: () => Promise<T>,
  onDone: (durationMs: number) => void = () => undefined,
): Promise<T> {
  return await inStep(stage, work, (durationMs) => {
    recordStage(stage, durationMs);
    onDone(durationMs);
  });
}

/** A request that the object store asked to send later. */
export function countThrottled(): void {
  instruments().throttled.add(1);
}

/** Times that a request was sent again. */
export function countRetried(times: number): void {
  if (times > 0) instruments().retried.add(times);
}

/** A batch that runs, and is not late yet: the series is there before there is something to count, and increases then. */
export function startAtRisk(campaign: string): void {
  instruments().atRisk.add(0, { campaign });
}

/** A batch that will be late, told once. */
export function countAtRisk(campaign: string): void {
  instruments().atRisk.add(1, { campaign });
}

/** What a plan came to. */
export function countPlanned(variants: number): void {
  instruments().planned.add(variants);
}

/** Variants that have been settled, each counted once. */
export function countOutcomes(outcomes: readonly VariantOutcome[]): void {
  const { variants, failures } = instruments();
  for (const outcome of outcomes) {
    variants.add(1, { outcome: outcome.outcome });
    if (outcome.outcome === 'failed') failures.add(1, { class: outcome.failureClass });
  }
}

export interface ClosedBatch {
  readonly campaign: string;
  readonly closedAtMs: number;
  readonly wallMs: number;
  /** Null: it had none. */
  readonly deadlineMs: number | null;
}

/** A night that is over. */
export function recordClosed({ campaign, closedAtMs, wallMs, deadlineMs }: ClosedBatch): void {
  const { closedAt, batchDuration, deadlineSlack } = instruments();
  closedAt.record(closedAtMs / 1000, { campaign });
  batchDuration.record(wallMs / 1000, { campaign });
  if (deadlineMs !== null) deadlineSlack.record((deadlineMs - closedAtMs) / 1000, { campaign });
}

/** Has the browser pool looked at whenever metrics are collected. */
export function observePool(read: () => PoolState): void {
  const meter = meterOf(metrics.getMeterProvider());
  const browsers = meter.createObservableGauge('nightreel.pool.browsers', {
    description: 'Browsers by state: slots that there are, ready and leased ones, renders that wait for one',
    unit: '{browser}',
  });
  const replaced = meter.createObservableCounter('nightreel.pool.replaced', {
    description:
      'Browsers replaced: recycled after their share or for their memory, discarded as broken or of no use any more',
    unit: '{browser}',
  });
  const warmed = meter.createObservableCounter('nightreel.pool.warmups', {
    description: 'Browsers launched and warmed',
    unit: '{browser}',
  });
  const lent = meter.createObservableCounter('nightreel.pool.leases', {
    description: 'Times that a browser was lent to a render',
    unit: '{lease}',
  });
  const memory = meter.createObservableGauge('nightreel.pool.memory.bytes', {
    description: 'Anonymous and shared memory of all browsers of this worker',
    unit: 'By',
  });
  meter.addBatchObservableCallback(
    (observed) => {
      const state = read();
      for (const name of ['slots', 'ready', 'leased', 'waiting'] as const)
        observed.observe(browsers, state[name], { state: name });
      for (const reason of ['recycled', 'discarded'] as const) observed.observe(replaced, state[reason], { reason });
      observed.observe(warmed, state.warmed);
      observed.observe(lent, state.lent);
      observed.observe(memory, state.memoryBytes);
    },
    [browsers, replaced, warmed, lent, memory],
  );
}

/** Has the scenes looked at whenever metrics are collected. */
export function observeScenes(read: () => SceneStats): void {
  const lookups = meterOf(metrics.getMeterProvider()).createObservableCounter('nightreel.scene.lookups', {
    description: 'Scenes that were needed: found in memory or in the store, made, or found damaged',
    unit: '{scene}',
  });
  lookups.addCallback((observed) => {
    const { memoryHits, storeHits, made, damaged } = read();
    for (const [result, count] of Object.entries({ memory: memoryHits, store: storeHits, made, damaged }))
      observed.observe(count, { result });
  });
}

/** Has the batches whose workflows run here looked at whenever metrics are collected. What cannot be said is NaN: a series cannot end. */
export function observeBatches(read: () => readonly BatchFigures[]): void {
  const meter = meterOf(metrics.getMeterProvider());
  const progress = meter.createObservableGauge('nightreel.batch.progress.ratio', {
    description: 'Settled of all variants of the batch of the campaign that runs now',
    unit: '1',
  });
  const unsettled = meter.createObservableGauge('nightreel.batch.unsettled', {
    description: 'Variants of that batch that are not settled yet',
    unit: '{variant}',
  });
  const expectedEnd = meter.createObservableGauge('nightreel.batch.expected_end.timestamp.seconds', {
    description: 'When it will have settled all at its pace so far, in seconds since 1970',
    unit: 's',
  });
  const expectedSlack = meter.createObservableGauge('nightreel.batch.expected_slack.seconds', {
    description: 'Time that will be left to its deadline then; negative: it will be late',
    unit: 's',
  });
  meter.addBatchObservableCallback(
    (observed) => {
      for (const { campaign, ...figures } of read()) {
        observed.observe(progress, figures.progress ?? Number.NaN, { campaign });
        observed.observe(unsettled, figures.unsettled ?? Number.NaN, { campaign });
        observed.observe(expectedEnd, figures.expectedEndS ?? Number.NaN, { campaign });
        observed.observe(expectedSlack, figures.slackS ?? Number.NaN, { campaign });
      }
    },
    [progress, unsettled, expectedEnd, expectedSlack],
  );
}
