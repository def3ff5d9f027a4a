/** How workflows call activities: one proxy per task queue, each with time limits that fit the work behind it. */

import { proxyActivities } from '@temporalio/workflow';
import type { AssembleActivities } from '../activities/assemble.ts';
import type { BatchActivities } from '../activities/batch.ts';
import type { PlanActivities } from '../activities/plan.ts';
import type { PointerActivities } from '../activities/pointers.ts';
import type { RenderActivities } from '../activities/render.ts';
import { NON_RETRYABLE_CLASSES, RETRY } from '../contracts/failures.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';

const nonRetryableErrorTypes = [...NON_RETRYABLE_CLASSES];

/** Classes that will not come right end earlier (`activities/run-activity.ts`). */
const retry = {
  initialInterval: RETRY.firstPause,
  maximumInterval: RETRY.longestPause,
  maximumAttempts: RETRY.attempts,
  nonRetryableErrorTypes,
} as const;

/**
 * Renders take seconds; a lost worker shows after 30 s without a heartbeat. There is no schedule-to-start limit: a
 * backlog that waits for render workers is normal.
 */
const renderOptions = {
  taskQueue: TASK_QUEUES.render,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '30 seconds',
  retry,
} as const;

export const render = proxyActivities<RenderActivities>(renderOptions);

/** Asked once a night. Its end is waited for when it is cancelled: a workflow that ended in the very task of an update might leave that without an answer. */
export const engine = proxyActivities<RenderActivities>({
  ...renderOptions,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
});

/**
 * Joining stored scenes: a few requests to the store and some CPU-ms. What nobody takes up is left to a render worker, which
 * can do it as well: there may be none with that role.
 */
export const assembly = proxyActivities<AssembleActivities>({
  taskQueue: TASK_QUEUES.assemble,
  scheduleToStartTimeout: '1 minute',
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '30 seconds',
  retry,
});

/** The plan reads the warehouse and checks every variant in the store: minutes for a large night. */
const planOptions = {
  taskQueue: TASK_QUEUES.warehouse,
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '30 seconds',
  retry,
} as const;

/** Of nights that began before a plan could be stopped. */
export const warehouse = proxyActivities<PlanActivities>(planOptions);

/** Its end is waited for when it is cancelled, as the engine's answer is; it hears of that with a heartbeat, within half a minute. */
export const stoppableWarehouse = proxyActivities<PlanActivities>({
  ...planOptions,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
});

/** Object store work is idempotent and short. */
const storageOptions = {
  taskQueue: TASK_QUEUES.storage,
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry,
} as const;

export const batches = proxyActivities<BatchActivities>(storageOptions);
export const pointers = proxyActivities<PointerActivities>(storageOptions);

/** What tells people: nobody waits for it, so it gives up early enough not to tell yesterday's news. */
export const alarms = proxyActivities<BatchActivities>({
  taskQueue: TASK_QUEUES.storage,
  scheduleToCloseTimeout: '30 minutes',
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '10 seconds', maximumInterval: '2 minutes', maximumAttempts: 6 },
});
