/** A server in front of the real S3 server that does to requests what the real one will not do by itself. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { TestS3 } from './s3.ts';

/** Answers a request itself and returns true, or leaves it to the real server. */
export type Intercept = (request: IncomingMessage, answer: ServerResponse, body: Buffer) => Promise<boolean> | boolean;

export class S3Proxy implements AsyncDisposable {
  readonly endpoint: string;
  /** Requests that came, answered by whomever. */
  requests = 0;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(target: TestS3, intercept: Intercept): Promise<S3Proxy> {
    const server = createServer((request, answer) => {
      proxy.requests += 1;
      const pass = async (): Promise<void> => {
        const body = await buffer(request);
        if (await intercept(request, answer, body)) return;
        const { method, url, headers } = request;
        // With the Host that was asked for: it is part of the signature.
        const forwarded = send(new URL(url ?? '/', target.endpoint), { method, headers, setHost: false });
        forwarded.end(body);
        const [response] = (await once(forwarded, 'response')) as [IncomingMessage];
        answer.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(answer);
      };
      pass().catch(() => answer.destroy());
    });
    // Nobody's connection is closed in the moment in which it is used again.
    server.keepAliveTimeout = 60_000;
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const proxy = new S3Proxy(server);
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Writes whatever the condition says, as servers do that do not know one of these headers. */
export function ignoring(target: TestS3, header: 'if-match' | 'if-none-match'): Intercept {
  const client = new S3Client({ ...target.clientConfig(), forcePathStyle: true });
  return async (request, answer, body) => {
    if (request.method !== 'PUT' || request.headers[header] === undefined) return false;
    const [, bucket, ...key] = new URL(request.url ?? '/', target.endpoint).pathname.split('/').map(decodeURIComponent);
    const { ETag = '' } = await client.send(new PutObjectCommand({ Bucket: bucket, Key: key.join('/'), Body: body }));
    answer.writeHead(200, { etag: ETag }).end();
    return true;
  };
}
