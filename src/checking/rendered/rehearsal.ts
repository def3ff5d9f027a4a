/** Every sample drawn once, before anything is asked of it: which can be drawn at all, how long they take, what the engine finds. */

import { describeFailure, Failure } from '../../contracts/failures.ts';
import type { Params } from '../../contracts/video.ts';
import type { Finding as PageFinding } from '../../rendering/page/findings.ts';
import { inTurn, momentsInScenes } from './moments.ts';
import type { RenderedCheckInput } from './rendered-check.ts';
import { labelled, type Sample } from './samples.ts';

export interface Rehearsal {
  readonly drawn: readonly Sample[];
  readonly failed: readonly { readonly sample: Sample; readonly failure: Failure }[];
  readonly found: readonly PageFinding[];
  /** From params to a page whose frames can be drawn, of a page that is there, ms; in the order of `drawn`. */
  readonly readyMs: readonly number[];
}

const MOMENTS = 3;
/** Looked at twice. */
const SLOW_MS = 1_000;

const rehearsals = new WeakMap<readonly Params[], Promise<Rehearsal>>();

/** The same for every check that gets the same samples. */
export function rehearse(input: RenderedCheckInput): Promise<Rehearsal> {
  const known = rehearsals.get(input.samples);
  if (known !== undefined) return known;
  const rehearsal = drawAll(input);
  rehearsals.set(input.samples, rehearsal);
  rehearsal.catch(() => rehearsals.delete(input.samples));
  return rehearsal;
}

/** The failure when it is one that the template's author can do something about; everything else is thrown on. */
export function asAuthors(error: unknown): Failure {
  if (error instanceof Failure && describeFailure(error.failureClass).actor === 'author') return error;
  throw error;
}

async function drawAll(input: RenderedCheckInput): Promise<Rehearsal> {
  const { renderer, template, rendition, signal, onStep } = input;
  const samples = labelled(input);
  onStep(`drawing ${samples.length} samples`);
  const drawn: Sample[] = [];
  const failed: Rehearsal['failed'][number][] = [];
  const found: PageFinding[] = [];
  const readyMs: number[] = [];
  const moments = momentsInScenes(template, MOMENTS);
  await renderer.inspect(
    { template, rendition },
    async (page) => {
      for (const [turn, sample] of samples.entries()) {
        // Where the first one fails, so would the others, each after the whole limit.
        if (drawn.length === 0 && failed.length > 0) break;
        try {
          const isThere = drawn.length > 0;
          const first = await timed(() => page.open(sample.params));
          // What takes long only once (a large font, a machine that was busy) delays nobody's video for long.
          const again = first < SLOW_MS ? first : await timed(() => page.open(sample.params));
          if (isThere) readyMs.push(Math.min(first, again));
          for (const moment of inTurn(moments, turn, MOMENTS)) await page.frame(moment);
          drawn.push(sample);
        } catch (error) {
          failed.push({ sample, failure: asAuthors(error) });
        }
        found.push(...page.found);
      }
    },
    { signal },
  );
  return { drawn, failed, found, readyMs };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
