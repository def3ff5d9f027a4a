/** The edge between the modules' `Failure`s and Temporal's: every activity body runs inside one of these. */

import { activityInfo, CancelledFailure, Context, cancellationSignal, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { asFailure, FAILURES, type FailureClass } from '../contracts/failures.ts';
import { causeChain } from './scrub.ts';

const HEARTBEAT_EVERY_MS = 5_000;

const applicationFailure = (type: FailureClass, message: string): ApplicationFailure =>
  ApplicationFailure.create({ type, message, nonRetryable: !FAILURES[type].retryable });

/**
 * Runs an activity's body. A `Failure` becomes an ApplicationFailure of its class, without cause and stack of its own:
 * what goes to Temporal is the class and the message; the worker's log keeps the rest.
 */
export async function runActivity<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = cancellationSignal();
  try {
    return await body(signal);
  } catch (error) {
    if (signal.aborted) {
      const reason: unknown = signal.reason;
      if (reason instanceof CancelledFailure && reason.message === 'WORKER_SHUTDOWN') {
        throw applicationFailure('WorkerLost', 'The worker was stopped in the middle of this attempt.');
      }
      throw reason instanceof CancelledFailure ? reason : new CancelledFailure('cancelled');
    }
    if (error instanceof ApplicationFailure) throw error;
    const failure = asFailure(error);
    const { attempt, activityType } = activityInfo();
    Context.current().log.warn('activity attempt failed', {
      activityType,
      attempt,
      failureClass: failure.failureClass,
      reason: failure.message,
      stack: failure.stack,
      cause: failure.cause === undefined ? undefined : causeChain(failure.cause),
    });
    throw applicationFailure(failure.failureClass, failure.message);
  }
}

/**
 * `runActivity` for work whose steps have no rhythm of their own (a query that thinks, an upload): heartbeats while it
 * runs, which tells the server that this process lives. Limits on the steps themselves are the callee's.
 */
export async function runLongActivity<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const timer = setInterval(heartbeat, HEARTBEAT_EVERY_MS);
  try {
    return await runActivity(body);
  } finally {
    clearInterval(timer);
  }
}
