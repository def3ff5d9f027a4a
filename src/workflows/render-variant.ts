import {
  ActivityFailure,
  setCurrentDetails,
  TimeoutFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { RenderedVariant, RenderVariantInput, VariantResult } from '../contracts/batch.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { assembly, batches, pointers, render } from './activity-proxies.ts';
import { classify } from './failure-class.ts';

/** One distinct video: rendered and stored, then made current for everyone who shares it. Fails when it failed. */
export async function renderVariant(input: RenderVariantInput): Promise<VariantResult> {
  try {
    const { outcome, video, renderMs } = (await joined(input)) ?? (await rendered(input));
    setCurrentDetails(`Stored (${outcome}, ${video.sizeBytes} bytes); publishing pointers`);
    const published = await pointers.publishPointers({
      batch: input.batch,
      page: input.page,
      index: input.index,
      video,
    });
    if (wasReset()) await writeDown(input, { outcome, renderMs, pointers: published });
    setCurrentDetails(`${outcome} in ${renderMs} ms, ${published} pointers`);
    return { outcome, renderMs, pointers: published };
  } catch (error) {
    const { failureClass, message } = classify(error);
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.failureClass, value: failureClass }]);
    setCurrentDetails(`${failureClass}: ${message}`);
    throw error;
  }
}

/** Somebody reset the run that failed: whoever started that one may be gone, or counted it as failed. */
const wasReset = (): boolean => workflowInfo().runId !== workflowInfo().firstExecutionRunId;

/** For the batch's next report, which then counts it as repaired. */
async function writeDown({ batch, page, index, key }: RenderVariantInput, result: VariantResult): Promise<void> {
  const writer = `reset-${workflowInfo().runId}`;
  await batches.recordOutcomes({ batch, writer, page: 1, outcomes: [{ ...result, page, index, key }] });
}

/** Null when there is no browser to be spared, a scene was not there after all, or nobody took the work up. */
async function joined(input: RenderVariantInput): Promise<RenderedVariant | null> {
  if (input.joinable !== true) return null;
  setCurrentDetails('Joining stored scenes');
  try {
    return await assembly.assembleVariant(input);
  } catch (error) {
    if (wasNeverStarted(error)) return null;
    throw error;
  }
}

const wasNeverStarted = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof TimeoutFailure &&
  error.cause.timeoutType === 'SCHEDULE_TO_START';

async function rendered(input: RenderVariantInput): Promise<RenderedVariant> {
  setCurrentDetails('Rendering');
  return await render.renderVariant(input);
}
