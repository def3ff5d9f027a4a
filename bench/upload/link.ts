/** A way to a server of this machine that takes as long as one through a real link: so far away, so many bits a second. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LinkOptions {
  /** From here to there and back. */
  readonly roundTripMs: number;
  /** Up, and as much down; all connections share it. */
  readonly bitsPerSecond: number;
}

export class Link implements AsyncDisposable {
  readonly endpoint: string;
  private readonly server: Server;
  private readonly sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.server = server;
    this.sockets = sockets;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(target: string, options: LinkOptions): Promise<Link> {
    const { hostname, port } = new URL(target);
    const [up, down] = [new Lane(options), new Lane(options)];
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (near) => {
      const far = new Socket().setNoDelay(true).connect(Number(port), hostname);
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        socket.on('error', () => undefined);
      }
      void up.carry(near, far);
      void down.carry(far, near);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new Link(server, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** One direction. */
class Lane {
  private readonly delayMs: number;
  private readonly bytesPerMs: number;
  private freeAt = 0;

  constructor({ roundTripMs, bitsPerSecond }: LinkOptions) {
    this.delayMs = roundTripMs / 2;
    this.bytesPerMs = bitsPerSecond / 8 / 1000;
  }

  /** In the order in which they come. Nothing more is taken from `from` than the lane has room for. */
  async carry(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        const now = performance.now();
        this.freeAt = Math.max(now, this.freeAt) + chunk.byteLength / this.bytesPerMs;
        await sleep(this.freeAt - now);
        setTimeout(() => to.write(chunk), this.delayMs);
      }
      setTimeout(() => to.end(), this.delayMs);
    } catch {
      setTimeout(() => to.destroy(), this.delayMs);
    }
  }
}
