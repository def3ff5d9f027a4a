/** The ground: how many children a second that do nothing, on the same server, machine and day. */

import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { rounded } from '../statistics.ts';

export const PLAIN_QUEUE = 'plain';
export const PLAIN_WORKER = join(import.meta.dirname, 'plain-worker.ts');

export interface Fanout {
  readonly children: number;
  readonly lanes: { readonly count: number; readonly window: number };
}

/** Children a second, from the start of the first lane to the end of the last. A `PLAIN_WORKER` must run. */
export async function plainChildrenPerSecond(client: Client, { children, lanes }: Fanout): Promise<number> {
  const perLane = Math.ceil(children / lanes.count);
  const began = performance.now();
  await Promise.all(
    Array.from({ length: lanes.count }, (_, lane) =>
      client.workflow.execute('plainLane', {
        workflowId: `plain/${lane}`,
        taskQueue: PLAIN_QUEUE,
        args: [perLane, lanes.window],
      }),
    ),
  );
  return rounded((perLane * lanes.count * 1000) / (performance.now() - began));
}
