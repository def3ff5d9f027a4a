/** Variants as child workflows, a bounded number in flight, each settled on its own. Shared by lanes and backfills. */

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, condition, executeChild, WorkflowIdReusePolicy, workflowInfo } from '@temporalio/workflow';
import type { RenderVariantInput, VariantOutcome, VariantResult } from '../contracts/batch.ts';
import { workflowIds } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { classify } from './failure-class.ts';
import { renderVariant } from './render-variant.ts';

async function runChild(input: RenderVariantInput, workflowId: string): Promise<VariantResult> {
  return await executeChild(renderVariant, {
    workflowId,
    args: [input],
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    staticSummary: `Variant ${input.key.slice(0, 12)} (page ${input.page}, line ${input.index + 1})`,
    typedSearchAttributes: [
      { key: SEARCH_ATTRIBUTES.campaignId, value: input.batch.campaign },
      { key: SEARCH_ATTRIBUTES.batchDate, value: input.batch.businessDate },
      { key: SEARCH_ATTRIBUTES.variantKey, value: input.key },
    ],
  });
}

/**
 * Runs the variant's child. When one of this business date already ran to success or still runs (an earlier attempt,
 * a concurrent batch), a second one named after this attempt and run takes its place: its video is found in the store, or
 * rendered again if it was deleted since, and this batch's own pointers are written.
 */
async function runVariant(input: RenderVariantInput): Promise<VariantResult> {
  const workflowId = workflowIds.variant(input.batch, input.key);
  try {
    return await runChild(input, workflowId);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return await runChild(input, `${workflowId}/${input.batch.attempt}-${workflowInfo().runId.slice(0, 8)}`);
  }
}

/** A window of children: at most `size` at a time; each settles into an outcome, a failed one included. */
export class VariantWindow {
  private readonly size: number;
  private readonly onOutcome: (outcome: VariantOutcome) => void;
  private inFlight = 0;
  private cancelled: unknown;
  /** Children started through this window since it was made. */
  started = 0;

  constructor(size: number, onOutcome: (outcome: VariantOutcome) => void) {
    this.size = size;
    this.onOutcome = onOutcome;
  }

  /** Starts the variant as soon as the window has room. Returns when it is on its way, not when it is done. */
  async start(input: RenderVariantInput): Promise<void> {
    await condition(() => this.inFlight < this.size);
    this.inFlight += 1;
    this.started += 1;
    void this.settle(input);
  }

  /** Waits until nothing is in flight. Throws if the workflow was cancelled meanwhile. */
  async drain(): Promise<void> {
    await condition(() => this.inFlight === 0);
    if (this.cancelled !== undefined) throw this.cancelled;
  }

  private async settle(input: RenderVariantInput): Promise<void> {
    const { page, index, key } = input;
    try {
      const result = await runVariant(input);
      this.onOutcome({ ...result, page, index, key });
    } catch (error) {
      // A child that somebody cancelled is one outcome; only when this workflow itself is being cancelled does it end.
      if (CancellationScope.current().consideredCancelled) this.cancelled = error;
      this.onOutcome({ outcome: 'failed', page, index, key, ...classify(error) });
    } finally {
      this.inFlight -= 1;
    }
  }
}
