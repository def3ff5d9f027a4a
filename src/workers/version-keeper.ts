/** Decides, for a worker that runs workflows, on which version of the workflow code batches start, and who ends those begun. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import {
  type Deployment,
  describeDeployment,
  makeCurrent,
  moveCommand,
  moveRuns,
  promoteCommand,
} from '../client/deployment.ts';
import type { Rollout } from '../config/variables.ts';
import { asFailure } from '../contracts/failures.ts';
import type { Logger } from '../telemetry/logger.ts';

const LOOK_EVERY_MS = 15_000;
/** Until the server knows this worker's version: nothing runs before one is current. */
const UNKNOWN_PAUSE_MS = 250;
const REFUSED_PAUSE_MS = 2_000;
const CALLS_WITHIN_MS = 30_000;

export interface VersionKeeperOptions {
  readonly client: Client;
  /** This worker's. */
  readonly buildId: string;
  readonly rollout: Exclude<Rollout, 'off'>;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * What this worker is to do about its deployment. It takes over where no version is current. With `auto` also when its version is new,
 * or when nobody serves the current one; a version that others replaced does not come back by a restart. What runs on a version that
 * nobody serves any more goes on with the current one.
 */
export function nextStep(
  { current, versions }: Deployment,
  buildId: string,
  rollout: VersionKeeperOptions['rollout'],
): { readonly promote: boolean; readonly adopt: readonly string[] } {
  const own = versions.find((version) => version.buildId === buildId);
  const nothing = { promote: false, adopt: [] };
  if (own === undefined) return nothing;
  if (current === null) return { ...nothing, promote: true };
  if (rollout === 'manual') return nothing;
  if (current !== buildId) {
    const isAbandoned = versions.some((version) => version.isCurrent && !version.isServed);
    return { ...nothing, promote: !own.wasActive || isAbandoned };
  }
  const stranded = versions.filter(({ isCurrent, isServed, running }) => !isCurrent && !isServed && running > 0);
  return { ...nothing, adopt: stranded.map((version) => version.buildId) };
}

/** Looks again and again until the signal aborts. A server that does not answer, or refuses, is asked again: workers go on. */
export async function keepVersion(options: VersionKeeperOptions, signal: AbortSignal): Promise<void> {
  const { log } = options;
  let [said, complaint] = ['', ''];
  while (!signal.aborted) {
    let pauseMs = LOOK_EVERY_MS;
    try {
      const { deployment, note } = await asked(options.client, signal, () => look(options));
      if (!deployment?.versions.some(({ buildId }) => buildId === options.buildId)) pauseMs = UNKNOWN_PAUSE_MS;
      if (note !== said && note !== '') log.info({ buildId: options.buildId }, note);
      [said, complaint] = [note, ''];
    } catch (error) {
      if (signal.aborted) return;
      const { message } = asFailure(error);
      if (message !== complaint)
        log.warn({ reason: message }, 'the version of the workflow code cannot be looked after');
      complaint = message;
      pauseMs = REFUSED_PAUSE_MS;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

const asked = <T>(client: Client, signal: AbortSignal, look: () => Promise<T>): Promise<T> =>
  client.withDeadline(Date.now() + CALLS_WITHIN_MS, () => client.withAbortSignal(signal, look));

async function look({ client, buildId, rollout, now = Date.now }: VersionKeeperOptions) {
  const deployment = await describeDeployment(client, now());
  if (deployment === null) return { deployment, note: '' };
  const { promote, adopt } = nextStep(deployment, buildId, rollout);
  if (promote) {
    await makeCurrent(client, buildId, deployment);
    return { deployment, note: 'batches start on this version of the workflow code from now on' };
  }
  const moved: string[] = [];
  for (const from of adopt) {
    const count = await moveRuns(client, from, buildId);
    if (count > 0) moved.push(`${count} workflows of version ${from}, which nobody serves, go on with this one`);
  }
  if (adopt.length > 0) return { deployment, note: moved.join('; ') };
  return { deployment, note: standing(deployment, buildId) };
}

/** What a person may have to do; empty: nothing. */
function standing({ current, versions }: Deployment, buildId: string): string {
  if (current !== null && current !== buildId) {
    return `version ${current} is current: batches start on that. To have them start on this one: ${promoteCommand(buildId)}`;
  }
  return versions
    .filter(({ isCurrent, isServed, running }) => !isCurrent && !isServed && running > 0)
    .map(
      (version) =>
        `version ${version.buildId} has ${version.running} workflows and no worker. To go on with them here: ${moveCommand(version.buildId, buildId)}`,
    )
    .join('; ');
}
