/** Which capture route works on this machine, found out by using it. */

import { Failure } from '../../contracts/failures.ts';
import type { CaptureRoute } from '../browser/flags.ts';
import type { Log } from '../log.ts';
import type { WarmBrowser } from '../warm-browser.ts';
import { probeTemplate } from './probe-template.ts';

/** A browser and a way to capture from it. */
export interface Candidate {
  readonly route: CaptureRoute;
  readonly executable: string;
  readonly kind: 'shell' | 'full';
}

/** The fastest first. */
export function candidatesFor(tools: { readonly headlessShell?: string; readonly chromium?: string }): Candidate[] {
  const { headlessShell, chromium } = tools;
  return [
    ...(headlessShell === undefined
      ? []
      : ([
          { route: 'begin-frame', executable: headlessShell, kind: 'shell' },
          { route: 'screenshot', executable: headlessShell, kind: 'shell' },
        ] as const)),
    ...(chromium === undefined ? [] : ([{ route: 'screenshot', executable: chromium, kind: 'full' }] as const)),
  ];
}

/** The first candidate that captures what it should, with the browser that has proved it. */
export async function chooseRoute(
  candidates: readonly Candidate[],
  launch: (candidate: Candidate) => Promise<WarmBrowser>,
  log: Log,
): Promise<{ readonly candidate: Candidate; readonly browser: WarmBrowser }> {
  let last: unknown = new Failure('ToolMissing', 'No Chromium was given. Install chromium-headless-shell.');
  for (const candidate of candidates) {
    let browser: WarmBrowser | null = null;
    try {
      browser = await launch(candidate);
      await prove(browser);
      return { candidate, browser };
    } catch (error) {
      last = error;
      await browser?.[Symbol.asyncDispose]();
      if (error instanceof Failure && error.failureClass === 'Cancelled') throw error;
      log.warn({ ...candidate, error: String(error) }, 'this capture route does not work here');
    }
  }
  throw last;
}

/** Two colours, one of them twice: the same moment must give the same picture, another moment another. */
async function prove(browser: WarmBrowser): Promise<void> {
  const template = probeTemplate();
  const source = await browser.open(template, template.placeholder, template);
  const pictures: Buffer[] = [];
  for (const start of [0, 1, 0]) {
    for await (const { data } of source.frames({ start, end: start + 1 }, AbortSignal.timeout(10_000)))
      pictures.push(Buffer.from(data));
  }
  const [first, second, third] = pictures;
  if (!first || !second || !third || !first.equals(third) || first.equals(second)) {
    throw new Failure('ToolMissing', 'Chromium starts, but does not capture what its page shows.');
  }
}
