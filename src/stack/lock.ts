import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../contracts/failures.ts';
import { codeOf } from '../machine/system-error.ts';

const WAIT_MS = 90_000;

/** Takes the lock of a home folder, so that `up` and `down` never work on it at once; waits for whoever has it. */
export const lockHome = (folder: string, signal?: AbortSignal): Promise<AsyncDisposable> =>
  takeLock(
    createHash('sha256').update(folder).digest('hex').slice(0, 32),
    new Failure('Internal', `Another command has been starting or stopping the stack in ${folder} for too long.`),
    WAIT_MS,
    signal,
  );

/**
 * Takes the lock of this machine's ports, held from their choice until the servers have them: two stacks that start in the same
 * moment would both find 7233 free, and the one that loses it would take the other's server for its own.
 */
export const lockPorts = (signal?: AbortSignal): Promise<AsyncDisposable> =>
  takeLock(
    'ports',
    new Failure('Internal', 'Another stack on this machine has been starting for too long.'),
    WAIT_MS,
    signal,
  );

/**
 * Takes the lock of a folder that a list is rendered into, by whatever path it is reached. Does not wait: failure
 * `EnvironmentInvalid` while another command has it.
 */
export async function lockOutput(folder: string): Promise<AsyncDisposable> {
  const { dev, ino } = await stat(folder);
  const held = `Another command is rendering into ${folder}. Wait until it has ended, or name another folder.`;
  return await takeLock(`output-${dev}-${ino}`, new Failure('EnvironmentInvalid', held), 0);
}

/**
 * A listening socket in Linux's abstract namespace: no file stays behind, and the kernel frees it however its holder ends. The
 * namespace is the network's, as that of ports is.
 */
async function takeLock(
  key: string,
  whenTooLong: Failure,
  waitMs: number,
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  const name = `\0nightreel-${key}`;
  const deadline = Date.now() + waitMs;
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    try {
      await once(server.listen(name), 'listening');
      server.unref();
      return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
    } catch (cause) {
      if (codeOf(cause) !== 'EADDRINUSE') throw cause;
      if (Date.now() >= deadline) throw whenTooLong;
      await sleep(100, undefined, { signal });
    }
  }
}
