/** `seek-order`: a frame looks the same whichever were drawn before it. */

import { sideBySide } from '../../rendering/verify/side-by-side.ts';
import type { Finding } from '../finding.ts';
import { momentsInScenes } from './moments.ts';
import { otherOrders } from './orders.ts';
import { placeOfRoot } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck } from './rendered-check.ts';

const MOMENTS = 8;
/** What depends on the order does so for everybody, as a rule. */
const SAMPLES = 2;

export const seekOrder: RenderedCheck = {
  id: 'seek-order',
  async run(input) {
    const { drawn } = await rehearse(input);
    const { template, rendition, renderer, signal, onStep } = input;
    const moments = momentsInScenes(template, MOMENTS);
    onStep('drawing frames forwards, backwards and in mixed order');
    return await renderer.inspect(
      { template, rendition },
      async (page): Promise<Finding[]> => {
        for (const { params, label } of drawn.slice(0, SAMPLES)) {
          await page.open(params);
          const expected = new Map<number, Uint8Array>();
          for (const frame of moments) expected.set(frame, await page.frame(frame));
          for (const { name, frames } of otherOrders(moments)) {
            for (const frame of frames) {
              const data = await page.frame(frame);
              const before = expected.get(frame);
              if (before === undefined || Buffer.compare(data, before) === 0) continue;
              return [
                {
                  rule: 'order-dependent',
                  severity: 'error',
                  ...placeOfRoot(template),
                  what: `Frame ${frame} is another picture when frames are drawn ${name} (with: ${label}).`,
                  why: 'Scenes are drawn apart from each other and a retry begins anew: the same video would not be the same.',
                  fix: 'Let what seek draws follow from the time that it gets alone; no counters, nothing added up from frame to frame.',
                  picture: await sideBySide(before, data, page.size),
                },
              ];
            }
          }
        }
        return [];
      },
      { signal },
    );
  },
};
