import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { FAILURES, type FailureClass, isFailureClass } from '../contracts/failures.ts';

export interface ClassifiedFailure {
  readonly failureClass: FailureClass;
  readonly message: string;
}

/** The class of whatever ended an activity or a child: read off the failure's type, never off its message. */
export function classify(error: unknown): ClassifiedFailure {
  if (isCancellation(error)) return { failureClass: 'Cancelled', message: FAILURES.Cancelled.sentence };
  if (error instanceof ChildWorkflowFailure || error instanceof ActivityFailure) return classify(error.cause);
  if (error instanceof ApplicationFailure) {
    return { failureClass: isFailureClass(error.type) ? error.type : 'Internal', message: error.message };
  }
  if (error instanceof TimeoutFailure) return { failureClass: 'WorkerLost', message: error.message };
  return { failureClass: 'Internal', message: error instanceof Error ? error.message : String(error) };
}
