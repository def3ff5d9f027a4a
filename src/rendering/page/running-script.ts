/** Ends a script that never comes back, and tells it from a browser that does not answer at all. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { DevTools } from '../browser/devtools.ts';

/** What was found: nothing running (the page waits for something), a script that now has ended, or no answer. */
export type Stopped = 'idle' | 'stopped' | 'unresponsive';

/** A page that is not busy answers in a millisecond; a loaded machine is given more. */
const PROBE_MS = 1_000;
const STOP_MS = 5_000;

export async function stopScript(devtools: DevTools): Promise<Stopped> {
  if (await answers(devtools, PROBE_MS)) return 'idle';
  // Taken by the browser beside the script that runs.
  devtools.send('Runtime.terminateExecution').catch(() => undefined);
  return (await answers(devtools, STOP_MS)) ? 'stopped' : 'unresponsive';
}

async function answers(devtools: DevTools, limitMs: number): Promise<boolean> {
  const timer = new AbortController();
  try {
    const probe = devtools.evaluate('0').then(
      () => true,
      () => false,
    );
    return await Promise.race([probe, sleep(limitMs, false, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
