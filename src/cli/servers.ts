/** What `up` and `status` say about the servers; asks each of them whether it answers. */

import { existsSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { type BatchHandle, readProgress, runningBatches } from '../client/batches.ts';
import { connectClient } from '../client/connect.ts';
import { type Deployment, describeDeployment, moveCommand } from '../client/deployment.ts';
import { findTargets, type ObjectStoreTarget, type TemporalTarget } from '../config/connections.ts';
import type { Environment } from '../config/environment.ts';
import { asFailure } from '../contracts/failures.ts';
import { stackHome } from '../stack/home.ts';
import { findParts, inspectTemporal, type StackProcess } from '../stack/index.ts';
import { ObjectStore } from '../storage/object-store.ts';

export interface ServerStatus {
  readonly embedded: boolean;
  /** Null: it is embedded and does not run. */
  readonly address: string | null;
  /** Null when it answers. */
  readonly problem: string | null;
}

export interface ServersStatus {
  /** True when all servers answer. */
  readonly running: boolean;
  readonly home: string;
  readonly temporal: ServerStatus & { readonly namespace: string | null; readonly uiUrl: string | null };
  readonly s3: ServerStatus & { readonly bucket: string | null; readonly publicBaseUrl: string | null };
  readonly warehouse: { readonly path: string; readonly exists: boolean };
  /** Versions of the workflow code that workers brought; null: none yet, or the server keeps none. */
  readonly workers: Pick<Deployment, 'current' | 'versions'> | null;
  /** Batches that run. */
  readonly batches: readonly RunningBatch[];
  readonly processes: readonly StackProcess[];
}

/** How far a batch is; all but its ID is null while no worker answers. */
interface RunningBatch {
  readonly workflowId: string;
  readonly phase: string | null;
  /** Variants, or scenes while these are rendered. */
  readonly settled: number | null;
  readonly variants: number | null;
  /** That it is paused or stopped, by whom and why; or at risk of missing its deadline. Null: nothing. */
  readonly notice: string | null;
}

const NOT_RUNNING = 'does not run; start it with `nightreel up`';

export async function describeServers(environment: Environment): Promise<ServersStatus> {
  const [{ temporal, s3 }, parts] = await Promise.all([findTargets(environment), findParts(environment.home)]);
  const [temporalProblem, s3Problem] = await Promise.all([
    temporal ? problemOf(() => askTemporal(temporal)) : NOT_RUNNING,
    s3 ? problemOf(() => askObjectStore(s3)) : NOT_RUNNING,
  ]);
  const asked = temporal && temporalProblem === null ? await askForWork(temporal) : null;
  const workers = asked?.workers ?? null;
  const warehouse = stackHome(environment.home).warehouse;
  return {
    running: temporalProblem === null && s3Problem === null,
    home: environment.home,
    temporal: {
      embedded: environment.temporal === null,
      address: temporal?.connectionOptions.address ?? null,
      namespace: temporal?.namespace ?? null,
      uiUrl: temporal?.uiUrl ?? null,
      problem: temporalProblem,
    },
    s3: {
      embedded: environment.s3 === null,
      address: s3 ? endpointOf(s3) : null,
      bucket: s3?.bucket ?? null,
      publicBaseUrl: s3?.publicBaseUrl ?? null,
      problem: s3Problem,
    },
    warehouse: { path: warehouse, exists: existsSync(warehouse) },
    workers: workers && { current: workers.current, versions: workers.versions },
    batches: asked?.batches ?? [],
    processes: parts?.processes ?? [],
  };
}

async function problemOf(ask: () => Promise<void>): Promise<string | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    return asFailure(error).message;
  }
}

async function askTemporal(target: TemporalTarget): Promise<void> {
  const { missingSearchAttributes: missing } = await inspectTemporal(target);
  if (missing?.length)
    throw new Error(`has no search attributes ${missing.join(', ')}; \`nightreel up\` registers them`);
}

const ANSWER_WITHIN_MS = 3_000;

/** A server that keeps no versions, or batches that nobody answers for, are no reason not to tell the rest. */
async function askForWork(target: TemporalTarget) {
  const client = await connectClient(target).catch(() => null);
  if (client === null) return null;
  try {
    const [workers, running] = await Promise.all([
      describeDeployment(client).catch(() => null),
      runningBatches(client).catch(() => []),
    ]);
    return { workers, batches: await Promise.all(running.map((workflowId) => describeBatch(client, workflowId))) };
  } finally {
    await client.connection.close();
  }
}

async function describeBatch(client: Client, workflowId: string): Promise<RunningBatch> {
  const handle: BatchHandle = client.workflow.getHandle(workflowId);
  const progress = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => readProgress(client, handle));
  if (progress === null) return { workflowId, phase: null, settled: null, variants: null, notice: null };
  const { phase, cached, rendered, failed, variants, notice = null } = progress;
  return { workflowId, phase, settled: cached + rendered + failed, variants, notice };
}

async function askObjectStore(target: ObjectStoreTarget): Promise<void> {
  using store = new ObjectStore(target);
  await store.checkBucket();
}

const endpointOf = ({ clientConfig: { endpoint, region } }: ObjectStoreTarget): string =>
  typeof endpoint === 'string' ? endpoint : `AWS S3${typeof region === 'string' ? ` in ${region}` : ''}`;

/** For people: one line per server. */
export function serversText({ temporal, s3, warehouse, workers, batches, processes }: ServersStatus): string {
  const pid = (name: string) => {
    const found = processes.find((process) => process.name === name);
    return found ? `pid ${found.pid}` : 'your own';
  };
  const line = (title: string, ...cells: readonly (string | null)[]) =>
    `${title.padEnd(11)} ${cells.filter((cell) => cell !== null).join('  ')}\n`;
  return [
    temporal.address === null
      ? line('Temporal', temporal.problem)
      : line(
          'Temporal',
          temporal.address,
          temporal.uiUrl && `Web UI ${temporal.uiUrl}`,
          pid('temporal'),
          temporal.problem,
        ),
    s3.address === null
      ? line('S3', s3.problem)
      : line('S3', s3.address, `bucket ${s3.bucket}`, pid('seaweedfs'), s3.problem),
    line('Warehouse', warehouse.path, warehouse.exists ? null : '(made by the first demo)'),
    ...versionsText(workers).map((text, index) => line(index === 0 ? 'Workflows' : '', text)),
    ...batches.map((batch, index) => line(index === 0 ? 'Running' : '', ...batchText(batch))),
  ].join('');
}

function batchText({ workflowId, phase, settled, variants, notice }: RunningBatch): (string | null)[] {
  if (phase === null) return [workflowId, 'no worker answers'];
  return [workflowId, phase, variants === null || variants === 0 ? null : `${settled} of ${variants} done`, notice];
}

/** Which versions of the workflow code there are; what nobody goes on with comes with the command that changes it. */
function versionsText(workers: ServersStatus['workers']): string[] {
  if (workers === null) return [];
  const { current } = workers;
  const told = workers.versions.filter(({ isCurrent, isServed, running }) => isCurrent || isServed || running > 0);
  return told
    .toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent))
    .flatMap(({ buildId, isCurrent, isServed, running }) => {
      const facts = [
        `version ${buildId}`,
        ...(isCurrent ? ['current'] : []),
        isServed ? 'served' : 'no worker',
        `${running} running`,
      ];
      const isStranded = !isServed && !isCurrent && running > 0 && current !== null;
      return [facts.join(', '), ...(isStranded ? [`go on with these: ${moveCommand(buildId, current)}`] : [])];
    });
}
