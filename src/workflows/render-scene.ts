import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { RenderedSceneResult, RenderSceneInput } from '../contracts/batch.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { render } from './activity-proxies.ts';
import { classify } from './failure-class.ts';

/** One scene that several videos need, rendered and stored before them. Fails when it failed; they then try it themselves. */
export async function renderScene(input: RenderSceneInput): Promise<RenderedSceneResult> {
  try {
    setCurrentDetails('Rendering');
    const result = await render.renderScene(input);
    setCurrentDetails(`${result.outcome} in ${result.renderMs} ms`);
    return result;
  } catch (error) {
    const { failureClass, message } = classify(error);
    upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.failureClass, value: failureClass }]);
    setCurrentDetails(`${failureClass}: ${message}`);
    throw error;
  }
}
