import { randomBytes } from 'node:crypto';
import { readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../contracts/failures.ts';
import { OWN_ENTRIES, openHome, type StackHome, stackHome } from './home.ts';
import { lockHome, lockPorts } from './lock.ts';
import { EMBEDDED_BUCKET, EMBEDDED_REGION, objectStorePart } from './object-store-server.ts';
import { type Ports, portOf, type ServerPart } from './part.ts';
import { PortChooser } from './ports.ts';
import { endByArgument, isOurs } from './processes.ts';
import { ensureRunning, type Lifetime, withoutProcess } from './start-part.ts';
import { PART_NAMES, type PartName, type PartState, readState, type StackState, writeState } from './state.ts';
import { EMBEDDED_NAMESPACE, temporalPart } from './temporal-server.ts';

/** A server process of the stack. */
export interface StackProcess {
  readonly name: PartName;
  readonly pid: number;
  readonly ports: Ports;
  readonly log: string;
}

export interface StackTemporal {
  /** host:port of the gRPC service. */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string;
}

export interface StackObjectStore {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Put an object's key after it and a slash; readable without credentials are `videos/*` and `batches/…/report.html`. */
  readonly publicBaseUrl: string;
}

/** The embedded servers that run, some or all of them. */
export interface StackParts {
  readonly home: string;
  readonly temporal: StackTemporal | null;
  readonly s3: StackObjectStore | null;
  /** The file may not exist yet: the generator makes it on first use. */
  readonly warehousePath: string;
  readonly processes: readonly StackProcess[];
}

/** The whole stack, running. */
export interface Stack extends StackParts {
  readonly temporal: StackTemporal;
  readonly s3: StackObjectStore;
}

export interface StartOptions {
  /** Folder of its state; made when missing. Stacks with different homes run side by side. */
  readonly home: string;
  /** Paths of the `temporal` and `weed` binaries. */
  readonly binaries: { readonly temporal: string; readonly weed: string };
  /** `detached` (default): stays until `stopStack`. `owned`: ends with this process too, even when that is killed. */
  readonly lifetime?: Lifetime;
  /** `usual` (default): 7233, 8233 and 8333 where free, or those of the last time. `any`: free ones, for tests. */
  readonly ports?: 'usual' | 'any';
  /** Gives up and ends what it started. */
  readonly signal?: AbortSignal;
  /** Hears of what a person should know, such as a port that was taken; one sentence each. */
  readonly onNote?: (sentence: string) => void;
}

export interface Started {
  /** The servers that this call started; empty when all of them ran already. */
  readonly started: readonly PartName[];
}

/**
 * Starts what of the stack does not run yet, and resolves when all of it does its work. When one server does not come up, those
 * that this call started are ended again, and a `Failure` says which and why.
 */
export async function startStack(options: StartOptions): Promise<Stack & Started & AsyncDisposable> {
  const { started, ...parts } = await startParts(options, PART_NAMES);
  return {
    ...requireWhole(parts),
    started,
    [Symbol.asyncDispose]: async () => {
      await stopStack(options.home);
    },
  };
}

/** As `startStack`, for some of the servers. */
export async function startParts(options: StartOptions, names: readonly PartName[]): Promise<StackParts & Started> {
  const home = await openHome(options.home);
  await using _lock = await lockHome(home.folder, options.signal);
  const context = new StateKeeper(home, (await readState(home)) ?? emptyState());
  const parts = definitions(home, options.binaries, context.state).filter(({ name }) => names.includes(name));
  const started: PartName[] = [];
  await using _ports = await lockPorts(options.signal);
  const chooser = new PortChooser();
  const results = await Promise.allSettled(
    parts.map((part) =>
      ensureRunning({
        part,
        home,
        recorded: context.state.parts[part.name],
        chooser,
        portsMode: options.ports ?? 'usual',
        lifetime: options.lifetime ?? 'detached',
        signal: options.signal,
        onNote: options.onNote ?? (() => undefined),
        onStart: () => started.push(part.name),
        save: (state) => context.save(part.name, state),
      }),
    ),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    for (const part of parts.filter(({ name }) => started.includes(name))) await stopPart(part, context);
    throw failed.reason;
  }
  return { ...describe(home, context.state), started: PART_NAMES.filter((name) => started.includes(name)) };
}

/** The stack of this home when all of it runs, else null. */
export async function findStack(folder: string): Promise<Stack | null> {
  const parts = await findParts(folder);
  return parts?.temporal && parts.s3 ? requireWhole(parts) : null;
}

/** What of the stack of this home runs, or null when there is no such home. Costs a few file reads: asks no server. */
export async function findParts(folder: string): Promise<StackParts | null> {
  const home = await realpath(folder).then(stackHome, () => null);
  if (!home) return null;
  return describe(home, (await readState(home)) ?? emptyState());
}

/** Ends every server of this home, recorded or not, and verifies that they are gone. Returns the names of those that ran. */
export async function stopStack(folder: string): Promise<readonly PartName[]> {
  const home = await realpath(folder).then(stackHome, () => null);
  if (!home) return [];
  await using _lock = await lockHome(home.folder);
  const context = new StateKeeper(home, (await readState(home)) ?? emptyState());
  const parts = definitions(home, { temporal: '', weed: '' }, context.state);
  const ended = await Promise.all(parts.map((part) => stopPart(part, context)));
  return parts.filter((_, index) => ended[index]).map(({ name }) => name);
}

/** Removes the state of a stopped stack. Returns what it removed, as paths. */
export async function wipeStack(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => OWN_ENTRIES.test(name));
  const paths = names.map((name) => join(folder, name));
  for (const path of paths) await rm(path, { recursive: true });
  // Someone may keep files of their own there.
  await rmdir(folder).catch(() => undefined);
  return paths;
}

