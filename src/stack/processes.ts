/**
 * Processes of the stack. One is recognised by an argument that only it has (a path inside the home folder), not by its pid:
 * pids are reused, pid files go stale or get lost.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { open, readdir, rename, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../contracts/failures.ts';
import { codeOf } from '../machine/system-error.ts';

const SETPRIV = '/usr/bin/setpriv';
const LOG_LIMIT_BYTES = 20 * 1024 * 1024;

export interface ServerCommand {
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  /** `owned`: ends with this process, even when that is killed; `detached`: stays until `down`. */
  readonly lifetime: 'owned' | 'detached';
}

export interface ServerProcess {
  readonly pid: number;
  /** Settles when the process ended: with what a person wants to read about it. */
  readonly ended: Promise<string>;
}

/** True when process `pid` lives and has exactly this argument. */
export function isOurs(pid: number, ownArgument: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(ownArgument);
  } catch {
    return false;
  }
}

/** True when it is gone, ports and files included: a process loses its arguments a little before those. */
function hasEnded(pid: number, ownArgument: string): boolean {
  if (isOurs(pid, ownArgument)) return false;
  try {
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.charAt(0);
    return state === 'Z' || state === 'X' || readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return true;
  }
}

/** Every living process that has exactly this argument. */
export async function findByArgument(ownArgument: string): Promise<number[]> {
  const entries = await readdir('/proc');
  return entries.filter((entry) => /^\d+$/.test(entry) && isOurs(Number(entry), ownArgument)).map(Number);
}

/** Starts a server in a session of its own, its output appended to its log, with none of this process's environment. */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  await rotate(command.logFile);
  await using log = await open(command.logFile, 'a', 0o600);
  // The kernel itself ends an owned server when its owner dies of SIGKILL. Node cannot ask for that; util-linux can.
  const tied = command.lifetime === 'owned' && existsSync(SETPRIV);
  const [file, ...args] = tied
    ? [SETPRIV, '--pdeathsig', 'TERM', '--', command.binary, ...command.args]
    : [command.binary, ...command.args];
  const child = spawn(file, args, {
    cwd: command.cwd,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: command.cwd, TMPDIR: command.cwd },
  });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new Failure('ToolMissing', `${command.binary} does not start. Run \`nightreel setup\`.`, { cause });
  }
  const ended = once(child, 'exit').then(([code, signal]) =>
    signal === null ? `ended with code ${code}` : `was ended by ${signal}`,
  );
  child.unref();
  return { pid: child.pid ?? 0, ended };
}

async function rotate(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (entry) => entry.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) await rename(logFile, `${logFile}.1`);
}

/** The last lines of a log, for a failure's message. */
export function lastLines(logFile: string, count = 5): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}

/**
 * Ends every process with this argument: SIGTERM, and SIGKILL to what is left after `graceMs`. Returns the pids that were ended;
 * throws when one survives even that.
 */
export async function endByArgument(ownArgument: string, graceMs: number): Promise<number[]> {
  const pids = await findByArgument(ownArgument);
  const isGone = () => pids.every((pid) => hasEnded(pid, ownArgument));
  for (const [signal, waitMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', 5_000],
  ] as const) {
    for (const pid of pids) sendSignal(pid, signal, ownArgument);
    const deadline = Date.now() + waitMs;
    while (!isGone() && Date.now() < deadline) await sleep(25);
    if (isGone()) return pids;
  }
  throw new Failure('Internal', `Process ${pids.join(', ')} does not end, not even by SIGKILL.`);
}

function sendSignal(pid: number, signal: NodeJS.Signals, ownArgument: string): void {
  if (!isOurs(pid, ownArgument)) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended in between, or it is another user's, which the caller's wait will show.
    if (codeOf(error) === undefined) throw error;
  }
}
