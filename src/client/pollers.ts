/** Who asks a task queue for work. */

import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { TASK_QUEUES } from '../contracts/task-queues.ts';

/** A worker that waits for work asks again every minute; servers list it for five minutes after its last word. */
const SILENT_AFTER_MS = 75_000;
/** TaskQueueType: only one of the queues holds workflows. */
const WORKFLOW_TASKS = 1;
const ACTIVITY_TASKS = 2;

type Poller = temporal.api.taskqueue.v1.IPollerInfo;

/** Those that were heard of lately. @param now milliseconds since 1970, by the clock of this machine; null: all that the server lists. */
export async function pollersOf(
  client: Client,
  name: string,
  now: number | null = Date.now(),
): Promise<readonly Poller[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name },
    taskQueueType: name === TASK_QUEUES.orchestrator ? WORKFLOW_TASKS : ACTIVITY_TASKS,
  });
  return (pollers ?? []).filter(
    ({ lastAccessTime }) => now === null || now - millisecondsOf(lastAccessTime) < SILENT_AFTER_MS,
  );
}

/** Milliseconds since 1970, by the server's clock. */
export const millisecondsOf = (time: Poller['lastAccessTime']): number =>
  Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1_000_000);
