/** A webhook's server that keeps what is posted to it, and answers as it is told. */

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Post {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export class TestWebhook implements AsyncDisposable {
  readonly posts: Post[] = [];
  /** What the next posts are answered, the last one from then on; null: nothing, the connection stays open. */
  answers: (number | null)[] = [200];
  /** Header of every answer that says when to come back. */
  retryAfter: string | null = null;
  private readonly server: Server;

  private constructor() {
    this.server = createServer(async (request, response) => {
      this.posts.push({ path: request.url ?? '', headers: request.headers, body: await text(request) });
      const status = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
      const headers = this.retryAfter === null ? {} : { 'Retry-After': this.retryAfter };
      if (typeof status === 'number') response.writeHead(status, headers).end(status === 200 ? 'ok' : 'no_service');
    });
  }

  static async start(): Promise<TestWebhook> {
    const webhook = new TestWebhook();
    await once(webhook.server.listen(0, '127.0.0.1'), 'listening');
    return webhook;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  /** Bodies of what came to a path, parsed. */
  received(path: string): Record<string, unknown>[] {
    return this.posts.filter((post) => post.path === path).map(({ body }) => JSON.parse(body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
