/** Every way of capturing frames, tried with a browser of its own. */

import { performance } from 'node:perf_hooks';
import { asFailure } from '../../contracts/failures.ts';
import { CAPTURE_ROUTES } from '../../rendering/browser/flags.ts';
import { profileRoot } from '../../rendering/browser/profiles.ts';
import {
  type Candidate,
  type CaptureChoice,
  type CaptureTools,
  candidatesFor,
  launchProven,
  missingFor,
} from '../../rendering/capture/probe.ts';
import { probeTemplate } from '../../rendering/capture/probe-template.ts';
import type { Size } from '../../rendering/geometry.ts';
import type { Log } from '../../rendering/log.ts';
import { WarmBrowser } from '../../rendering/warm-browser.ts';
import type { RouteResult } from './check.ts';

const FRAME: Size = { width: 1920, height: 1080 };
const TIMED_PAIRS = 8;
const LIMITS = { callLimitMs: 30_000, deadlines: { loadMs: 15_000, paramsMs: 5_000 } } as const;

/** In the order in which a renderer tries them; one that works and was asked for is marked as chosen. */
export async function tryRoutes(
  tools: CaptureTools,
  choice: CaptureChoice,
  signal: AbortSignal,
  onTry: (what: string) => void,
): Promise<RouteResult[]> {
  const tried: Omit<RouteResult, 'samePixels' | 'isChosen'>[] = [];
  for (const route of CAPTURE_ROUTES) {
    const candidates = candidatesFor(tools, route);
    if (candidates.length === 0) {
      tried.push({ ...NOTHING, route, executable: null, works: false, problem: missingFor(route).message });
    }
    for (const candidate of candidates) {
      onTry(`${route}, ${candidate.executable}`);
      tried.push(await tryOne(candidate, signal));
    }
  }
  const chosen = tried.find(({ works, route }) => works && (choice === 'auto' || choice === route));
  return tried.map((one) => ({
    ...one,
    samePixels: chosen === undefined || one.pixels === null ? null : one.pixels === chosen.pixels,
    isChosen: one === chosen,
  }));
}

const NOTHING = { notes: [], browser: null, msPerFrame: null, pixels: null };

async function tryOne(
  candidate: Candidate,
  signal: AbortSignal,
): Promise<Omit<RouteResult, 'samePixels' | 'isChosen'>> {
  const notes: string[] = [];
  const { route, executable } = candidate;
  try {
    const log = noting(notes);
    const options = { ...candidate, ...LIMITS, frame: FRAME, profileRoot: profileRoot(), log };
    const { browser: proven, pixels } = await launchProven(() => WarmBrowser.launch(options, signal), log, signal);
    await using browser = proven;
    const msPerFrame = await timeFrames(browser, signal);
    return { route, executable, works: true, problem: null, notes, browser: browser.version, msPerFrame, pixels };
  } catch (error) {
    signal.throwIfAborted();
    return { ...NOTHING, route, executable, works: false, problem: asFailure(error).message, notes };
  }
}

/** The two moments of the known page in turn, so that every frame is drawn and read. */
async function timeFrames(browser: WarmBrowser, signal: AbortSignal): Promise<number> {
  const template = probeTemplate();
  const source = await browser.open(template, template.placeholder, FRAME);
  const times: number[] = [];
  for (let pair = 0; pair < TIMED_PAIRS; pair++) {
    const startedAt = performance.now();
    for await (const { index } of source.frames({ start: 0, end: 2 }, signal)) void index;
    times.push((performance.now() - startedAt) / 2);
  }
  const median = times.toSorted((a, b) => a - b)[TIMED_PAIRS / 2] ?? 0;
  return Math.round(median * 10) / 10;
}

const silent = (): void => undefined;
const noting = (notes: string[]): Log => {
  const note = (_details: object, message: string): void => void notes.push(message);
  return { debug: silent, info: silent, warn: note, error: note };
};
