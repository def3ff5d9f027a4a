/** Who takes a worker's telemetry: a collector that reads what it is sent, and a Prometheus that asks. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PortChooser } from '../../src/stack/ports.ts';

const SCRAPE_EVERY_MS = 5_000;

export interface Heard {
  /** Requests with spans, and with metrics. */
  readonly traces: number;
  readonly metrics: number;
  readonly scrapes: number;
}

export class Listener implements AsyncDisposable {
  private readonly counts = { traces: 0, metrics: 0, scrapes: 0 };
  private readonly server: Server;
  private readonly ports: readonly [number, number];
  private readonly timer: NodeJS.Timeout;

  private constructor(ports: readonly [number, number]) {
    this.ports = ports;
    this.server = createServer((request, response) => {
      request.resume().once('end', () => {
        this.counts[request.url === '/v1/traces' ? 'traces' : 'metrics'] += 1;
        response.end();
      });
    });
    this.timer = setInterval(() => void Promise.all(ports.map((port) => this.scrape(port))), SCRAPE_EVERY_MS);
  }

  static async start(): Promise<Listener> {
    const chooser = new PortChooser();
    const listener = new Listener([await chooser.choose(), await chooser.choose()]);
    listener.server.listen(0, '127.0.0.1');
    await once(listener.server, 'listening');
    return listener;
  }

  /** Everything that a worker can be told to tell. */
  get environment(): Readonly<Record<string, string>> {
    const [own, temporal] = this.ports.map(String);
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`,
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
      OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
      OTEL_EXPORTER_PROMETHEUS_PORT: own ?? '',
      NIGHTREEL_TEMPORAL_METRICS_PORT: temporal ?? '',
    };
  }

  get heard(): Heard {
    return { ...this.counts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.timer);
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async scrape(port: number): Promise<void> {
    try {
      await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      this.counts.scrapes += 1;
    } catch {
      // The worker starts, or has ended.
    }
  }
}
