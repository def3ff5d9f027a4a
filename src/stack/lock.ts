import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../contracts/failures.ts';
import { codeOf } from './processes.ts';

const WAIT_MS = 90_000;

/**
 * Takes the lock of a home folder, so that `up` and `down` never work on it at once; waits for whoever has it. It is a listening
 * socket in Linux's abstract namespace: no file stays behind, and the kernel frees it however its holder ends.
 */
export async function lockHome(folder: string, signal?: AbortSignal): Promise<AsyncDisposable> {
  const name = `\0nightreel-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`;
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    try {
      await once(server.listen(name), 'listening');
      server.unref();
      return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
    } catch (cause) {
      if (codeOf(cause) !== 'EADDRINUSE') throw cause;
      if (Date.now() > deadline) {
        throw new Failure(
          'Internal',
          `Another command has been starting or stopping the stack in ${folder} for too long.`,
          {
            cause,
          },
        );
      }
      await sleep(100, undefined, { signal });
    }
  }
}
