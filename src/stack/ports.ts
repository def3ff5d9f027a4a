import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const HOST = '127.0.0.1';

/** Binds the port (0: any) for a moment. Returns its number, or null when somebody has it. */
async function tryPort(port: number): Promise<number | null> {
  const server = createServer();
  try {
    await once(server.listen({ host: HOST, port, exclusive: true }), 'listening');
  } catch {
    return null;
  }
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : null;
}

export const isFree = async (port: number): Promise<boolean> => (await tryPort(port)) !== null;

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
      const port = await tryPort(0);
      if (port !== null && (await this.#take(port, offsets))) return port;
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
