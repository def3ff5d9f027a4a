import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { metrics, NodeSDK, resources, tracing } from '@opentelemetry/sdk-node';
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry-v2';
import { startAtZero } from './metrics.ts';
import { serveMetrics } from './scraping.ts';
import type { Telemetry, TelemetryOptions } from './telemetry.ts';
import { temporalMetrics } from './temporal-metrics.ts';

const METRICS_EVERY_MS = 15_000;
const EXPORT_TIMEOUT_MS = 3_000;
const STOP_WITHIN_MS = 2_000;
/** Resolved by name: the bundler of workflow code takes a path. */
const WORKFLOW_INTERCEPTORS = '@temporalio/interceptors-opentelemetry-v2/lib/workflow-interceptors';

export const workflowInterceptorModules = (): string[] => [
  createRequire(import.meta.url).resolve(WORKFLOW_INTERCEPTORS),
];

/** The SDK with its exporters. Only `startTelemetry` loads this file. */
export async function startExporting(options: TelemetryOptions): Promise<Telemetry> {
  const { serviceName, version, targets, onExportError = () => undefined } = options;
  const report = once(onExportError);
  diag.setLogger(errorsTo(report), DiagLogLevel.ERROR);
  // What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes last, so it wins.
  const { defaultResource, detectResources, envDetector, hostDetector, resourceFromAttributes } = resources;
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': serviceName, ...(version && { 'service.version': version }) }))
    .merge(detectResources({ detectors: [hostDetector, envDetector] }));
  // The machine's ID is read from a file; a scrape before that would complain.
  await resource.waitForAsyncAttributes?.();
  const spanProcessor =
    targets.otlp === null
      ? null
      : new tracing.BatchSpanProcessor(new OTLPTraceExporter(at(targets.otlp, '/v1/traces')));
  const scraped = targets.scrape === null ? null : await serveMetrics(targets.scrape, onExportError);
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    spanProcessors: spanProcessor === null ? [] : [spanProcessor],
    metricReaders: [
      ...(targets.otlp !== null && targets.pushesMetrics ? [pushing(targets.otlp)] : []),
      ...(scraped === null ? [] : [scraped]),
    ],
    logRecordProcessors: [],
    instrumentations: [],
  });
  sdk.start();
  startAtZero();
  const temporalOptions = await temporalMetrics(targets, onExportError);
  return {
    temporalPlugins: () => (spanProcessor === null ? [] : [new OpenTelemetryPlugin({ resource, spanProcessor })]),
    workflowInterceptorModules: () => (spanProcessor === null ? [] : workflowInterceptorModules()),
    temporalOptions,
    async stop() {
      const limit = new AbortController();
      const timer = sleep(STOP_WITHIN_MS, undefined, { signal: limit.signal }).catch(() => undefined);
      // What cannot be delivered now is lost: telemetry never fails a batch.
      const flushed = sdk.shutdown().catch((error: unknown) => report(String(error)));
      await Promise.race([flushed, timer]);
      limit.abort();
    },
  };
}

const at = (endpoint: string, path: string) => ({
  url: `${endpoint.replace(/\/+$/, '')}${path}`,
  timeoutMillis: EXPORT_TIMEOUT_MS,
});

const pushing = (endpoint: string) =>
  new metrics.PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(at(endpoint, '/v1/metrics')),
    exportIntervalMillis: METRICS_EVERY_MS,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
  });

/** OpenTelemetry reports every export that fails; the first one says it all. */
function once(report: (message: string) => void): (message: string) => void {
  let told = false;
  return (message) => {
    if (!told) report(message);
    told = true;
  };
}

function errorsTo(report: (message: string) => void): DiagLogger {
  const quiet = (): void => undefined;
  return { error: (message) => report(messageIn(message)), warn: quiet, info: quiet, debug: quiet, verbose: quiet };
}

/** The SDK hands errors over as JSON with their stack; people want the message. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === 'string' ? message : text;
  } catch {
    return text;
  }
}
