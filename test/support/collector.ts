/** A collector of telemetry that keeps what it is sent. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export class TestCollector implements AsyncDisposable {
  private readonly server: Server;
  private readonly received = new Map<string, Buffer[]>();

  private constructor() {
    this.server = createServer(async (request, response) => {
      const path = request.url ?? '';
      this.received.set(path, [...(this.received.get(path) ?? []), await buffer(request)]);
      response.end();
    });
  }

  static async start(): Promise<TestCollector> {
    const collector = new TestCollector();
    collector.server.listen(0, '127.0.0.1');
    await once(collector.server, 'listening');
    return collector;
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** All that came so far; names and texts can be read in it. */
  text(signal: 'traces' | 'metrics'): string {
    return Buffer.concat(this.received.get(`/v1/${signal}`) ?? []).toString('latin1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
