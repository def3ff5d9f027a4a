/** A collector of telemetry that keeps what it is sent. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type ReceivedSpan, spansIn } from './spans.ts';

/** What it does with a request: takes it, fails, or never answers. */
type Behaviour = 'takes' | 'fails' | 'hangs';

export class TestCollector implements AsyncDisposable {
  private readonly server: Server;
  private readonly received = new Map<string, Buffer[]>();

  private constructor(behaviour: Behaviour) {
    this.server = createServer(async (request, response) => {
      const path = request.url ?? '';
      this.received.set(path, [...(this.received.get(path) ?? []), await buffer(request)]);
      if (behaviour !== 'hangs') response.writeHead(behaviour === 'fails' ? 500 : 200).end();
    });
  }

  static async start(behaviour: Behaviour = 'takes'): Promise<TestCollector> {
    const collector = new TestCollector(behaviour);
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

  /** All spans that came so far. */
  spans(): ReceivedSpan[] {
    return (this.received.get('/v1/traces') ?? []).flatMap(spansIn);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
