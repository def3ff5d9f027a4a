import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../contracts/failures.ts';
import { codeOf } from './processes.ts';

const WAIT_MS = 90_000;

/** Takes the lock of a home folder, so that `up` and `down` never work on it at once; waits for whoever has it. */
export const lockHome = (folder: string, signal?: AbortSignal): Promise<AsyncDisposable> =>
  takeLock(
    createHash('sha256').update(folder).digest('hex').slice(0, 32),
    `Another command has been starting or stopping the stack in ${folder} for too long.`,
    signal,
  );

/**
 * Takes the lock of this machine's ports, held from their choice until the servers have them: two stacks that start in the same
 * moment would both find 7233 free, and the one that loses it would take the other's server for its own.
 */
export const lockPorts = (signal?: AbortSignal): Promise<AsyncDisposable> =>
  takeLock('ports', 'Another stack on this machine has been starting for too long.', signal);

/**
 * A listening socket in Linux's abstract namespace: no file stays behind, and the kernel frees it however its holder ends. The
 * namespace is the network's, as that of ports is.
 */
async function takeLock(key: string, whenTooLong: string, signal?: AbortSignal): Promise<AsyncDisposable> {
  const name = `\0nightreel-${key}`;
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    try {
      await once(server.listen(name), 'listening');
      server.unref();
      return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
    } catch (cause) {
      if (codeOf(cause) !== 'EADDRINUSE') throw cause;
      if (Date.now() > deadline) throw new Failure('Internal', whenTooLong, { cause });
      await sleep(100, undefined, { signal });
    }
  }
}
