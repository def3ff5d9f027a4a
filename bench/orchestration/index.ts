/** A night in which rendering costs nothing: what the orchestration takes, and whether it forgets or repeats anything. */

import { cp, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, ServiceError } from '@temporalio/client';
import { startBatch } from '../../src/client/batches.ts';
import { connectClient } from '../../src/client/connect.ts';
import { findServerBinaries } from '../../src/config/server-binaries.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { type BatchRef, isBusinessDate, isCampaignId } from '../../src/contracts/ids.ts';
import { textOf } from '../../src/rendering/browser/process-tree.ts';
import { stackHome } from '../../src/stack/home.ts';
import { type Stack, type StartOptions, startStack } from '../../src/stack/index.ts';
import { WorkerSupervisor } from '../../src/workers/supervisor.ts';
import type { BenchContext, BenchResult } from '../bench.ts';
import { ROOT } from '../engine.ts';
import { noteMachine } from '../machine.ts';
import { rounded } from '../statistics.ts';
import { ProcessTree, readProcesses } from '../usage.ts';
import { childrenLike, kill } from './chaos.ts';
import { factsOf } from './night.ts';
import { PLAIN_WORKER, plainChildrenPerSecond } from './plain-children.ts';
import { storeOf } from './store.ts';

export interface OrchestrationOptions extends BenchContext {
  readonly variants: number;
  readonly chaos: boolean;
  /** Runs as many children that do nothing first, and says what part of their pace a night has. */
  readonly plain: boolean;
}

const LANES = { count: 4, window: 25 };
const LOOK_EVERY_MS = 200;
const ORCHESTRATOR = /main\.ts.*serve/;
const RENDERER = /idle-renderer/;
/** Whose processor time it is, by command line. */
const PROGRAMS = {
  temporal: /temporal.*start-dev/,
  store: /weed.*mini/,
  orchestrator: ORCHESTRATOR,
  renderer: RENDERER,
} as const;

