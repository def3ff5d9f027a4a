import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import type { TelemetryTargets } from './telemetry.ts';

/** Serves the metrics of this process at `/metrics`. Null, and the reason told, when nobody can listen there: nothing depends on it. */
export async function serveMetrics(
  { host, port }: NonNullable<TelemetryTargets['scrape']>,
  onError: (message: string) => void,
): Promise<PrometheusExporter | null> {
  const exporter = new PrometheusExporter({ host, port, preventServerStart: true, withoutScopeInfo: true });
  try {
    await exporter.startServer();
    return exporter;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is taken' : message;
    onError(
      `Prometheus cannot scrape this process: nothing can listen on ${host}:${port} (${why}). Every worker process of a machine needs a port of its own in OTEL_EXPORTER_PROMETHEUS_PORT; start it again with a free one.`,
    );
    return null;
  }
}
