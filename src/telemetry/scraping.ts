import type { Server } from 'node:http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { type DoorTarget, openDoor } from './metrics-door.ts';

/** OpenTelemetry's exporter behind our own door: its server answers whoever asks. */
class GuardedExporter extends PrometheusExporter {
  private readonly target: DoorTarget;
  private door: Server | null = null;

  constructor(target: DoorTarget) {
    super({ preventServerStart: true, withoutScopeInfo: true });
    this.target = target;
  }

  override async startServer(): Promise<void> {
    this.door = await openDoor(this.target, (request, response) => this.getMetricsRequestHandler(request, response));
  }

  override async stopServer(): Promise<void> {
    this.door?.close();
  }
}

/** Serves the metrics of this process at `/metrics`. Null, and the reason told, when nobody can listen there: nothing depends on it. */
export async function serveMetrics(
  target: DoorTarget,
  onError: (message: string) => void,
): Promise<PrometheusExporter | null> {
  const exporter = new GuardedExporter(target);
  try {
    await exporter.startServer();
    return exporter;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is taken' : message;
    onError(
      `Prometheus cannot scrape this process: nothing can listen on ${target.host}:${target.port} (${why}). Every worker process of a machine needs a port of its own in OTEL_EXPORTER_PROMETHEUS_PORT; start it again with a free one.`,
    );
    return null;
  }
}
