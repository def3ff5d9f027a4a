/** Variants as child workflows. */

import { type Priority, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, WorkflowIdReusePolicy, workflowInfo } from '@temporalio/workflow';
import type { RenderVariantInput, VariantOutcome, VariantResult } from '../contracts/batch.ts';
import { workflowIds } from '../contracts/ids.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { ChildWindow } from './child-window.ts';
import { classify } from './failure-class.ts';
import { renderVariant } from './render-variant.ts';

async function runChild(input: RenderVariantInput, workflowId: string, priority: Priority): Promise<VariantResult> {
  return await executeChild(renderVariant, {
    workflowId,
    args: [input],
    priority,
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
async function runVariant(input: RenderVariantInput, priority: Priority): Promise<VariantResult> {
  const workflowId = workflowIds.variant(input.batch, input.key);
  try {
    return await runChild(input, workflowId, priority);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const second = `${workflowId}/${input.batch.attempt}-${workflowInfo().runId.slice(0, 8)}`;
    return await runChild(input, second, priority);
  }
}

/** A window of variants: each settles into an outcome, a failed one included. `priority` is asked as each one starts. */
export const variantWindow = (
  { size, priority }: { readonly size: number; readonly priority: () => Priority },
  onOutcome: (outcome: VariantOutcome) => void,
): ChildWindow<RenderVariantInput> =>
  new ChildWindow(
    size,
    async (input) => {
      const { page, index, key } = input;
      const result = await runVariant(input, priority());
      return () => onOutcome({ ...result, page, index, key });
    },
    ({ page, index, key }, error) => onOutcome({ outcome: 'failed', page, index, key, ...classify(error) }),
  );
