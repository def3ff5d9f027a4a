/** The least that a fan-out can be: children that do nothing, a window of them in flight. Workflow code. */

import { condition, executeChild } from '@temporalio/workflow';

export const plainChild = async (): Promise<void> => undefined;

export async function plainLane(children: number, window: number): Promise<void> {
  let inFlight = 0;
  for (let started = 0; started < children; started += 1) {
    await condition(() => inFlight < window);
    inFlight += 1;
    void executeChild(plainChild).finally(() => {
      inFlight -= 1;
    });
  }
  await condition(() => inFlight === 0);
}
