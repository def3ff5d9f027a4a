/** Which capture route works on this machine, found out by using it. */

import { createHash } from 'node:crypto';
import { Failure, type FailureClass } from '../../contracts/failures.ts';
import type { CaptureRoute } from '../browser/flags.ts';
import type { Log } from '../log.ts';
import type { WarmBrowser } from '../warm-browser.ts';
import { ALL_ROWS, FrameBuffer } from './i420/frame-buffer.ts';
import { KNOWN_COLOURS, probeTemplate } from './probe-template.ts';

/** A browser and a way to capture from it. */
export interface Candidate {
  readonly route: CaptureRoute;
  readonly executable: string;
  readonly kind: 'shell' | 'full';
  /** Path of the X server, for route `xvfb`. */
  readonly xvfb?: string;
}

export interface CaptureTools {
  readonly headlessShell?: string;
  readonly chromium?: string;
  readonly xvfb?: string;
}

/** What another browser may do better. */
const PASSING: ReadonlySet<FailureClass> = new Set(['BrowserHung', 'BrowserCrashed']);

/** `auto`: the fastest that works. */
export type CaptureChoice = 'auto' | CaptureRoute;

/** A route that has proved itself. */
export interface ProvenRoute {
  readonly candidate: Candidate;
  /** The browser that it was tried with. */
  readonly browser: WarmBrowser;
  /** Digest of what it made of the probe page: equal wherever, and however, the same pixels come out. */
  readonly pixels: string;
}

/** What can be tried here, the fastest first. */
export function candidatesFor({ headlessShell, chromium, xvfb }: CaptureTools, choice: CaptureChoice): Candidate[] {
  const all: Candidate[] = [];
  if (chromium !== undefined && xvfb !== undefined) {
    all.push({ route: 'xvfb', executable: chromium, kind: 'full', xvfb });
  }
  if (headlessShell !== undefined) {
    all.push({ route: 'begin-frame', executable: headlessShell, kind: 'shell' });
    all.push({ route: 'screenshot', executable: headlessShell, kind: 'shell' });
  }
  if (chromium !== undefined) all.push({ route: 'screenshot', executable: chromium, kind: 'full' });
  return all.filter(({ route }) => choice === 'auto' || choice === route);
}

/** The first candidate that captures what it should, with the browser that has proved it. */
export async function chooseRoute(
  candidates: readonly Candidate[],
  launch: (candidate: Candidate) => Promise<WarmBrowser>,
  log: Log,
  signal: AbortSignal,
): Promise<ProvenRoute> {
  let last: unknown = null;
  for (const candidate of candidates) {
    try {
      return { candidate, ...(await launchProven(() => launch(candidate), log, signal)) };
    } catch (error) {
      last = error;
      if (error instanceof Failure && error.failureClass === 'Cancelled') throw error;
      log.warn({ ...candidate, error: String(error) }, 'this capture route does not work here');
    }
  }
  if (last instanceof Failure) throw last;
  throw new Failure('ToolMissing', 'Chromium starts, but does not load a page.', { cause: last });
}

/**
 * A browser that has proved itself. One that hangs or dies gets a single successor: on a busy machine about one start in a
 * hundred comes to no first frame, and a night must not take another route, and so another engine, for that.
 */
export async function launchProven(
  launch: () => Promise<WarmBrowser>,
  log: Log,
  signal: AbortSignal,
): Promise<Omit<ProvenRoute, 'candidate'>> {
  for (let isLast = false; ; isLast = true) {
    let browser: WarmBrowser | null = null;
    try {
      browser = await launch();
      return { browser, pixels: await prove(browser, signal) };
    } catch (error) {
      await browser?.[Symbol.asyncDispose]();
      const isPassing = error instanceof Failure && PASSING.has(error.failureClass);
      if (isLast || !isPassing) throw error;
      log.warn({ error: error.message }, 'a browser failed its first frames; another is tried');
    }
  }
}

/** What has to be installed for a route. */
export function missingFor(choice: CaptureChoice): Failure {
  const packages = {
    auto: 'a Chromium (Debian: `apt-get install chromium-headless-shell`)',
    xvfb: 'a Chromium and Xvfb (Debian: `apt-get install chromium xvfb`)',
    'begin-frame': 'chrome-headless-shell (Debian: `apt-get install chromium-headless-shell`)',
    screenshot: 'a Chromium (Debian: `apt-get install chromium`)',
  } as const;
  const what = choice === 'auto' ? 'Rendering' : `Capture route '${choice}'`;
  return new Failure('ToolMissing', `${what} needs ${packages[choice]}, which was not found.`);
}

/**
 * Two moments, one of them twice: the same must give the same picture, another another, and known colours must be where they
 * belong. Returns the digest of both. Failure `ToolMissing` otherwise.
 */
export async function prove(browser: WarmBrowser, signal: AbortSignal): Promise<string> {
  const template = probeTemplate();
  const source = await browser.open(template, template.placeholder, template);
  const pictures: Buffer[] = [];
  for (const start of [0, 1, 0]) {
    for await (const { data } of source.frames({ start, end: start + 1 }, signal)) {
      pictures.push(Buffer.from(data));
    }
  }
  const [first, second, third] = pictures;
  const refuse = (why: string): Failure => new Failure('ToolMissing', `Chromium starts, but ${why}.`);
  if (!first || !second || !third) throw refuse('hands out no pictures');
  if (!first.equals(third)) throw refuse('shows one moment in two ways');
  if (first.equals(second)) throw refuse('shows two moments in one way');
  for (const [frame, picture] of [first, second].entries()) {
    for (const { x, y, colours } of KNOWN_COLOURS) {
      const at = Math.round(y * template.height) * template.width + Math.round(x * template.width);
      if (picture[at] !== lumaOf(colours[frame] ?? '')) throw refuse('does not capture what its page shows');
    }
  }
  return createHash('sha256').update(first).update(second).digest('hex');
}

/** By the very conversion that frames take. */
function lumaOf(colour: string): number | undefined {
  const buffer = new FrameBuffer({ width: 1, height: 1, strideBytes: 4, order: 'rgba' });
  const pixel = Buffer.from(`${colour.slice(1)}ff`, 'hex');
  buffer.take({ read: (target) => void pixel.copy(target), touchedRows: ALL_ROWS });
  return buffer.next().data[0];
}
