import { workflowInfo } from '@temporalio/workflow';

/**
 * When this run was due. A schedule stamps it on the run, so that a late or backfilled run is about its own night; one that somebody
 * started by hand is due when it starts.
 */
export function dueTime(): Date {
  const scheduled = workflowInfo().searchAttributes['TemporalScheduledStartTime']?.[0];
  return scheduled instanceof Date ? scheduled : workflowInfo().startTime;
}
