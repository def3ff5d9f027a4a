/** What tests of single browsers share. */

import { findTools } from '../../src/config/tools.ts';
import type { BrowserOptions, ChromiumBrowser } from '../../src/rendering/browser/browser.ts';
import { processesOfGroup } from '../../src/rendering/browser/process-tree.ts';
import { profileRoot } from '../../src/rendering/browser/profiles.ts';
import { keptLog } from './support.ts';

export const never = new AbortController().signal;

/** Of whatever Chromium there is. */
export const browserOptions = (extras: Partial<BrowserOptions> = {}): BrowserOptions => {
  const { headlessShell, chromium } = findTools();
  return {
    executable: headlessShell ?? chromium ?? '',
    kind: headlessShell === undefined ? 'full' : 'shell',
    route: 'screenshot',
    profileRoot: profileRoot(),
    callLimitMs: 20_000,
    log: keptLog(),
    ...extras,
  };
};

/** Every kind of Chromium of this machine. */
export const kinds = (): { readonly kind: 'shell' | 'full'; readonly executable: string }[] => {
  const { headlessShell, chromium } = findTools();
  return [
    ...(headlessShell === undefined ? [] : [{ kind: 'shell', executable: headlessShell } as const]),
    ...(chromium === undefined ? [] : [{ kind: 'full', executable: chromium } as const]),
  ];
};

/** Processes of a browser whose command line matches, all of them when left out. */
export const partsOf = (browser: ChromiumBrowser, pattern = /./): number[] =>
  processesOfGroup(browser.pid ?? 0)
    .filter(({ commandLine }) => pattern.test(commandLine()))
    .map(({ pid }) => pid);
