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
import {
  addTallies,
  type BackfillInput,
  type BatchProgress,
  type BatchSummary,
  type LaneTally,
  type NightlyBatchInput,
  NO_TALLY,
  type SceneTally,
} from '../contracts/batch.ts';
import { Failure, isFailureClass } from '../contracts/failures.ts';
import { type BatchRef, type BusinessDate, type CampaignId, workflowIds } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import { asTemporalCall } from './connect.ts';

export type BatchHandle = WorkflowHandle<(input: NightlyBatchInput) => Promise<BatchSummary>>;

export type StartInput = NightlyBatchInput & { readonly businessDate: BusinessDate };

/**
 * Starts the batch of a night, or attaches to the one that already runs for this campaign and date, the schedule's
 * included: two people who start the same night at once get one batch. Failure `CampaignInvalid` when the one that runs
 * was started for other recipients (a CSV, a limit): following it would pass for doing what was asked. With `takeOver`
 * that one is cancelled instead.
 */
export async function startBatch(
  client: Client,
  input: StartInput,
  { takeOver = false } = {},
): Promise<{ handle: BatchHandle; attached: boolean }> {
  return await asTemporalCall(async () => {
    const running = await runningBatch(client, input);
    if (running !== null && (!takeOver || (await isSame(client, running, input)))) {
      return { handle: await attach(client, running, input), attached: true };
    }
    if (running !== null) await cancelled(client.workflow.getHandle(running));
    const workflowId = workflowIds.batch(input.campaign, input.businessDate);
    try {
      const handle = await client.workflow.start<(input: NightlyBatchInput) => Promise<BatchSummary>>('nightlyBatch', {
        workflowId,
        taskQueue: TASK_QUEUES.orchestrator,
        args: [input],
        memo: askedFor(input),
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        staticSummary: `${input.campaign}, night of ${input.businessDate}`,
        typedSearchAttributes: batchAttributes(input.campaign, input.businessDate),
      });
      return { handle, attached: false };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      return { handle: await attach(client, workflowId, input), attached: true };
    }
  });
}

/** Which people a batch is for, in its memo: counts and keys, nobody's data. */
const askedFor = ({ recipientLimit = 0, csvKey = '' }: NightlyBatchInput) => ({ recipientLimit, csvKey });

const isSame = (client: Client, workflowId: string, input: StartInput): Promise<boolean> =>
  wasAskedFor(client, workflowId, askedFor(input), askedFor({ campaign: input.campaign }));

/** Whether a running workflow was started for the same; `unsaid` holds where its memo says nothing. */
async function wasAskedFor(
  client: Client,
  workflowId: string,
  asked: Readonly<Record<string, unknown>>,
  unsaid: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { memo } = await client.workflow.getHandle(workflowId).describe();
  const running: Readonly<Record<string, unknown>> = { ...unsaid, ...memo };
  return Object.entries(asked).every(([name, value]) => running[name] === value);
}

/** Cancels a batch and waits until it has ended. */
async function cancelled(handle: WorkflowHandle): Promise<void> {
  await handle.cancel();
  await handle.result().catch((error: unknown) => {
    if (!(error instanceof WorkflowFailedError)) throw error;
  });
}

async function attach(client: Client, workflowId: string, input: StartInput): Promise<BatchHandle> {
  if (await isSame(client, workflowId, input)) return client.workflow.getHandle(workflowId);
  throw new Failure(
    'CampaignInvalid',
    `${workflowId} already runs, for other recipients than those asked for now. Wait until it has ended, or cancel it: temporal workflow cancel --workflow-id ${workflowId}`,
  );
}

/**
 * Workflow IDs of the batches that run, of all campaigns or of one. The schedule names its runs by their time, so they are found by what they are about; one
 * that has not planned yet may be of any date.
 */
export async function runningBatches(
  client: Client,
  campaign?: CampaignId,
  businessDate?: BusinessDate,
): Promise<string[]> {
  const ofCampaign = campaign === undefined ? '' : ` AND CampaignId = '${campaign}'`;
  const ofDate = businessDate === undefined ? '' : ` AND (BatchDate = '${businessDate}' OR BatchDate IS NULL)`;
  const query = `WorkflowType = 'nightlyBatch' AND ExecutionStatus = 'Running'${ofCampaign}${ofDate}`;
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

/** The runs of batches that go on, of all campaigns. */
export async function runningNights(
  client: Client,
): Promise<{ readonly workflowId: string; readonly runId: string }[]> {
  return await asTemporalCall(async () => {
    const query = `WorkflowType = 'nightlyBatch' AND ExecutionStatus = 'Running'`;
    const runs = await Array.fromAsync(client.workflow.list({ query }));
    return runs.map(({ workflowId, runId }) => ({ workflowId, runId }));
  });
}

/** What may write to the bucket: batches, repairs, variants that were reset. */
export interface Work {
  /** Workflow IDs of some of those that run. */
  readonly running: readonly string[];
  /** Whether any ended in the last so many milliseconds that were asked for. */
  readonly endedLately: boolean;
}

export async function workNow(client: Client, latelyMs: number): Promise<Work> {
  return await asTemporalCall(async () => {
    const types = ['nightlyBatch', 'backfillVariants', 'renderVariant'].map((type) => `'${type}'`).join(', ');
    const some = async (condition: string): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({
        query: `WorkflowType IN (${types}) AND ${condition}`,
      })) {
        if (ids.push(workflowId) === MAX_NAMED) break;
      }
      return ids;
    };
    // In this order: what ends in between is in one of the two.
    const running = await some(`ExecutionStatus = 'Running'`);
    const since = new Date(Date.now() - latelyMs).toISOString();
    return { running, endedLately: (await some(`CloseTime > '${since}'`)).length > 0 };
  });
}

