/** Keeps a browser to its one page, and the page from everything that it could ask a person for. */

import type { CDPSession } from 'puppeteer';

/** `whole`: a session with the browser itself. */
export async function confine(whole: CDPSession): Promise<void> {
  const own = (await whole.send('Target.getTargets')).targetInfos;
  // The popup blocker lets none through that no person clicked for; whichever comes all the same would lie over the page.
  whole.on('Target.targetCreated', ({ targetInfo: { targetId, type } }) => {
    if (type !== 'page' || own.some((known) => known.targetId === targetId)) return;
    whole.send('Target.closeTarget', { targetId }).catch(() => undefined);
  });
  await whole.send('Target.setDiscoverTargets', { discover: true });
  // None is granted, and all others are refused: nobody is asked.
  await whole.send('Browser.grantPermissions', { permissions: [] });
}
