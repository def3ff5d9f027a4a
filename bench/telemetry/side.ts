/** A stack and one worker process of its own, with telemetry or without, that plays nights. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { startBatch } from '../../src/client/batches.ts';
import { connectClient } from '../../src/client/connect.ts';
import { findServerBinaries } from '../../src/config/server-binaries.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { type BatchRef, isBusinessDate, isCampaignId } from '../../src/contracts/ids.ts';
import { readOutcomes } from '../../src/reporting/outcomes.ts';
import { startStack } from '../../src/stack/index.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { ROOT } from '../engine.ts';
import { storeOf } from '../orchestration/store.ts';
import { ProcessTree } from '../usage.ts';

/** Processes that nobody waits for are only known from looking. */
const LOOK_EVERY_MS = 500;
/** Spans are sent every five seconds: what a night has left to send belongs to it. */
const AFTERMATH_MS = 6_000;

export interface SideOptions {
  /** A folder of its own. */
  readonly folder: string;
  readonly template: string;
  readonly rendition: string;
  /** What the worker is told beside where its stack is. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface Night {
  /** Processor time of the worker and all its processes, ms. */
  readonly cpuMs: number;
  /** Of its Node.js process alone, native threads included: all that telemetry does is done there. */
  readonly nodeMs: number;
  readonly rendered: number;
  /** What the renders alone took, all together, as their outcomes say. */
  readonly renderCpuMs: number;
}

export class Side implements AsyncDisposable {
  private readonly options: SideOptions;
  private readonly client: Client;
  private readonly store: ObjectStore;
  private readonly tree: ProcessTree;
  private readonly resources: AsyncDisposableStack;

  private constructor(
    options: SideOptions,
    { client, store, pid }: { client: Client; store: ObjectStore; pid: number },
    resources: AsyncDisposableStack,
  ) {
    this.options = options;
    this.client = client;
    this.store = store;
    this.tree = new ProcessTree(pid);
    this.resources = resources;
  }

  static async start(options: SideOptions): Promise<Side> {
    const { folder, signal } = options;
    await using resources = new AsyncDisposableStack();
    await writeProject(options);
    const home = join(folder, 'home');
    const stack = resources.use(await startStack({ home, binaries: findServerBinaries(), lifetime: 'owned', signal }));
    const { address, namespace } = stack.temporal;
    const client = await connectClient({ connectionOptions: { address }, namespace });
    resources.defer(() => client.connection.close());
    const store = resources.use(storeOf(stack));
    const worker = await startWorker(options, home);
    resources.defer(() => stopped(worker));
    const { pid } = worker;
    if (pid === undefined) throw new Failure('Internal', 'The worker was not started.');
    return new Side(options, { client, store, pid }, resources.move());
  }

  /** Renders a video for each of these people, whom it has not seen so. */
  async night(businessDate: string, people: readonly string[]): Promise<Night> {
    const { folder, signal } = this.options;
    await writeFile(join(folder, 'people.csv'), `${HEADER}\n${people.join('\n')}\n`);
    const campaign = 'bench';
    if (!isCampaignId(campaign) || !isBusinessDate(businessDate)) throw new TypeError('ids');
    this.tree.look();
    const before = { cpuMs: this.tree.cpuMs, nodeMs: this.tree.rootMs };
    const timer = setInterval(() => this.tree.look(), LOOK_EVERY_MS);
    try {
      const { handle } = await startBatch(this.client, { campaign, businessDate });
      // A worker that was told to stop with this process ends no night.
      const { rendered } = await this.client.withAbortSignal(signal, () => handle.result());
      await sleep(AFTERMATH_MS, undefined, { signal });
      this.tree.look();
      const [cpuMs, nodeMs] = [this.tree.cpuMs - before.cpuMs, this.tree.rootMs - before.nodeMs];
      return { cpuMs, nodeMs, rendered, renderCpuMs: await this.renderCpuMs({ campaign, businessDate, attempt: 1 }) };
    } finally {
      clearInterval(timer);
    }
  }

  private async renderCpuMs(batch: BatchRef): Promise<number> {
    const outcomes = [...(await readOutcomes(this.store, batch, this.options.signal)).values()];
    return outcomes.reduce((sum, one) => sum + (one.outcome === 'rendered' ? (one.measures?.cpuMs ?? 0) : 0), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

const HEADER = 'recipient_id,name,referralCount,earnings,nextMilestone,milestoneReward';

/** Rows of the referral template's params, other ones for every night. */
export const peopleOf = (night: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `u${n},Person ${n},${100 + night},${1000 + night * count + n},200,50`);

async function writeProject({ folder, template, rendition }: SideOptions): Promise<void> {
  await mkdir(join(folder, 'campaigns'), { recursive: true });
  await cp(join(ROOT, 'templates', template), join(folder, 'templates', template), { recursive: true });
  const campaign = {
    ...{ title: 'Telemetry', template, rendition, scenes: 'off', lanes: { count: 1, window: 2 } },
    source: { type: 'csv', path: join(folder, 'people.csv') },
    schedule: { days: ['Mon'], at: '23:00', timeZone: 'UTC' },
  };
  // JSON is YAML.
  await writeFile(join(folder, 'campaigns/bench.yaml'), JSON.stringify(campaign));
}

/** Returns when it takes work. Its log is beside its stack's. */
async function startWorker({ folder, environment, signal }: SideOptions, home: string): Promise<ChildProcess> {
  const logFile = join(folder, 'worker.log');
  const log = await open(logFile, 'a');
  try {
    const child = spawn(join(ROOT, 'bin/nightreel'), ['serve', '--workers', '1'], {
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      env: { ...withoutTelemetry(), ...environment, NIGHTREEL_HOME: home, NIGHTREEL_PROJECT: folder },
    });
    const ended = once(child, 'exit', { signal });
    ended.catch(() => undefined);
    const ready = once(child, 'message', { signal }).then(() => 'ready');
    ready.catch(() => child.kill('SIGTERM'));
    if ((await Promise.race([ready, ended])) === 'ready') return child;
    const words = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-3).join(' | ');
    throw new Failure('Internal', `The worker did not start. It said: ${words}`);
  } finally {
    await log.close();
  }
}

const withoutTelemetry = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || /^(OTEL|NIGHTREEL|TEMPORAL|AWS)_/.test(name) ? [] : [[name, value]],
    ),
  );

async function stopped(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const gone = once(worker, 'exit');
  worker.kill('SIGTERM');
  await gone;
}
