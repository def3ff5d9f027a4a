/** The versions of the workflow code that workers have brought to a server: which is current, who serves each, what runs on it. */

import { type Client, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import pMap from 'p-map';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import { pollersOf } from './pollers.ts';

/** One for all of Nightreel: installations that must not see each other have namespaces of their own. */
const DEPLOYMENT = 'nightreel';
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const MOVES_AT_ONCE = 8;

/** What a worker calls itself, and by what runs name the version that they stay on. */
export const deploymentVersion = (buildId: string): WorkerDeploymentVersion => ({
  deploymentName: DEPLOYMENT,
  buildId,
});

export interface DeployedVersion {
  readonly buildId: string;
  readonly isCurrent: boolean;
  /** Whether batches ever started on it. */
  readonly wasActive: boolean;
  /** Whether a worker asks for its work. */
  readonly isServed: boolean;
  /** Workflows that run on it. */
  readonly running: number;
}

export interface Deployment {
  /** Build ID of the version on which batches start; null: workers without a version get them. */
  readonly current: string | null;
  readonly versions: readonly DeployedVersion[];
  /** Names this state, so that a change can be refused when somebody else was faster. */
  readonly token: Uint8Array | null;
}

/** Null when no worker of any version has asked for work yet. @param now milliseconds since 1970: who was heard of lately? */
export async function describeDeployment(client: Client, now: number = Date.now()): Promise<Deployment | null> {
  const { namespace } = client.options;
  const described = await client.workflowService
    .describeWorkerDeployment({ namespace, deploymentName: DEPLOYMENT })
    .catch(nullIfMissing);
  if (described === null) return null;
  const { conflictToken, workerDeploymentInfo: info } = described;
  const current = info?.routingConfig?.currentDeploymentVersion?.buildId || null;
  const served = await servedVersions(client, now);
  const versions = await pMap(
    info?.versionSummaries ?? [],
    async ({ deploymentVersion: version, firstActivationTime }) => {
      const buildId = version?.buildId ?? '';
      return {
        buildId,
        isCurrent: buildId === current,
        wasActive: firstActivationTime != null,
        isServed: served.has(buildId),
        running: firstActivationTime == null ? 0 : await countRunning(client, buildId),
      };
    },
  );
  return { current, versions, token: conflictToken ?? null };
}

function nullIfMissing(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  if (isGrpcServiceError(error) && error.code === NOT_FOUND) return null;
  throw error;
}

async function servedVersions(client: Client, now: number): Promise<ReadonlySet<string>> {
  const heard = await pollersOf(client, TASK_QUEUES.orchestrator, now);
  return new Set(heard.map(({ deploymentOptions }) => deploymentOptions?.buildId ?? ''));
}

const runningOn = (buildId: string): string =>
  `TemporalWorkerDeploymentVersion = '${DEPLOYMENT}:${buildId}' AND ExecutionStatus = 'Running'`;

const countRunning = async (client: Client, buildId: string): Promise<number> =>
  (await client.workflow.count(runningOn(buildId))).count;

/** Batches start on this version from now on. Throws when somebody changed the deployment since it was described. */
export async function makeCurrent(client: Client, buildId: string, { token }: Deployment): Promise<void> {
  await client.workflowService.setWorkerDeploymentCurrentVersion({
    ...{ namespace: client.options.namespace, deploymentName: DEPLOYMENT, buildId },
    ...{ conflictToken: token, identity: identityOf(client) },
  });
}

/**
 * What runs on one version goes on with the current one, from its next workflow task on. Returns how many workflows that are, without
 * those that somebody told where to go before.
 */
export async function moveRuns(client: Client, from: string, current: string): Promise<number> {
  let moved = 0;
  await pMap(
    client.workflow.list({ query: runningOn(from) }),
    async ({ workflowId, runId }) => {
      // It may have ended meanwhile.
      if (await moveRun(client, { workflowId, runId }, current).catch(nullIfMissing)) moved += 1;
    },
    { concurrency: MOVES_AT_ONCE },
  );
  return moved;
}

type Override = temporal.api.workflow.v1.IVersioningOverride;

async function moveRun(
  client: Client,
  workflowExecution: { readonly workflowId: string; readonly runId: string },
  current: string,
): Promise<boolean> {
  const { raw } = await client.workflow.getHandle(workflowExecution.workflowId, workflowExecution.runId).describe();
  if (raw.workflowExecutionInfo?.versioningInfo?.versioningOverride != null) return false;
  const override = async (versioningOverride: Override): Promise<true> => {
    await client.workflowService.updateWorkflowExecutionOptions({
      ...{ namespace: client.options.namespace, identity: identityOf(client), workflowExecution },
      workflowExecutionOptions: { versioningOverride },
      updateMask: { paths: ['versioning_override'] },
    });
    return true;
  };
  try {
    return await override({ oneTime: { targetDeploymentVersion: deploymentVersion(current) } });
  } catch (error) {
    if (!isGrpcServiceError(error) || error.code !== INVALID_ARGUMENT) throw error;
    // Server 1.29 knows no moves that happen once: there it follows the current version from now on.
    return await override({ autoUpgrade: true });
  }
}

const identityOf = ({ options }: Client): string => options.identity;

/** For people: the command that makes a version current. */
export const promoteCommand = (buildId: string): string =>
  `temporal worker deployment set-current-version --deployment-name ${DEPLOYMENT} --build-id ${buildId}`;

/** For people: the command that has everything of one version go on with another. */
export const moveCommand = (from: string, to: string): string =>
  `temporal workflow update-options --query "${runningOn(from)}" --versioning-override-behavior one_time --versioning-override-deployment-name ${DEPLOYMENT} --versioning-override-build-id ${to}`;