/** Workflows that a sentence names at most. */
const MAX_NAMED = 3;

const runningBatch = async (client: Client, { campaign, businessDate }: StartInput): Promise<string | null> =>
  (await runningBatches(client, campaign, businessDate))[0] ?? null;

const batchAttributes = (campaign: CampaignId, businessDate: BusinessDate) => [
  { key: SEARCH_ATTRIBUTES.campaignId, value: campaign },
  { key: SEARCH_ATTRIBUTES.batchDate, value: businessDate },
];

/**
 * Starts the repair of one batch's failed variants, or attaches to the repair that is running. Failure
 * `CampaignInvalid` while the batch itself still runs (what it has not reached yet has not failed), or another repair of it does.
 */
export async function startBackfill(client: Client, input: BackfillInput): Promise<BatchHandle> {
  const { batch } = input;
  return await asTemporalCall(async () => {
    const running = await runningBatch(client, batch);
    if (running !== null) {
      throw new Failure(
        'CampaignInvalid',
        `${running} still runs; repair the batch when it has ended, or cancel it first.`,
      );
    }
    const workflowId = workflowIds.backfill(batch);
    try {
      return await client.workflow.start<(input: BackfillInput) => Promise<BatchSummary>>('backfillVariants', {
        workflowId,
        taskQueue: TASK_QUEUES.orchestrator,
        args: [{ ...input, unclosed: true }],
        memo: repairs(input),
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        staticSummary: `Backfill of ${batch.campaign}, ${batch.businessDate}`,
        typedSearchAttributes: batchAttributes(batch.campaign, batch.businessDate),
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (await wasAskedFor(client, workflowId, repairs(input), repairs({ batch }))) {
        return client.workflow.getHandle(workflowId);
      }
      throw new Failure(
        'CampaignInvalid',
        `${workflowId} already runs, for other variants than those asked for now. Wait until it has ended, or cancel it: temporal workflow cancel --workflow-id ${workflowId}`,
      );
    }
  });
}

/** Which variants a repair is for, in its memo. */
const repairs = ({
  failureClass = '',
  variantsKey = '',
}: Omit<BackfillInput, 'failureClass'> & { readonly failureClass?: string }) => ({
  failureClass,
  variantsKey,
});

export interface Progress extends LaneTally {
  readonly phase: BatchProgress['phase'];
  readonly batch: BatchRef | null;
  readonly recipients: number;
  /** In phase `scenes` these and the tally count scenes. */
  readonly variants: number;
  /** What holds it up, or puts its end at risk; null: nothing. */
  readonly notice?: string | null;
}

/** How far the batch is: its own phase and the sum of what its lanes say. Null while no worker answers the query. */
export async function readProgress(client: Client, handle: BatchHandle): Promise<Progress | null> {
  const batch = await quietly(() => handle.query<BatchProgress>('progress'));
  if (batch === null) return null;
  const { phase, plan, repair } = batch;
  const notice = noticeOf(batch);
  if (repair !== undefined) return { phase, batch: null, recipients: 0, variants: repair.variants, ...repair.tally };
  if (plan === null) return { phase, batch: null, recipients: 0, variants: 0, ...NO_TALLY };
  const { recipients, variants, sharedScenes } = plan.counts;
  const tallied = async <Tally extends object>(
    query: string,
    lanes: number,
    idOf: (lane: number) => string,
  ): Promise<Tally[]> => {
    const ids = Array.from({ length: Math.min(plan.lanes.count, lanes) }, (_, lane) => idOf(lane));
    const tallies = await Promise.all(
      ids.map((id) => quietly(() => client.workflow.getHandle(id).query<Tally>(query))),
    );
    return tallies.filter((tally) => tally !== null);
  };
  if (phase === 'scenes') {
    const tallies = await tallied<SceneTally>('scenes', plan.scenePages, (lane) =>
      workflowIds.sceneLane(plan.batch, lane),
    );
    const sum = tallies
      .map(({ reused, ...rest }) => ({ cached: reused, ...rest, pointers: 0 }))
      .reduce(addTallies, NO_TALLY);
    return { phase, batch: plan.batch, recipients, variants: sharedScenes, notice, ...sum };
  }
  const tallies = await tallied<LaneTally>('tally', plan.pages, (lane) => workflowIds.lane(plan.batch, lane));
  return { phase, batch: plan.batch, recipients, variants, notice, ...tallies.reduce(addTallies, NO_TALLY) };
}

function noticeOf({ steering, outlook }: BatchProgress): string | null {
  if (steering?.stopped) return `stopped by the ${steering.stopped.by}`;
  const notices = [
    ...(outlook?.atRisk === true ? [`at risk: due ${outlook.deadline}`] : []),
    ...(steering?.paused ? [`paused by the ${steering.paused.by}: ${steering.paused.reason}`] : []),
  ];
  return notices.length === 0 ? null : notices.join('; ');
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
  return await asTemporalCall(async () => {
    try {
      return await handle.result();
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      throw failureOf(error.cause, handle.workflowId);
    }
  });
}

/** What ended a workflow or an update, with the class that it went by. */
export function failureOf(cause: unknown, workflowId: string): Failure {
  if (cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure)
    return failureOf(cause.cause, workflowId);
  if (cause instanceof ApplicationFailure && isFailureClass(cause.type)) return new Failure(cause.type, cause.message);
  if (cause instanceof CancelledFailure) return new Failure('Cancelled', `${workflowId} was cancelled.`);
  if (cause instanceof TerminatedFailure) return new Failure('Cancelled', `${workflowId} was terminated.`);
  const reason = cause instanceof Error ? cause.message : 'no reason given';
  return new Failure('Internal', `${workflowId} failed: ${reason}`, { cause });
}
