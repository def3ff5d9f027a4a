/** Starting a batch, following it and repairing it, from outside Temporal. */

import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
} from '@temporalio/common';
import type { BackfillInput, BatchProgress, BatchSummary, LaneTally, NightlyBatchInput } from '../contracts/batch.ts';
import { Failure, isFailureClass } from '../contracts/failures.ts';
import { type BatchRef, type BusinessDate, workflowIds } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';

export type BatchHandle = WorkflowHandle<(input: NightlyBatchInput) => Promise<BatchSummary>>;

/**
 * Starts tonight's batch, or attaches to the one that already runs for this campaign and date: two people who start the
 * same night at once get one batch.
 */
export async function startBatch(
  client: Client,
  input: NightlyBatchInput & { readonly businessDate: BusinessDate },
): Promise<{ handle: BatchHandle; attached: boolean }> {
  const workflowId = workflowIds.batch(input.campaign, input.businessDate);
  try {
    const handle = await client.workflow.start<(input: NightlyBatchInput) => Promise<BatchSummary>>('nightlyBatch', {
      workflowId,
      taskQueue: TASK_QUEUES.orchestrator,
      args: [input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      staticSummary: `${input.campaign}, night of ${input.businessDate}`,
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTES.campaignId, value: input.campaign },
        { key: SEARCH_ATTRIBUTES.batchDate, value: input.businessDate },
      ],
    });
    return { handle, attached: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { handle: client.workflow.getHandle(workflowId), attached: true };
  }
}

/** Starts the repair of one batch's failed variants, or attaches to the repair that is running. */
export async function startBackfill(client: Client, input: BackfillInput): Promise<BatchHandle> {
  return await client.workflow.start<(input: BackfillInput) => Promise<BatchSummary>>('backfillVariants', {
    workflowId: workflowIds.backfill(input.batch),
    taskQueue: TASK_QUEUES.orchestrator,
    args: [input],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: `Backfill of ${input.batch.campaign}, ${input.batch.businessDate}`,
    typedSearchAttributes: [
      { key: SEARCH_ATTRIBUTES.campaignId, value: input.batch.campaign },
      { key: SEARCH_ATTRIBUTES.batchDate, value: input.batch.businessDate },
    ],
  });
}

export interface Progress extends LaneTally {
  readonly phase: BatchProgress['phase'];
  readonly batch: BatchRef | null;
  readonly recipients: number;
  readonly variants: number;
}

const ZERO: LaneTally = { cached: 0, rendered: 0, failed: 0, pointers: 0 };

/** How far the batch is: its own phase and the sum of what its lanes say. Null while no worker answers the query. */
export async function readProgress(client: Client, handle: BatchHandle): Promise<Progress | null> {
  const batch = await quietly(() => handle.query<BatchProgress>('progress'));
  if (batch === null) return null;
  const { phase, plan } = batch;
  if (plan === null) return { phase, batch: null, recipients: 0, variants: 0, ...ZERO };
  const laneIds = Array.from({ length: Math.min(plan.lanes.count, plan.pages) }, (_, lane) =>
    workflowIds.lane(plan.batch, lane),
  );
  const tallies = await Promise.all(
    laneIds.map((laneId) => quietly(() => client.workflow.getHandle(laneId).query<LaneTally>('tally'))),
  );
  const sum = tallies.reduce<LaneTally>(
    (total, tally) => ({
      cached: total.cached + (tally?.cached ?? 0),
      rendered: total.rendered + (tally?.rendered ?? 0),
      failed: total.failed + (tally?.failed ?? 0),
      pointers: total.pointers + (tally?.pointers ?? 0),
    }),
    ZERO,
  );
  return { phase, batch: plan.batch, recipients: plan.counts.recipients, variants: plan.counts.variants, ...sum };
}

/** A query that fails (no worker yet, a lane not started, a restart) only means that nothing is known this time. */
async function quietly<T>(query: () => Promise<T>): Promise<T | null> {
  try {
    return await query();
  } catch {
    return null;
  }
}

/** The batch's summary, or its failure with the class that ended it. */
export async function awaitSummary(handle: BatchHandle): Promise<BatchSummary> {
  try {
    return await handle.result();
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw failureOf(error.cause, handle.workflowId);
  }
}

function failureOf(cause: unknown, workflowId: string): Failure {
  if (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure)
    return failureOf(cause.cause, workflowId);
  if (cause instanceof ApplicationFailure && isFailureClass(cause.type)) return new Failure(cause.type, cause.message);
  if (cause instanceof CancelledFailure) return new Failure('Cancelled', `${workflowId} was cancelled.`);
  if (cause instanceof TerminatedFailure) return new Failure('Cancelled', `${workflowId} was terminated.`);
  const reason = cause instanceof Error ? cause.message : 'no reason given';
  return new Failure('Internal', `${workflowId} failed: ${reason}`, { cause });
}
