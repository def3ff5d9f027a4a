/** How a page's process ended, in a sentence that says who can do something about it. */

import { constants } from 'node:os';
import type { CDPSession, Page } from 'puppeteer';
import { Failure } from '../../contracts/failures.ts';

/** How long the signal that ended a page may be told after its end. */
const DETAILS_LIMIT_MS = 500;

/** Calls `told` once when the page's process has ended by itself. Only a session with the browser itself is told the signal. */
export async function onEndOfPage(
  page: Page,
  { session, whole }: { readonly session: CDPSession; readonly whole: CDPSession },
  told: (reason: Failure) => void,
): Promise<void> {
  const { targetInfo } = await session.send('Target.getTargetInfo');
  whole.on('Target.targetCrashed', ({ targetId, errorCode }) => {
    if (targetId === targetInfo.targetId) told(describePageEnd(errorCode));
  });
  page.once('error', () => setTimeout(() => told(describePageEnd(null)), DETAILS_LIMIT_MS).unref());
}

/** Pure. `signal`: the number of the signal that ended it; null when it is not known. */
export function describePageEnd(signal: number | null): Failure {
  const what = "Chromium's page process";
  if (signal === constants.signals.SIGKILL) {
    return new Failure(
      'BrowserCrashed',
      `${what} was killed (SIGKILL). Systems do that when memory runs out: give the machine or container more of it, or fewer slots.`,
    );
  }
  // V8 and Chromium's allocators end a process that has reached their limits by a trap.
  if (signal === constants.signals.SIGTRAP || signal === constants.signals.SIGILL) {
    return new Failure(
      'BrowserCrashed',
      `${what} ended itself, most likely because it ran out of memory. If a fresh browser ends so too, the template's author must make it need less.`,
    );
  }
  return new Failure('BrowserCrashed', `${what} ended${signal === null ? '' : ` (signal ${signal})`}.`);
}
