import {
  ActivityFailure,
  ApplicationFailure,
  ContinueAsNew,
  continueAsNew,
  setCurrentDetails,
  TimeoutFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { BegunVariant, RenderedVariant, RenderVariantInput, VariantResult } from '../contracts/batch.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { assembly, batches, pointers, render } from './activity-proxies.ts';
import { classify } from './failure-class.ts';

/** One distinct video: rendered and stored, then made current for everyone who shares it. Fails when it failed. */
export async function renderVariant(input: RenderVariantInput): Promise<VariantResult> {
  const begun: BegunVariant | undefined = input.begun;
  const wasReset = begun?.wasReset === true || isReset();
  try {
    const rendering = begun ?? (await joined(input)) ?? (await rendered(input));
    const { outcome, renderMs, measures } = rendering;
    const published = await publish(input, rendering, wasReset);
    const result: VariantResult = { outcome, renderMs, pointers: published, ...(measures && { measures }) };
    if (wasReset) await writeDown(input, result);
    setCurrentDetails(`${outcome} in ${renderMs} ms, ${published} pointers`);
    return result;
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const { failureClass, message } = classify(error);
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.failureClass, value: failureClass }]);
    setCurrentDetails(`${failureClass}: ${message}`);
    throw error;
  }
}

/** Part by part, however many share it: what goes wrong in one is told when all have had theirs. Returns how many pointers show it. */
async function publish(input: RenderVariantInput, rendering: RenderedVariant, wasReset: boolean): Promise<number> {
  const { batch, page, index, begun } = input;
  const { outcome, video, renderMs, measures } = rendering;
  let { part, pointers: published, failure } = begun ?? { part: 0, pointers: 0, failure: undefined };
  for (;;) {
    setCurrentDetails(`Stored (${outcome}, ${video.sizeBytes} bytes); ${published} pointers published`);
    const done = await pointers.publishPointers({ batch, page, index, video, ...(part > 0 && { part }) });
    published += done.pointers;
    failure ??= done.failure;
    if (done.next === null) {
      if (failure === undefined) return published;
      const { failureClass: type, message } = failure;
      throw ApplicationFailure.create({ type, message, nonRetryable: true });
    }
    part = done.next;
    if (workflowInfo().continueAsNewSuggested) {
      const told = failure && { failure };
      const made = { outcome, video, renderMs, ...(measures && { measures }) };
      const next: BegunVariant = { ...made, part, pointers: published, ...told, wasReset };
      await continueAsNew<typeof renderVariant>({ ...input, begun: next });
    }
  }
}

/**
 * Somebody reset the run that failed: whoever started that one may be gone, or counted it as failed. One that continues another has a run ID
 * of its own without having been reset. Where a recorded history is replayed the original ID is the run's own: there only the first can tell.
 */
function isReset(): boolean {
  const { runId, originalExecutionRunId, firstExecutionRunId, continuedFromExecutionRunId } = workflowInfo();
  if (runId !== originalExecutionRunId) return true;
  return continuedFromExecutionRunId === undefined && runId !== firstExecutionRunId;
}

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
