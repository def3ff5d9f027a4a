/** Servers that tests start: each dies with this process, even when that is killed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Runs a server until this process is gone, even by SIGKILL: then the pipe on standard input closes. Killed outright,
 * since nobody needs its data: when asked politely, SeaweedFS now and then takes 30 s.
 */
const GUARD = '"$@" </dev/null & server=$!; trap : TERM; cat >/dev/null; kill -9 $server; wait $server';

/** Starts a program under the guard; what it says goes to `log`. */
export async function guarded(
  command: readonly [string, ...string[]],
  { log, cwd, env = {} }: { readonly log: string; readonly cwd: string; readonly env?: Record<string, string> },
): Promise<ChildProcess> {
  const guard = spawn('bash', ['-c', `exec >${log} 2>&1; ${GUARD}`, 'bash', ...command], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd,
    env: { ...process.env, ...env },
  });
  await once(guard, 'spawn');
  return guard;
}

/** Ends a guarded server and waits until it is gone. */
export async function endGuarded(guard: ChildProcess): Promise<void> {
  guard.stdin?.end();
  if (guard.exitCode === null && guard.signalCode === null) await once(guard, 'exit');
}

export const isFree = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const probe = createServer();
    probe.once('error', () => answer(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => answer(true)));
  });

/** A free port below those that the kernel hands out. */
export async function freePort(attempts = 20): Promise<number> {
  const port = 22_100 + Math.floor(Math.random() * 9_000);
  if (await isFree(port)) return port;
  if (attempts === 0) throw new Error('no free port');
  return await freePort(attempts - 1);
}
