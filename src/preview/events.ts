/** What open pages are told as it happens: server-sent events (HTML Standard, 9.2). */

import type { ServerResponse } from 'node:http';

/** A connection that nothing is sent on looks dead to whatever is between. */
const ALIVE_MS = 15_000;

export class Events implements Disposable {
  private readonly open = new Set<ServerResponse>();
  private readonly timer = setInterval(() => this.write(':\n\n'), ALIVE_MS).unref();

  add(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(':\n\n');
    this.open.add(response);
    response.on('close', () => this.open.delete(response));
  }

  send(name: string, data: unknown): void {
    this.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
    for (const response of this.open) response.end();
  }

  private write(text: string): void {
    for (const response of this.open) response.write(text);
  }
}
