/** The one place where OpenTelemetry is set up. Off, it loads nothing. */

import type { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry-v2';
import type { TelemetryOptions as TemporalOptions } from '@temporalio/worker';

/** Neither an endpoint nor a place to scrape: telemetry is off. */
export interface TelemetryTargets {
  /** Base URL of an OTLP/HTTP collector, for example `http://localhost:4318`; null: there is none. */
  readonly otlp: string | null;
  /** Which spans that collector gets: of ordinary variants this share, 0 to 1, and everything else; null: none. */
  readonly traces: { readonly ratio: number } | null;
  /** Whether that collector gets the metrics, too. */
  readonly pushesMetrics: boolean;
  /** Where Prometheus may ask for `/metrics`; null: nowhere. */
  readonly scrape: { readonly host: string; readonly port: number } | null;
  /** Who gets the metrics of Temporal's own SDK: Prometheus, who asks for `/metrics` there, or a collector; null: nobody. */
  readonly temporal: { readonly host: string; readonly port: number } | { readonly otlp: string } | null;
}

export interface TelemetryOptions {
  readonly serviceName: string;
  readonly version?: string;
  readonly targets: TelemetryTargets;
  /** Told once when the collector does not take what is sent, and when metrics cannot be scraped. */
  readonly onExportError?: (message: string) => void;
}

export interface Telemetry {
  /** For `Client` and `Worker`: spans for workflows, children and activities, joined over all processes. */
  temporalPlugins(): OpenTelemetryPlugin[];
  /** Modules that a prebuilt workflow bundle must contain for those spans. */
  workflowInterceptorModules(): string[];
  /** For Temporal's runtime, to be installed with it; undefined: as it is by itself. */
  readonly temporalOptions: TemporalOptions | undefined;
  /** Sends what is left, for at most two seconds: a collector that is gone holds nobody up. */
  stop(): Promise<void>;
}

const OFF: Telemetry = {
  temporalPlugins: () => [],
  workflowInterceptorModules: () => [],
  temporalOptions: undefined,
  stop: () => Promise.resolve(),
};

/**
 * Starts sending spans and metrics over OTLP (HTTP, protobuf), and serving metrics to Prometheus, as the targets say. Call it once, at
 * the start.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { otlp, scrape, temporal } = options.targets;
  if (otlp === null && scrape === null && temporal === null) return OFF;
  const { startExporting } = await import('./otlp.ts');
  return await startExporting(options);
}
