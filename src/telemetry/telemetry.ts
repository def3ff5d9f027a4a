/** The one place where OpenTelemetry is set up. Off, it loads nothing. */

import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry-v2';
import type { TelemetryOptions as TemporalOptions } from '@temporalio/worker';
import type { DoorTarget } from './metrics-door.ts';

/** A collector of OTLP (HTTP, protobuf). */
export interface OtlpTarget {
  /** With its path: `http://localhost:4318/v1/traces`. */
  readonly url: string;
  /** It has so long to answer a request. */
  readonly timeoutMs: number;
}

/** Neither a collector nor a place to scrape: telemetry is off. */
export interface TelemetryTargets {
  /** Who gets which spans: of ordinary variants this share, 0 to 1, and everything else; null: nobody. */
  readonly traces: (OtlpTarget & { readonly ratio: number }) | null;
  /** Who is sent the metrics, how often, and how long collecting and sending them may take together; null: nobody. */
  readonly metrics: (OtlpTarget & { readonly everyMs: number; readonly limitMs: number }) | null;
  /** Where Prometheus may ask for `/metrics`; null: nowhere. */
  readonly scrape: DoorTarget | null;
  /** Who gets the metrics of Temporal's own SDK: Prometheus, who asks for `/metrics` there, or a collector; null: nobody. */
  readonly temporal: DoorTarget | { readonly url: string; readonly everyMs: number } | null;
}

export interface TelemetryOptions {
  readonly serviceName: string;
  readonly version?: string;
  readonly targets: TelemetryTargets;
  /** Told once when the collector does not take what is sent, and when metrics cannot be scraped. */
  readonly onExportError?: (message: string) => void;
}

export interface Telemetry {
  /** For `Worker`: spans for workflows, children and activities, joined over all processes. */
  temporalPlugins(): OpenTelemetryPlugin[];
  /** For `Client`: spans for what it starts and changes, which what it is about then continues. */
  clientInterceptors(): WorkflowClientInterceptor[];
  /** Modules that a prebuilt workflow bundle must contain for those spans. */
  workflowInterceptorModules(): string[];
  /** For Temporal's runtime, to be installed with it; undefined: as it is by itself. */
  readonly temporalOptions: TemporalOptions | undefined;
  /** Sends what is left, for at most two seconds: a collector that is gone holds nobody up. */
  stop(): Promise<void>;
}

const OFF: Telemetry = {
  temporalPlugins: () => [],
  clientInterceptors: () => [],
  workflowInterceptorModules: () => [],
  temporalOptions: undefined,
  stop: () => Promise.resolve(),
};

/**
 * Starts sending spans and metrics over OTLP (HTTP, protobuf), and serving metrics to Prometheus, as the targets say. Call it once, at
 * the start.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { traces, metrics, scrape, temporal } = options.targets;
  if (traces === null && metrics === null && scrape === null && temporal === null) return OFF;
  const { startExporting } = await import('./otlp.ts');
  return await startExporting(options);
}
