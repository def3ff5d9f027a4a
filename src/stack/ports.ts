import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const HOST = '127.0.0.1';
/** Below the ports that the kernel hands out to clients (32768 and up), which come and go; 10,000 more is below them too. */
const ANY_PORT = { from: 12_000, to: 22_000 } as const;

/** Binds the port for a moment. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen({ host: HOST, port, exclusive: true }), 'listening');
  } catch {
    return false;
  }
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return true;
}

/** Throws while nothing listens there. */
export async function assertAccepts(port: number): Promise<void> {
  const socket = connect({ host: HOST, port });
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

/** Hands out free loopback ports, each only once. */
export class PortChooser {
  readonly #given = new Set<number>();

  /** The first of `wanted` that is free, else any free one; `offsets` name further ports that must be free with it. */
  async choose(wanted: readonly number[] = [], offsets: readonly number[] = []): Promise<number> {
    for (const port of wanted) {
      if (await this.#take(port, offsets)) return port;
    }
    for (let attempt = 0; attempt < 200; attempt++) {
      const port = randomInt(ANY_PORT.from, ANY_PORT.to);
      if (await this.#take(port, offsets)) return port;
    }
    throw new Error('no free loopback port found');
  }

  async #take(port: number, offsets: readonly number[]): Promise<boolean> {
    const all = [port, ...offsets.map((offset) => port + offset)];
    for (const one of all) {
      if (one > 65_535 || this.#given.has(one) || !(await isFree(one))) return false;
    }
    for (const one of all) this.#given.add(one);
    return true;
  }
}