export async function run({ variants, chaos, plain, signal, progress }: OrchestrationOptions): Promise<BenchResult> {
  await noteMachine(progress, signal);
  progress.expect(plain ? 5 : 4);
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-orchestration-'));
  try {
    await using running = new AsyncDisposableStack();
    progress.step('starting the stack and the workers');
    await writeProject(folder, variants);
    const home = join(folder, 'home');
    const options: StartOptions = { home, binaries: findServerBinaries(), lifetime: 'owned', signal };
    const stack = running.use(await startStack(options));
    const tree = new ProcessTree();
    const client = await connectClient({
      connectionOptions: { address: stack.temporal.address },
      namespace: stack.temporal.namespace,
    });
    running.defer(() => client.connection.close());
    const store = running.use(storeOf(stack));
    const ground = plain ? await plainPace({ client, stack, children: variants, signal, progress }) : null;
    await startWorkers(running, folder, stack, signal);

    progress.step(`a night of ${variants} variants`);
    let maxWorkerRssMb = 0;
    const look = (): void => {
      tree.look();
      for (const pid of [...childrenLike(ORCHESTRATOR), ...childrenLike(RENDERER)]) {
        const peakKb = Number(/^VmHWM:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);
        maxWorkerRssMb = Math.max(maxWorkerRssMb, Math.round(peakKb / 1024));
      }
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    running.defer(() => clearInterval(timer));
    const ended = new AbortController();
    look();
    const cpuBefore = tree.cpuMs - tree.rootMs;
    const programsBefore = programsMs();
    const batch = batchOf();
    const { handle } = await startBatch(client, batch);
    const workers = [ORCHESTRATOR, RENDERER];
    const killing = chaos ? kill({ stack: options, workers, progress }, AbortSignal.any([ended.signal, signal])) : null;
    const summary = await resultOf(() => handle.result(), signal).finally(() => ended.abort());
    const killed = await killing;
    look();
    const cpuMs = tree.cpuMs - tree.rootMs - cpuBefore;
    const programs = programsMs();
    const serverBytes = await databaseBytes(home);

    progress.step('counting what it left');
    const facts = await factsOf(client, store, batch);
    if (summary.variants !== variants)
      throw new Failure('Internal', `The night had ${summary.variants} variants, not ${variants}.`);
    const { seconds, lost, ...rest } = facts;
    const { runs, laneRuns, laneEvents, laneTasks, batchEvents, historyBytesPerVariant, objects } = facts;
    const json = {
      variantsPerSecond: rounded(variants / seconds),
      ...(ground !== null && { plainPerSecond: ground, ofPlain: rounded(variants / seconds / ground, 2) }),
      eventsPerVariant: rest.eventsPerVariant,
      maxLaneEvents: rest.maxLaneEvents,
      maxLaneBytes: rest.maxLaneBytes,
      cpuMsPerVariant: rounded(cpuMs / variants),
      maxWorkerRssMb,
      duplicates: rest.duplicates,
      lost: Math.max(lost, variants - summary.rendered - summary.cached, variants - summary.pointers),
      variants,
      seconds,
      scheduleToStartMsP50: rest.scheduleToStartMsP50,
      scheduleToStartMsP95: rest.scheduleToStartMsP95,
      ...(killed !== null && { killed: killed.workers, serversKilled: killed.servers }),
      ...{ runs, laneRuns, laneEvents, laneTasks, batchEvents, historyBytesPerVariant },
      stateTransitionsPerVariant: facts.stateTransitionsPerVariant,
      serverBytesPerVariant: rounded(serverBytes / variants, 0),
      objects,
      // A worker that was killed takes what it had used along.
      ...(!chaos && { cpuMsPerVariantBy: perVariant(programs, programsBefore, variants) }),
    };
    return { rows: rowsOf(json), json };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What lies inside a figure is a row of its own: `objects.pointers`. */
const rowsOf = (figures: object, within = ''): BenchResult['rows'] =>
  Object.entries(figures).flatMap(([name, value]) =>
    typeof value === 'object' ? rowsOf(value, `${name}.`) : [{ figure: `${within}${name}`, value }],
  );

type Program = keyof typeof PROGRAMS;
type ByProgram = Readonly<Record<Program, number>>;

function programsMs(): ByProgram {
  const sums = { temporal: 0, store: 0, orchestrator: 0, renderer: 0 };
  for (const { pid, parent, ownMs, reapedMs } of readProcesses()) {
    if (parent !== process.pid) continue;
    const line = textOf(`/proc/${pid}/cmdline`);
    for (const name of PROGRAM_NAMES) if (PROGRAMS[name].test(line)) sums[name] += ownMs + reapedMs;
  }
  return sums;
}

const PROGRAM_NAMES = Object.keys(PROGRAMS) as Program[];

const perVariant = (after: ByProgram, before: ByProgram, variants: number) =>
  Object.fromEntries(PROGRAM_NAMES.map((name) => [name, rounded((after[name] - before[name]) / variants)]));

/** Of Temporal's database with what is still in its log. */
async function databaseBytes(home: string): Promise<number> {
  const { temporalDatabase } = stackHome(home);
  const sizes = [temporalDatabase, `${temporalDatabase}-wal`].map((file) =>
    stat(file).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((all, size) => all + size, 0);
}

/** A campaign of as many people as there are to be variants, each with numbers of their own. */
async function writeProject(folder: string, variants: number): Promise<void> {
  await mkdir(join(folder, 'campaigns'), { recursive: true });
  await cp(join(ROOT, 'templates/referral'), join(folder, 'templates/referral'), { recursive: true });
  const lines = Array.from({ length: variants }, (_, n) => `u${n},Person ${n},${n % 1000},${n % 5000},5,10\n`);
  const header = 'recipient_id,name,referralCount,earnings,nextMilestone,milestoneReward\n';
  await writeFile(join(folder, 'people.csv'), header + lines.join(''));
  const campaign = {
    ...{ title: 'Nothing is rendered', template: 'referral', rendition: 'email-480p', scenes: 'off', lanes: LANES },
    source: { type: 'csv', path: join(folder, 'people.csv') },
    schedule: { days: ['Mon'], at: '23:00', timeZone: 'UTC' },
  };
  // JSON is YAML.
  await writeFile(join(folder, 'campaigns/idle.yaml'), JSON.stringify(campaign));
}

function batchOf(): BatchRef {
  const [campaign] = ['idle'].filter(isCampaignId);
  const [businessDate] = ['2026-11-02'].filter(isBusinessDate);
  if (campaign === undefined || businessDate === undefined) throw new TypeError('ids');
  return { campaign, businessDate, attempt: 1 };
}

async function startWorkers(
  running: AsyncDisposableStack,
  folder: string,
  { temporal, home }: Stack,
  signal: AbortSignal,
): Promise<void> {
  const env = ['env', `NIGHTREEL_HOME=${home}`, `NIGHTREEL_PROJECT=${folder}`] as const;
  const serve = [join(ROOT, 'bin/nightreel'), 'serve', '--roles', 'orchestrator,warehouse,storage'];
  const renderer = programOf(join(import.meta.dirname, 'idle-renderer.ts'), temporal);
  for (const [name, command] of Object.entries({ orchestrator: serve, renderer })) {
    const options = { command: [...env, ...command] as const, logFile: join(home, 'logs', `${name}.log`) };
    running.use(await WorkerSupervisor.start(options, signal));
  }
}

const programOf = (file: string, { address, namespace }: Stack['temporal']) =>
  [
    ...[process.execPath, '--experimental-strip-types', '--disable-warning=ExperimentalWarning'],
    ...[file, address, namespace],
  ] as const;

interface Ground extends BenchContext {
  readonly client: Client;
  readonly stack: Stack;
  readonly children: number;
}

async function plainPace({ client, stack, children, signal, progress }: Ground): Promise<number> {
  progress.step(`${children} children that do nothing`);
  const command = ['env', ...programOf(PLAIN_WORKER, stack.temporal)] as const;
  await using _worker = await WorkerSupervisor.start({ command, logFile: join(stack.home, 'logs/plain.log') }, signal);
  return await plainChildrenPerSecond(client, { children, lanes: LANES });
}

/** The wait is a call that the server holds open: one that goes away with its server is made again. */
async function resultOf<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ServiceError)) throw error;
      await sleep(500, undefined, { signal });
    }
  }
}
