import { setTimeout as sleep } from 'node:timers/promises';
import { embeddedParts } from '../config/connections.ts';
import { type Environment, readEnvironment } from '../config/environment.ts';
import { findServerBinaries } from '../config/server-binaries.ts';
import { Failure } from '../contracts/failures.ts';
import { findParts, type Lifetime, type PartName, prepareTemporal, startParts, stopStack } from '../stack/index.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { onInterrupt } from './interrupt.ts';
import { describeServers, serversText } from './servers.ts';

const WATCH_MS = 1_000;

const say = (sentence: string): void => {
  process.stderr.write(`${sentence}\n`);
};

/** Starts what is embedded and checks what is the user's own. Returns what was started. */
export async function startServers(
  environment: Environment,
  lifetime: Lifetime,
  signal: AbortSignal,
): Promise<readonly PartName[]> {
  await checkOwnServers(environment);
  const names = embeddedParts(environment);
  if (names.length === 0) return [];
  const { home } = environment;
  const { started } = await startParts({ home, binaries: findServerBinaries(), lifetime, signal, onNote: say }, names);
  return started;
}

/** `startServers` for a person: prints where all of it is. */
export async function bringUp(foreground: boolean): Promise<void> {
  const environment = readEnvironment();
  const names = embeddedParts(environment);
  const signal = onInterrupt('Interrupted; what had been started was ended again.');
  const started = await startServers(environment, foreground ? 'owned' : 'detached', signal);
  process.stdout.write(serversText(await describeServers(environment)));
  if (names.length === 0) say('Both servers are your own: nothing was started.');
  else if (started.length === 0) say('It runs already; nothing was started. `nightreel down` ends it.');
  else if (!foreground) say('`nightreel down` ends it.');
  else await stayUntilInterrupted(environment.home, names, signal);
}

/** Throws a sentence when a server that the environment names does not answer. */
async function checkOwnServers({ temporal, s3 }: Environment): Promise<void> {
  if (temporal) {
    const registered = await prepareTemporal(temporal);
    if (registered.length > 0) say(`Registered the search attributes ${registered.join(', ')}.`);
  }
  if (s3) {
    using store = new ObjectStore(s3);
    await store.checkBucket();
  }
}

async function stayUntilInterrupted(home: string, names: readonly PartName[], signal: AbortSignal): Promise<void> {
  say('Ctrl-C ends it.');
  try {
    while (!signal.aborted) {
      await sleep(WATCH_MS, undefined, { signal }).catch(() => undefined);
      const running = (await findParts(home))?.processes ?? [];
      const gone = names.find((name) => !running.some((process) => process.name === name));
      if (gone && !signal.aborted)
        throw new Failure('Internal', `${gone} ended by itself; its log is ${home}/logs/${gone}.log.`);
    }
  } finally {
    await stopStack(home);
  }
  say('Ended.');
}
