/** The one place where OpenTelemetry is set up. Off, it loads nothing. */

import type { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry-v2';

export interface TelemetryOptions {
  readonly serviceName: string;
  readonly version?: string;
  /** Base URL of an OTLP/HTTP collector, for example `http://localhost:4318`; null: telemetry is off. */
  readonly endpoint: string | null;
  /** Told once when the collector does not take what is sent. */
  readonly onExportError?: (message: string) => void;
}

export interface Telemetry {
  /** For `Client` and `Worker`: spans for workflows, children and activities, joined over all processes. */
  temporalPlugins(): OpenTelemetryPlugin[];
  /** Modules that a prebuilt workflow bundle must contain for those spans. */
  workflowInterceptorModules(): string[];
  /** Sends what is left, for at most two seconds: a collector that is gone holds nobody up. */
  stop(): Promise<void>;
}

const OFF: Telemetry = {
  temporalPlugins: () => [],
  workflowInterceptorModules: () => [],
  stop: () => Promise.resolve(),
};

/** Starts exporting spans and metrics over OTLP (HTTP, protobuf) when there is an endpoint. Call it once, at the start. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  if (options.endpoint === null) return OFF;
  const { startExporting } = await import('./otlp.ts');
  return await startExporting({ ...options, endpoint: options.endpoint });
}
