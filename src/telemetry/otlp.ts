import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { core, metrics, NodeSDK, resources, tracing } from '@opentelemetry/sdk-node';
import { startAtZero } from './metrics.ts';
import { serveMetrics } from './scraping.ts';
import type { OtlpTarget, Telemetry, TelemetryOptions, TelemetryTargets } from './telemetry.ts';
import { TellingTraces } from './telling-traces.ts';
import { temporalMetrics } from './temporal-metrics.ts';
import { clientCalls, TracingPlugin } from './tracing-plugin.ts';

const STOP_WITHIN_MS = 2_000;
/** The bundler of workflow code takes a path: of source, or of what it was compiled to. */
export const workflowInterceptorModules = (): string[] => [
  join(import.meta.dirname, `../workflows/spans${extname(import.meta.filename)}`),
];

/** The SDK with its exporters. Only `startTelemetry` loads this file. */
export async function startExporting(options: TelemetryOptions): Promise<Telemetry> {
  const { serviceName, version, targets, onExportError = () => undefined } = options;
  const report = once(onExportError);
  const collectors = [targets.traces, targets.metrics].flatMap((target) => (target ? new URL(target.url).host : []));
  const where = collectors.length === 0 ? '' : ` (the collector is ${[...new Set(collectors)].join(' and ')})`;
  diag.setLogger(
    errorsTo((message) => report(`${message}${where}`)),
    DiagLogLevel.ERROR,
  );
  // What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes last, so it wins.
  const { defaultResource, detectResources, envDetector, hostDetector, resourceFromAttributes } = resources;
  const detectors = [hostDetector, resources.serviceInstanceIdDetector, envDetector];
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': serviceName, ...(version && { 'service.version': version }) }))
    .merge(detectResources({ detectors }));
  // The machine's ID is read from a file; a scrape before that would complain.
  await resource.waitForAsyncAttributes?.();
  const spanProcessor =
    targets.traces === null
      ? null
      : new TellingTraces(new tracing.BatchSpanProcessor(new OTLPTraceExporter(at(targets.traces))), targets.traces);
  const scraped = targets.scrape === null ? null : await serveMetrics(targets.scrape, onExportError);
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    // What is exported is decided when it has ended: until then all of it is recorded.
    sampler: new tracing.AlwaysOnSampler(),
    spanProcessors: spanProcessor === null ? [] : [spanProcessor],
    metricReaders: [
      ...(targets.metrics === null ? [] : [pushing(targets.metrics)]),
      ...(scraped === null ? [] : [scraped]),
    ],
    logRecordProcessors: [],
    instrumentations: [],
    // All processes must understand each other, and what callers say of people must not travel: no OTEL_PROPAGATORS, no baggage.
    textMapPropagator: new core.W3CTraceContextPropagator(),
  });
  sdk.start();
  startAtZero();
  const temporalOptions = await temporalMetrics(targets, identityIn(resource), onExportError);
  return {
    temporalPlugins: () => (spanProcessor === null ? [] : [new TracingPlugin({ resource, spanProcessor })]),
    clientInterceptors: () => (spanProcessor === null ? [] : [clientCalls()]),
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

/** The SDK below is not Temporal's, which says its own name. */
const identityIn = ({ attributes }: resources.Resource): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      typeof value === 'string' && !name.startsWith('telemetry.') ? [[name, value]] : [],
    ),
  );

/** Headers, certificates and compression the exporters read from the variables themselves. */
const at = ({ url, timeoutMs }: OtlpTarget) => ({ url, timeoutMillis: timeoutMs });

const pushing = (target: NonNullable<TelemetryTargets['metrics']>) =>
  new metrics.PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(at(target)),
    exportIntervalMillis: target.everyMs,
    exportTimeoutMillis: target.limitMs,
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
