/** Ends a script that never comes back, and tells it from a browser that does not answer at all. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { DevTools } from '../browser/devtools.ts';

/** What was found: nothing running (the page waits for something), a script that now has ended, or no answer. */
export type Stopped = 'idle' | 'stopped' | 'unresponsive';

/** A page that is not busy answers in a millisecond; a loaded machine is given more. */
const PROBE_MS = 1_000;
const STOP_MS = 5_000;
const AGAIN_MS = 50;

/** Holds the page's timers as well: one of them may be what never ends, and would begin anew. */
const PROBE = 'try { __nightreel.halt(); } catch { }';

export async function stopScript(devtools: DevTools): Promise<Stopped> {
  // Answered as soon as nothing else runs.
  const ask = () =>
    devtools.evaluate(PROBE).then(
      () => 'answered' as const,
      () => 'refused' as const,
    );
  let answer = ask();
  let outcome = await within(PROBE_MS, answer);
  if (outcome === 'answered') return 'idle';
  for (const deadline = performance.now() + STOP_MS; performance.now() < deadline; ) {
    // What was stopped may have been the question.
    if (outcome === 'refused') answer = ask();
    // Taken by the browser beside the script that runs.
    else devtools.send('Runtime.terminateExecution').catch(() => undefined);
    outcome = await within(AGAIN_MS, answer);
    if (outcome === 'answered') return 'stopped';
  }
  return 'unresponsive';
}

async function within<T>(limitMs: number, answer: Promise<T>): Promise<T | 'late'> {
  const timer = new AbortController();
  try {
    return await Promise.race([answer, sleep(limitMs, 'late' as const, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
