/** `weight`: what a video takes, what ten thousand come to, and whether a page gets larger with everybody it shows. */

import { z } from 'zod';
import type { Rendition } from '../../contracts/video.ts';
import { frameSizeOf, type Size } from '../../rendering/geometry.ts';
import type { Inspection } from '../../rendering/inspection.ts';
import { Meter } from '../../rendering/measuring/meter.ts';
import type { Finding } from '../finding.ts';
import type { Measures } from '../measures.ts';
import { expressionIn } from './inject.ts';
import { momentsInScenes } from './moments.ts';
import { type Growth, grows, HEAVY_FRAME_MS, isHeavy, NIGHT, VIDEOS, type Weight, weightOf } from './night.ts';
import { placeOfListener, placeOfRoot } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck, RenderedCheckInput } from './rendered-check.ts';
import type { Sample } from './samples.ts';

/** Frames that are rendered to be measured, from the middle of the film: more say no more. */
const FRAMES = 80;
const PEOPLE = 100;
/** Params before the first look: caches fill, and what is made once is made. */
const WARM_UP = 10;
/** One in so many people has a frame drawn as well. */
const DRAWN = 10;
const MOMENTS = 3;
/** What a page may keep of each person: nothing but what the browser's own bookkeeping moves. */
const ALLOWED = { nodes: PEOPLE / 4, listeners: PEOPLE / 4, heapBytes: PEOPLE * 5_000 } as const;

const EFFECTS = expressionIn('effects.js');
const effects = z.object({ blurred: z.number(), shadowed: z.number(), layers: z.number() });

export const weight: RenderedCheck = {
  id: 'weight',
  async run(input) {
    const { template, rendition, onStep, onMeasured } = input;
    const { drawn, readyMs } = await rehearse(input);
    const [sample] = drawn;
    if (sample === undefined) return [];
    const own = ownSizeOf(template);
    onStep(`rendering frames of ${own.width} × ${own.height} and at ${rendition.id} to see what they take`);
    const cpuMs = await cpuMsPerFrame(input, sample, { ...rendition, shortSide: Math.min(own.width, own.height) });
    const nightMs = cpuMs === null ? null : await cpuMsPerFrame(input, sample, rendition);
    const dear = await effectsOf(input, sample);
    const growth = template.contract === 'stock' ? null : await growthOf(input, drawn);
    const night = nightMs === null ? null : weightOf(nightMs, template.frameCount);
    onMeasured?.({
      paramsReadyMs: readyMs.length === 0 ? null : Math.max(...readyMs),
      frame: { ...own, cpuMs },
      night:
        night === null || nightMs === null
          ? null
          : { rendition: rendition.id, cpuMsPerFrame: nightMs, cpuHours: night.cpuHours },
      effects: dear,
      growth: growth === null ? null : { people: PEOPLE, ...growth.more },
    });
    return [
      ...(cpuMs !== null && night !== null && isHeavy(cpuMs, night)
        ? [heavyFinding(input, { cpuMs, night, dear, own })]
        : []),
      ...(growth === null || growth.kept.length === 0 ? [] : [growthFinding(input, growth)]),
    ];
  },
};

/** The template's own, or what is left of it at 1080p. */
const ownSizeOf = (template: Size): Size =>
  frameSizeOf(template, { shortSide: Math.min(LARGEST, template.width, template.height) });
const LARGEST = 1080;

/** Null: this system does not tell what processes use. */
async function cpuMsPerFrame(
  { template, renderer, signal }: RenderedCheckInput,
  { params }: Sample,
  rendition: Rendition,
): Promise<number | null> {
  const { frameCount } = template;
  const start = Math.max(0, Math.floor((frameCount - FRAMES) / 2));
  const scene = { start, end: Math.min(frameCount, start + FRAMES) };
  using meter = new Meter();
  await meter.measured(() => renderer.renderScene({ template, params, rendition, scene }, { signal }));
  const { cpuMs } = meter;
  return cpuMs === null ? null : (cpuMs.browser + cpuMs.encoder + cpuMs.worker) / (scene.end - scene.start);
}

type Effects = Measures['effects'];

/** The most at any of some moments. */
async function effectsOf(
  { template, rendition, renderer, signal }: RenderedCheckInput,
  { params }: Sample,
): Promise<Effects> {
  return await renderer.inspect(
    { template, rendition },
    async (page) => {
      await page.open(params);
      const stage = JSON.stringify({ width: template.width, height: template.height });
      const all: Effects[] = [];
      for (const frame of momentsInScenes(template, MOMENTS)) {
        await page.seek(frame);
        all.push(effects.parse(await page.evaluate(`(${EFFECTS})(nightreelStage.document, ${stage})`)));
      }
      const most = (name: keyof Effects): number => Math.max(...all.map((one) => one[name]));
      const area = template.width * template.height;
      return { blurred: most('blurred') / area, shadowed: most('shadowed') / area, layers: most('layers') };
    },
    { signal },
  );
}

