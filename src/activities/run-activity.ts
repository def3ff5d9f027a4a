/** The edge between the modules' `Failure`s and Temporal's: every activity body runs inside `runActivity`. */

import { activityInfo, CancelledFailure, Context, cancellationSignal, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { asFailure, describeFailure, type FailureClass } from '../contracts/failures.ts';
import { recordQueueWait } from '../telemetry/metrics.ts';
import { markFailed } from '../telemetry/tracing.ts';
import { causeChain } from './scrub.ts';

const HEARTBEAT_EVERY_MS = 5_000;
/** A message is for a person to read, and many of them travel together. */
const MESSAGE_LIMIT = 300;

/**
 * Runs an activity's body. A `Failure` becomes an ApplicationFailure of its class, without cause and stack of its own:
 * what goes to Temporal is the class and the message; the worker's log keeps the rest. Heartbeats while it runs, which
 * tells the server that this process lives; limits on the steps themselves are the callee's.
 * @param progress what the heartbeat says: numbers, and the ID of an upload; nothing about anybody.
 */
export async function runActivity<T>(
  body: (signal: AbortSignal) => Promise<T>,
  progress: () => object | undefined = () => undefined,
): Promise<T> {
  const signal = cancellationSignal();
  const { taskQueue, currentAttemptScheduledTimestampMs } = activityInfo();
  recordQueueWait(taskQueue, Date.now() - currentAttemptScheduledTimestampMs);
  const timer = setInterval(() => heartbeat(progress()), HEARTBEAT_EVERY_MS);
  try {
    return await body(signal);
  } catch (error) {
    if (signal.aborted) throw whyCancelled(signal.reason);
    if (error instanceof ApplicationFailure) throw error;
    throw toApplicationFailure(error);
  } finally {
    clearInterval(timer);
  }
}

/** A worker that is stopped gives its work back; anything else that cancels means it. */
function whyCancelled(reason: unknown): Error {
  if (Context.current().cancellationDetails?.workerShutdown === true) {
    return applicationFailure('WorkerLost', 'The worker was stopped in the middle of this attempt.');
  }
  return reason instanceof CancelledFailure ? reason : new CancelledFailure('cancelled');
}

function toApplicationFailure(error: unknown): ApplicationFailure {
  const failure = asFailure(error);
  const { attempt, activityType } = activityInfo();
  Context.current().log.warn('activity attempt failed', {
    activityType,
    attempt,
    failureClass: failure.failureClass,
    reason: failure.message,
    detail: failure.detail,
    stack: failure.stack,
    cause: failure.cause === undefined ? undefined : causeChain(failure.cause),
  });
  return applicationFailure(failure.failureClass, failure.message);
}

function applicationFailure(type: FailureClass, message: string): ApplicationFailure {
  markFailed(type);
  const { retryable, attempts = Number.POSITIVE_INFINITY, pause } = describeFailure(type);
  return ApplicationFailure.create({
    type,
    message: message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT)}…` : message,
    nonRetryable: !retryable || activityInfo().attempt >= attempts,
    nextRetryDelay: pause,
  });
}
