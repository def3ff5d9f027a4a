/** A night on real servers in which something goes wrong, and the count of what it left. */

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FailureClass } from '../../src/contracts/failures.ts';
import type { Steering } from '../../src/contracts/steering.ts';
import { ownedRoot } from '../../src/machine/owned-folders.ts';
import { NightProbe } from '../support/night-probe.ts';
import { TestHome, until } from '../support/nightreel.ts';
import { type Intercept, S3Proxy } from '../support/s3-proxy.ts';
import { signalAll } from '../support/signals.ts';
import { KeptWorker } from './kept-worker.ts';

const PROJECT = join(import.meta.dirname, 'project');
export const DATE = '2026-03-02';
/** Of a night in which servers are away for a while. */
const LIMIT_MS = 15 * 60_000;
/** People for whom the template has a bug: fewer than the breaker minds. */
const UNLUCKY = 6;

/** What a fault can lay its hands on. */
export interface NightUnderWay {
  readonly home: TestHome;
  readonly probe: NightProbe;
  readonly render: KeptWorker;
  readonly orchestrator: KeptWorker;
  /** From now on this is done to requests to S3; null: nothing. */
  readonly disturb: (intercept: Intercept | null) => void;
  /** Kills every process of this home whose command line matches. Throws when there is none. */
  readonly killAll: (pattern: RegExp) => Promise<void>;
  /** Waits until so many videos are stored. */
  readonly stored: (count: number) => Promise<void>;
}

export interface Fault {
  readonly name: string;
  /** Strikes once some videos are stored, or as many as `after` says; the night goes on meanwhile. */
  readonly strike?: (night: NightUnderWay) => Promise<void>;
  /** 0: as soon as the night has begun. */
  readonly after?: number;
  /** Of test/faults/project; `blink` when left out. */
  readonly campaign?: string;
  /** What there must be before anything is started. It is taken away in the end. */
  readonly prepare?: (home: TestHome, people: readonly Person[]) => Promise<Prepared>;
  /** A program that the render worker runs in. */
  readonly within?: readonly string[];
  /** The name of some people, for whom the template does this. */
  readonly bug?: string;
  /** Class of what fails; absent: nothing may. */
  readonly failureClass?: FailureClass;
  /** Tried again by hand when the trouble is over: it is one that somebody has to end. */
  readonly isRepeated?: boolean;
}

export interface Prepared extends AsyncDisposable {
  /** Of all workers. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether the people come from the campaign's own source, and not from a list. */
  readonly hasOwnSource?: boolean;
}

/** One line of `npm run test:faults -- --json`. */
export interface Verdict {
  readonly fault: string;
  readonly variants: number;
  /** Videos whose bytes have the digest that stands beside them. */
  readonly stored: number;
  /** People who should see a video and have no pointer to a whole one, or who should be owed one and are not. */
  readonly lost: number;
  /** Variants that were completed more than once. */
  readonly duplicates: number;
  /** Objects whose bytes are not what they say, and uploads that were begun and neither ended nor given up. */
  readonly partialObjects: number;
  /** Processes and folders that were left over when the workers had ended. */
  readonly orphans: number;
  /** Of what failed, in the alphabet's order; null when nothing did. */
  readonly class: string | null;
}

/** Whatever becomes of it, and of `signal`, nothing of it runs afterwards. */
export async function run(fault: Fault, variants: number, signal?: AbortSignal): Promise<Verdict> {
  await using cleanUp = new AsyncDisposableStack();
  const home = await TestHome.create(PROJECT);
  const people = peopleOf(fault, variants);
  cleanUp.defer(() => home.end());
  const prepared = await fault.prepare?.(home, people);
  if (prepared !== undefined) cleanUp.use(prepared);
  await home.run(['up']);
  const probe = await NightProbe.connect(home);
  cleanUp.defer(() => probe.close());
  let disturbance: Intercept | null = null;
  const { AWS_ENDPOINT_URL_S3: endpoint = '', ...credentials } = probe.storeVariables;
  const proxy = cleanUp.use(await S3Proxy.start({ endpoint }, (...request) => disturbance?.(...request) ?? false));
  const environment = {
    ...credentials,
    ...{ AWS_ENDPOINT_URL_S3: proxy.endpoint, AWS_REGION: 'us-east-1' },
    ...prepared?.environment,
  };

  const workers = new AsyncDisposableStack();
  cleanUp.use(workers);
  const render = workers.use(new KeptWorker(home, { roles: 'render,assemble', environment, within: fault.within }));
  const orchestrator = workers.use(new KeptWorker(home, { roles: 'orchestrator,warehouse,storage', environment }));
  const killAll = async (pattern: RegExp): Promise<void> => {
    await until(async () => {
      const found = [...(await home.processes())].filter(([, command]) => pattern.test(command));
      return signalAll(found.map(([pid]) => pid)) > 0 ? true : null;
    }, `a process like ${pattern}`);
  };
  const stored = async (count: number): Promise<void> => {
    await until(async () => ((await videoKeys(probe)).length >= count ? true : null), `${count} videos`, LIMIT_MS);
  };
  const disturb = (intercept: Intercept | null): void => {
    disturbance = intercept;
  };

  const { campaign = 'blink' } = fault;
  const night = prepared?.hasOwnSource
    ? await startOwnNight(probe, campaign)
    : await probe.startCsvNight({ campaign, businessDate: DATE }, people);
  const play = async (): Promise<void> => {
    await stored(fault.after ?? Math.min(5, variants - 1));
    await fault.strike?.({ home, probe, render, orchestrator, disturb, killAll, stored });
    const ended = probe.resultOf(night.workflowId);
    if (fault.isRepeated !== true) return void (await ended);
    disturb(null);
    // So many failures of one class may have paused it: then it waits for a person.
    const over = new AbortController();
    const resumed = resumeWhenPaused(probe, night.workflowId, over.signal);
    await ended.catch(() => undefined);
    over.abort();
    await resumed;
    await night.again();
    await probe.resultOf(night.workflowId);
  };
  const interrupted = Promise.withResolvers<never>();
  signal?.addEventListener('abort', () => interrupted.reject(signal.reason), { once: true });
  await Promise.race([play(), interrupted.promise]);
  await workers.disposeAsync();
  return {
    fault: fault.name,
    variants,
    ...(await count({
      home,
      probe,
      fault,
      people,
      campaign,
      pids: [...render.pids, ...orchestrator.pids],
    })),
  };
}

