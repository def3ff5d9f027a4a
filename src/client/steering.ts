/** Steering a running batch from outside Temporal. */

import { type Client, WorkflowUpdateFailedError } from '@temporalio/client';
import { Failure } from '../contracts/failures.ts';
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

/**
 * Tells a running batch something and returns what holds for it now. Failure `CampaignInvalid` when none runs, several do and no
 * date says which, or the batch refuses, with its reason.
 */
export async function steerBatch(
  client: Client,
  { campaign, businessDate, update, input }: SteerRequest,
): Promise<{ readonly workflowId: string; readonly steering: Steering }> {
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
    try {
      const steering = await client.workflow
        .getHandle(workflowId)
        .executeUpdate<Steering, [object]>(UPDATES[update], { args: [input ?? {}] });
      return { workflowId, steering };
    } catch (error) {
      throw error instanceof WorkflowUpdateFailedError ? failureOf(error.cause, workflowId) : error;
    }
  });
}
