/** Answers whether this process lives and takes work: for the probes of Kubernetes, of a container or of a load balancer. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Failure } from '../contracts/failures.ts';

export interface HealthAddress {
  readonly host: string;
  readonly port: number;
}

/** What a worker process does: it gets ready, takes tasks, or only ends what it has. */
export type HealthState = 'starting' | 'ready' | 'draining';

/**
 * `/live` answers 200 as long as the process answers at all, `/ready` only while it takes tasks, else 503. Both say the state, and
 * nothing else is told: whoever reaches the port may ask.
 */
export class Health implements AsyncDisposable {
  state: HealthState = 'starting';
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  /** Failure `EnvironmentInvalid` when nobody can listen there: whoever asks would take the process for dead. */
  static async start({ host, port }: HealthAddress): Promise<Health> {
    const server = createServer(({ method, url }, answer) => {
      const known = ['GET', 'HEAD'].includes(method ?? '') && (url === '/live' || url === '/ready');
      const status = known ? (url === '/live' || health.state === 'ready' ? 200 : 503) : 404;
      answer.writeHead(status, { 'content-type': 'text/plain', 'cache-control': 'no-store' });
      answer.end(known ? `${health.state}\n` : 'Ask for /live or /ready.\n');
    });
    const health = new Health(server);
    try {
      await once(server.listen({ host, port, exclusive: true }), 'listening');
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      const why = code === 'EADDRINUSE' ? 'the port is taken' : message;
      throw new Failure(
        'EnvironmentInvalid',
        `Nobody can ask this process for its health: nothing can listen on ${host}:${port} (${why}). Every worker process of a machine needs an address of its own in NIGHTREEL_HEALTH_ADDRESS.`,
        { cause },
      );
    }
    return health;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}