async function stopPart(part: ServerPart, context: StateKeeper): Promise<boolean> {
  const ended = await endByArgument(part.ownArgument, part.graceMs);
  const recorded = context.state.parts[part.name];
  if (recorded) {
    await part.clean(recorded.ports);
    await context.save(part.name, withoutProcess(recorded));
  }
  return ended.length > 0;
}

/** Holds the state of a home under its lock and writes each change at once, so that a killed `up` leaves a true record. */
class StateKeeper {
  state: StackState;
  readonly #home: StackHome;
  #writing: Promise<void> = Promise.resolve();

  constructor(home: StackHome, state: StackState) {
    this.#home = home;
    this.state = state;
  }

  async save(name: PartName, part: PartState): Promise<void> {
    this.state = { ...this.state, parts: { ...this.state.parts, [name]: part } };
    this.#writing = this.#writing.then(() => writeState(this.#home, this.state));
    await this.#writing;
  }
}

const emptyState = (): StackState => ({
  version: 1,
  credentials: {
    accessKeyId: `NR${randomBytes(9).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  },
  parts: {},
});

const definitions = (home: StackHome, binaries: StartOptions['binaries'], state: StackState): readonly ServerPart[] => [
  temporalPart(home, binaries.temporal),
  objectStorePart(home, binaries.weed, state.credentials),
];

function describe(home: StackHome, state: StackState): StackParts {
  const running = definitions(home, { temporal: '', weed: '' }, state).flatMap(
    ({ name, ownArgument }): StackProcess[] => {
      const recorded = state.parts[name];
      if (!recorded?.pid || recorded.readyAt === null || !isOurs(recorded.pid, ownArgument)) return [];
      return [{ name, pid: recorded.pid, ports: recorded.ports, log: join(home.logs, `${name}.log`) }];
    },
  );
  const temporal = running.find(({ name }) => name === 'temporal');
  const store = running.find(({ name }) => name === 'seaweedfs');
  return {
    home: home.folder,
    temporal: temporal ? describeTemporal(temporal.ports) : null,
    s3: store ? { ...describeStore(store.ports), ...state.credentials } : null,
    warehousePath: home.warehouse,
    processes: running,
  };
}

const describeTemporal = (ports: Ports): StackTemporal => ({
  address: `127.0.0.1:${portOf(ports, 'grpc')}`,
  namespace: EMBEDDED_NAMESPACE,
  uiUrl: `http://127.0.0.1:${portOf(ports, 'ui')}`,
});

function describeStore(ports: Ports): Omit<StackObjectStore, 'accessKeyId' | 'secretAccessKey'> {
  const endpoint = `http://127.0.0.1:${portOf(ports, 's3')}`;
  return {
    endpoint,
    region: EMBEDDED_REGION,
    bucket: EMBEDDED_BUCKET,
    publicBaseUrl: `${endpoint}/${EMBEDDED_BUCKET}`,
  };
}

function requireWhole(parts: StackParts): Stack {
  const { temporal, s3 } = parts;
  if (!temporal || !s3) throw new Failure('Internal', `The stack in ${parts.home} ended while it was being started.`);
  return { ...parts, temporal, s3 };
}