async function resumeWhenPaused(probe: NightProbe, workflowId: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const progress = await probe.query(workflowId, 'progress').catch(() => null);
    const isPaused = (progress as { steering?: Steering } | null)?.steering?.paused != null;
    if (isPaused) await probe.update(workflowId, 'resumeBatch').catch(() => undefined);
    await sleep(1_000);
  }
}

async function startOwnNight(probe: NightProbe, campaign: string) {
  const workflowId = `batch/${campaign}/${DATE}`;
  const again = () => probe.startWorkflow('nightlyBatch', workflowId, { campaign, businessDate: DATE });
  await again();
  return { workflowId, again };
}

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly isUnlucky: boolean;
}

const peopleOf = ({ bug }: Fault, variants: number): Person[] =>
  Array.from({ length: variants }, (_, n) => {
    const isUnlucky = bug !== undefined && n % Math.ceil(variants / UNLUCKY) === 1;
    return { id: `p${n}`, name: isUnlucky ? bug : `Guest ${n}`, isUnlucky };
  });

const videoKeys = async (probe: NightProbe): Promise<string[]> =>
  (await probe.keys('videos/')).filter((key) => key.endsWith('.mp4'));

interface Left {
  readonly home: TestHome;
  readonly probe: NightProbe;
  readonly fault: Fault;
  readonly people: readonly Person[];
  readonly campaign: string;
  /** Of all workers that there were. */
  readonly pids: readonly number[];
}

async function count({
  home,
  probe,
  fault,
  people,
  campaign,
  pids,
}: Left): Promise<Omit<Verdict, 'fault' | 'variants'>> {
  const whole = new Set<string>();
  let partialObjects = await probe.openUploads();
  for (const key of await videoKeys(probe)) {
    const { bytes, metadata } = await probe.video(key);
    if (createHash('sha256').update(bytes).digest('hex') === metadata['sha256']) whole.add(key);
    else partialObjects += 1;
  }
  const pointers = new Map((await probe.pointers()).map((pointer) => [pointer.recipientId, pointer]));
  const { carryOver } = (await probe.json(`state/${campaign}.json`)) as { carryOver: { recipientId: string }[] };
  const owed = new Set(carryOver.map(({ recipientId }) => recipientId));
  const mayFail = fault.failureClass !== undefined;
  const isServed = ({ id, isUnlucky }: Person): boolean => {
    const pointer = pointers.get(id);
    if (isUnlucky && mayFail) return pointer === undefined && owed.has(id);
    return pointer !== undefined && whole.has(`videos/${pointer.variantKey.slice(0, 2)}/${pointer.variantKey}.mp4`);
  };
  const completed = await probe.completedVariants(DATE);
  const failed = (await probe.failedVariants(DATE)).map(({ failureClass }) => String(failureClass));
  return {
    stored: whole.size,
    lost: people.filter((person) => !isServed(person)).length,
    duplicates: completed.length - new Set(completed).size,
    partialObjects,
    orphans: await orphansOf(home, pids),
    class: failed.length === 0 ? null : [...new Set(failed)].sort().join(', '),
  };
}

/** Processes that live on, profiles of browsers and framebuffers of displays that nobody has removed. */
async function orphansOf(home: TestHome, pids: readonly number[]): Promise<number> {
  const processes = [...(await home.processes()).values()].filter((command) => !/temporal|weed/.test(command));
  const roots = [ownedRoot(tmpdir(), 'browsers'), ...['/dev/shm', tmpdir()].map((base) => ownedRoot(base, 'displays'))];
  const names = await Promise.all(roots.map((root) => readdir(root).catch((): string[] => [])));
  const left = names.flat().filter((name) => pids.some((pid) => name.includes(`-${pid}-`)));
  return processes.length + left.length;
}
