import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asFailure, Failure } from '../contracts/failures.ts';
import type { StackHome } from './home.ts';
import type { Ports, ServerPart } from './part.ts';
import { isFree, type PortChooser } from './ports.ts';
import { endByArgument, isOurs, lastLines, startServer } from './processes.ts';
import type { PartState } from './state.ts';

export type Lifetime = 'owned' | 'detached';

const START_TIMEOUT_MS = 60_000;
const PROBE_PAUSE_MS = 100;
const PORT_ATTEMPTS = 3;

export interface PartStart {
  readonly part: ServerPart;
  readonly home: StackHome;
  readonly recorded: PartState | undefined;
  /** Shared by all parts that start together, so that none is given another's port. */
  readonly chooser: PortChooser;
  readonly portsMode: 'usual' | 'any';
  readonly lifetime: Lifetime;
  readonly signal?: AbortSignal;
  readonly onNote: (sentence: string) => void;
  readonly onStart: () => void;
  readonly save: (state: PartState) => Promise<void>;
}

/** What is recorded of a part once its process ended: its ports, to be taken again next time, so that links stay valid. */
export const withoutProcess = ({ ports }: PartState): PartState => ({ pid: null, ports, readyAt: null });

/** Leaves a running server alone; ends one that nobody can talk to (its record lost, or cut off while starting); else starts it. */
export async function ensureRunning(start: PartStart): Promise<void> {
  const { part, recorded } = start;
  if (recorded?.pid && recorded.readyAt !== null && isOurs(recorded.pid, part.ownArgument)) return;
  const strays = await endByArgument(part.ownArgument, part.graceMs);
  if (strays.length > 0) start.onNote(`Ended a left-over ${part.title} (pid ${strays.join(', ')}).`);
  if (recorded) await part.clean(recorded.ports);
  await part.prepare();

  for (let attempt = 1; ; attempt++) {
    const ports = await choosePorts(start);
    try {
      await startOnce(start, ports);
      return await noteMovedPorts(start, ports);
    } catch (error) {
      await endByArgument(part.ownArgument, part.graceMs);
      await start.save({ pid: null, ports, readyAt: null });
      const freed = await Promise.all(Object.values(ports).map(isFree));
      // Somebody may take a port between the choice and the start: only then is another try worth it.
      if (attempt >= PORT_ATTEMPTS || freed.every(Boolean) || start.signal?.aborted) throw error;
    }
  }
}

/** The ports of the last time first: links that were given out then stay valid. */
const choosePorts = ({ part, recorded, portsMode, chooser }: PartStart): Promise<Ports> =>
  part.choosePorts(chooser, (name) =>
    [recorded?.ports[name], portsMode === 'usual' ? part.usualPorts[name] : undefined].filter(
      (port) => port !== undefined,
    ),
  );

async function noteMovedPorts({ part, portsMode, onNote }: PartStart, ports: Ports): Promise<void> {
  if (portsMode === 'any') return;
  for (const [name, usual] of Object.entries(part.usualPorts)) {
    if (ports[name] === usual || (await isFree(usual))) continue;
    onNote(`Port ${usual} is taken; ${part.title} (${name}) listens on ${ports[name]} instead.`);
  }
}

async function startOnce({ part, home, lifetime, signal, onStart, save }: PartStart, ports: Ports): Promise<void> {
  const logFile = join(home.logs, `${part.name}.log`);
  onStart();
  const server = await startServer({
    name: part.name,
    binary: part.binary,
    args: part.args(ports),
    cwd: home.folder,
    logFile,
    lifetime,
  });
  await save({ pid: server.pid, ports, readyAt: null });

  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  const stop = AbortSignal.any(signal ? [deadline, signal] : [deadline]);
  let ended: string | null = null;
  void server.ended.then((how) => {
    ended = how;
  });
  let lastError: unknown;
  for (;;) {
    if (signal?.aborted) throw new Failure('Cancelled', `${part.title} was not started: interrupted.`);
    if (ended !== null || deadline.aborted) {
      const why = ended ?? `did not answer within ${START_TIMEOUT_MS / 1000} s (${asFailure(lastError).message})`;
      throw new Failure(part.failureClass, `${part.title} ${why}. Its log is ${logFile}:\n${lastLines(logFile)}`, {
        cause: lastError,
      });
    }
    try {
      await part.probe(ports, stop);
      // What answers may be another's server that took the port first.
      if (!isOurs(server.pid, part.ownArgument)) throw new Error('another process answers on its ports');
      return await save({ pid: server.pid, ports, readyAt: new Date().toISOString() });
    } catch (error) {
      lastError = error;
      await sleep(PROBE_PAUSE_MS);
    }
  }
}