interface Heaviness {
  readonly cpuMs: number;
  readonly night: Weight;
  readonly dear: Effects;
  readonly own: Size;
}

function heavyFinding({ template, rendition }: RenderedCheckInput, { cpuMs, night, dear, own }: Heaviness): Finding {
  return {
    rule: 'heavy',
    severity: 'warning',
    ...placeOfRoot(template),
    what: `A frame of ${own.width} × ${own.height} takes ${cpuMs.toFixed(0)} CPU-ms; more than ${HEAVY_FRAME_MS}, or a night of more than ${NIGHT.hours} h, is heavy.`,
    why: `${VIDEOS} videos of ${template.frameCount} frames at ${rendition.id} take ${night.cpuHours.toFixed(0)} CPU-hours: ${night.hours.toFixed(1)} h on ${NIGHT.cores} cores.`,
    fix: `Draw less in each frame. Blurs cover up to ${dear.blurred.toFixed(1)} times the page and shadows ${dear.shadowed.toFixed(1)} times; ${dear.layers} elements have layers of their own. Scenes that people share are rendered once (docs/scenes.md).`,
  };
}

interface PageGrowth {
  /** What there is more of after `PEOPLE`. */
  readonly more: PageSize;
  /** Of which it is too much. */
  readonly kept: readonly (keyof PageSize)[];
}

async function growthOf(input: RenderedCheckInput, samples: readonly Sample[]): Promise<PageGrowth> {
  const { template, rendition, renderer, signal, onStep } = input;
  onStep(`giving one page the params of ${PEOPLE} people, and drawing frames of some`);
  const moments = momentsInScenes(template, MOMENTS);
  const [before, middle, after] = await renderer.inspect(
    { template, rendition },
    async (page) => {
      const give = async (count: number): Promise<PageSize> => {
        for (let index = 0; index < count; index++) {
          await page.open((samples[index % samples.length] ?? { params: template.example }).params);
          if (index % DRAWN === 0) await page.frame(moments[(index / DRAWN) % moments.length] ?? 0);
        }
        // The same each time.
        await page.open(template.placeholder);
        await page.frame(moments[0] ?? 0);
        return await sizeOf(page);
      };
      return [await give(WARM_UP), await give(PEOPLE / 2), await give(PEOPLE / 2)] as const;
    },
    { signal },
  );
  const of = (name: keyof PageSize): Growth => ({ before: before[name], middle: middle[name], after: after[name] });
  const names = ['nodes', 'listeners', 'heapBytes'] as const;
  const more = (name: keyof PageSize): number => after[name] - before[name];
  return {
    more: { nodes: more('nodes'), listeners: more('listeners'), heapBytes: more('heapBytes') },
    kept: names.filter((name) => grows(of(name), ALLOWED[name] / 2)),
  };
}

const growthFinding = ({ template }: RenderedCheckInput, { more, kept }: PageGrowth): Finding => ({
  rule: 'grows',
  severity: 'warning',
  ...placeOfListener(template),
  what: `The page grows with every recipient: ${kept.map((name) => WORDS[name](more[name])).join(', ')} more after ${PEOPLE} of them.`,
  why: 'Its renders become slower and its browser needs more memory, until it is replaced; and what is kept of one may show in another.',
  fix: 'Replace what the last params left (replaceChildren, textContent); add listeners once, while the page loads.',
});

interface PageSize {
  readonly nodes: number;
  readonly listeners: number;
  readonly heapBytes: number;
}

const WORDS: Readonly<Record<keyof PageSize, (more: number) => string>> = {
  nodes: (more) => `${more} DOM nodes`,
  listeners: (more) => `${more} listeners`,
  heapBytes: (more) => `${(more / 1024).toFixed(0)} KiB of scripts' memory`,
};

/** What is left once everything that nobody holds has gone. */
async function sizeOf({ devtools }: Inspection): Promise<PageSize> {
  // What one collection lets go of may hold something else.
  for (let round = 0; round < 2; round++) await devtools.send('HeapProfiler.collectGarbage');
  const { nodes, jsEventListeners } = await devtools.send('Memory.getDOMCounters');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  return { nodes, listeners: jsEventListeners, heapBytes: usedSize };
}
