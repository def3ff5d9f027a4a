/** Who works for a Temporal server: pollers of each queue, versions of the workflow code, and the clock that they are judged by. */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isGrpcServiceError } from '@temporalio/client';
import { describeDeployment, moveCommand } from '../../client/deployment.ts';
import { millisecondsOf, pollersOf } from '../../client/pollers.ts';
import { TASK_QUEUES } from '../../contracts/task-queues.ts';
import { workflowVersion } from '../../workers/workflow-version.ts';
import { type Check, fine, poor } from './check.ts';
import { aheadBy, checkServerClock } from './clock.ts';

/** gRPC: CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE. */
const GONE = [1, 4, 14];
/** Nobody works for this one: whoever asks it for work is stamped with the server's time. */
const CLOCK_QUEUE = 'nightreel-doctor';
/** No server takes less than two seconds; we stop as soon as we are seen. */
const ASK_FOR_MS = 10_000;
const LOOK_EVERY_MS = 50;
const SEEN_WITHIN_MS = 5_000;

/** How many processes ask each queue for work. */
export const checkWorkers = (client: Client): Promise<Check[]> =>
  unlessRefused('workers', async () => {
    const queues = await Promise.all(
      Object.values(TASK_QUEUES).map(async (queue) => {
        const identities = (await pollersOf(client, queue)).map(({ identity }) => identity);
        return { queue, count: new Set(identities).size };
      }),
    );
    const found = queues.map(({ queue, count }) => `${queue} ${count}`).join(', ');
    const idle = queues.filter(({ count }) => count === 0).map(({ queue }) => queue);
    if (idle.length === 0) return [fine('workers', found)];
    const whom = idle.length === queues.length ? 'Nobody works here' : `Nobody works for ${idle.join(', ')}`;
    return [poor('workers', found, `${whom}: start \`nightreel serve\` with these roles.`)];
  });

/** Which workflow code batches start on, and what nobody goes on with. */
export const checkVersions = (client: Client): Promise<Check[]> =>
  unlessRefused('versions', async () => {
    const [own, deployment] = [await workflowVersion(), await describeDeployment(client)];
    if (deployment === null) return [fine('versions', 'no worker has brought one yet')];
    const { current, versions } = deployment;
    const whose = current === own ? 'as here' : `here it is ${own}`;
    return [
      fine('versions', current === null ? 'batches start on workers without one' : `${current} is current, ${whose}`),
      ...versions
        .filter(({ isServed, isCurrent, running }) => !isServed && !isCurrent && running > 0)
        .map(({ buildId, running }) =>
          poor(
            `version ${buildId}`,
            `${running} workflows, and no worker`,
            current === null
              ? 'Start a worker of it again.'
              : `Go on with these: \`${moveCommand(buildId, current)}\`.`,
          ),
        ),
    ];
  });

/**
 * A server tells its time only where it notes who asks for work. So we ask a queue that nobody uses, look for ourselves among those
 * that were noted, and go again.
 */
export const checkServersClock = (client: Client, outer: AbortSignal): Promise<Check[]> =>
  unlessRefused('clock', async () => {
    const { workflowService, options } = client;
    const identity = `doctor-${randomUUID()}`;
    const sentAt = Date.now();
    const over = new AbortController();
    const asking = client
      .withAbortSignal(AbortSignal.any([outer, over.signal]), () =>
        client.withDeadline(sentAt + ASK_FOR_MS, () =>
          workflowService.pollActivityTaskQueue({
            ...{ namespace: options.namespace, taskQueue: { name: CLOCK_QUEUE }, identity },
          }),
        ),
      )
      .then(() => null)
      .catch((error: unknown) => (over.signal.aborted ? null : error));
    try {
      while (Date.now() - sentAt < SEEN_WITHIN_MS) {
        const refused = await Promise.race([asking, sleep(LOOK_EVERY_MS)]);
        if (refused) throw refused;
        const own = (await pollersOf(client, CLOCK_QUEUE, null)).find((poller) => poller.identity === identity);
        if (own === undefined) continue;
        const at = millisecondsOf(own.lastAccessTime);
        return [checkServerClock(aheadBy({ server: { from: at, to: at }, own: { sentAt, seenAt: Date.now() } }))];
      }
      return [fine('clock', 'the server does not tell its time')];
    } finally {
      over.abort();
      await asking;
    }
  });

/** What a server does not allow, or does not have, is told instead. */
async function unlessRefused(name: string, ask: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await ask();
  } catch (error) {
    if (!isGrpcServiceError(error) || GONE.includes(error.code)) throw error;
    return [poor(name, 'the server does not tell', `It answers: ${error.details}`)];
  }
}
