/** Steering a running batch from outside Temporal. */

import {
  type Client,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { asFailure, Failure } from '../contracts/failures.ts';
import type { BusinessDate, CampaignId } from '../contracts/ids.ts';
import { type Steering, UPDATES } from '../contracts/steering.ts';
import { failureOf, runningBatches } from './batches.ts';
import { asTemporalCall } from './connect.ts';

export interface SteerRequest {
  readonly campaign: CampaignId;
  /** Absent: the one that runs. */
  readonly businessDate?: BusinessDate | undefined;
  readonly update: keyof typeof UPDATES;
  /** The update's argument. */
  readonly input?: object;
}

export interface Steered {
  readonly workflowId: string;
  readonly steering: Steering;
}

/** What one of all batches answered; `refused` is its reason in a sentence. */
export type SteeredOfAll = Steered | { readonly workflowId: string; readonly refused: string };

/**
 * Tells a running batch something and returns what holds for it now. Failure `CampaignInvalid` when none runs, several do and no
 * date says which, or the batch refuses, with its reason.
 */
export async function steerBatch(
  client: Client,
  { campaign, businessDate, update, input }: SteerRequest,
): Promise<Steered> {
  return await asTemporalCall(async () => {
    const running = await runningBatches(client, campaign, businessDate);
    const [workflowId] = running;
    const night = businessDate === undefined ? '' : ` of ${businessDate}`;
    if (workflowId === undefined) {
      throw new Failure(
        'CampaignInvalid',
        `No batch of campaign '${campaign}'${night} is running: there is nothing to steer.`,
      );
    }
    if (running.length > 1) {
      throw new Failure('CampaignInvalid', `Several batches run: ${running.join(', ')}. Say which with --date.`);
    }
    return await send(client, workflowId, { update, input });
  });
}

/** A batch without a worker answers nobody, and must not keep the others' answers. */
const ANSWER_WITHIN_MS = 20_000;

/** Tells every running batch of every campaign the same. One that refuses keeps none of the others from hearing it. */
export async function steerAll(
  client: Client,
  request: Pick<SteerRequest, 'update' | 'input'>,
): Promise<readonly SteeredOfAll[]> {
  return await asTemporalCall(async () => {
    const tell = async (workflowId: string): Promise<SteeredOfAll> => {
      try {
        return await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => send(client, workflowId, request));
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return { workflowId, refused: 'It has ended meanwhile.' };
        if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
          const seconds = ANSWER_WITHIN_MS / 1000;
          return { workflowId, refused: `It has not answered in ${seconds} s: does a worker of its version run?` };
        }
        // Whatever it is, the others are to be told, and their answers too.
        return { workflowId, refused: asFailure(error).message };
      }
    };
    return await Promise.all((await runningBatches(client)).map(tell));
  });
}

async function send(
  client: Client,
  workflowId: string,
  { update, input }: Pick<SteerRequest, 'update' | 'input'>,
): Promise<Steered> {
  try {
    const steering = await client.workflow
      .getHandle(workflowId)
      .executeUpdate<Steering, [object]>(UPDATES[update], { args: [input ?? {}] });
    return { workflowId, steering };
  } catch (error) {
    throw error instanceof WorkflowUpdateFailedError ? failureOf(error.cause, workflowId) : error;
  }
}
