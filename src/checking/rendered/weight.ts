/** `weight`: what a video takes, what ten thousand come to, and whether a page gets larger with everybody it shows. */

import { z } from 'zod';
import type { Inspection } from '../../rendering/inspection.ts';
import { Meter } from '../../rendering/measuring/meter.ts';
import type { Finding } from '../finding.ts';
import { expressionIn } from './inject.ts';
import { type Growth, grows, HEAVY_FRAME_MS, NIGHT, VIDEOS, weightOf } from './night.ts';
import { NOWHERE } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck, RenderedCheckInput } from './rendered-check.ts';
import type { Sample } from './samples.ts';

/** Frames that are rendered to be measured, from the middle of the film: more say no more. */
const FRAMES = 120;
const PEOPLE = 100;
/** Params before the first look: caches fill, and what is made once is made. */
const WARM_UP = 10;
/** What a page may keep of each person: nothing but what the browser's own bookkeeping moves. */
const ALLOWED = { nodes: PEOPLE / 4, listeners: PEOPLE / 4, heapBytes: PEOPLE * 5_000 } as const;

const EFFECTS = expressionIn('effects.js');
const effects = z.object({ blurred: z.number(), shadowed: z.number(), layers: z.number() });

export const weight: RenderedCheck = {
  id: 'weight',
  async run(input) {
    const { drawn } = await rehearse(input);
    const [sample] = drawn;
    if (sample === undefined) return [];
    return [...(await heaviness(input, sample)), ...(await growth(input, drawn))];
  },
};

async function heaviness(input: RenderedCheckInput, { params }: Sample): Promise<Finding[]> {
  const { template, rendition, renderer, signal, onStep } = input;
  const { frameCount } = template;
  const start = Math.max(0, Math.floor((frameCount - FRAMES) / 2));
  const scene = { start, end: Math.min(frameCount, start + FRAMES) };
  const frames = scene.end - scene.start;
  onStep(`rendering ${frames} frames to see what they take`);
  using meter = new Meter();
  const request = { template, params, rendition, scene };
  await meter.measured(() => renderer.renderScene(request, { signal }));
  const { cpuMs } = meter;
  // Where the system does not tell what processes use.
  if (cpuMs === null) return [];
  const perFrame = (cpuMs.browser + cpuMs.encoder + cpuMs.worker) / frames;
  const { cpuHours, hours, isHeavy } = weightOf(perFrame, frameCount);
  onStep(
    `a frame takes ${perFrame.toFixed(0)} CPU-ms: ${VIDEOS} videos at ${rendition.id} are ${cpuHours.toFixed(0)} CPU-hours, ${hours.toFixed(1)} h on ${NIGHT.cores} cores`,
  );
  if (!isHeavy) return [];
  const { blurred, shadowed, layers } = await renderer.inspect(
    { template, rendition },
    async (page) => {
      await page.open(params);
      await page.seek(Math.floor(frameCount / 2));
      const stage = JSON.stringify({ width: template.width, height: template.height });
      return effects.parse(await page.evaluate(`(${EFFECTS})(nightreelStage.document, ${stage})`));
    },
    { signal },
  );
  const screens = (area: number): string => (area / (template.width * template.height)).toFixed(1);
  return [
    {
      rule: 'heavy',
      severity: 'warning',
      ...NOWHERE,
      what: `A frame takes ${perFrame.toFixed(0)} CPU-ms (rendition ${rendition.id}); more than ${HEAVY_FRAME_MS}, or a night of more than ${NIGHT.hours} h, is heavy.`,
      why: `${VIDEOS} videos of ${frameCount} frames take ${cpuHours.toFixed(0)} CPU-hours: ${hours.toFixed(1)} h on ${NIGHT.cores} cores.`,
      fix: `Draw less in each frame. In the middle of the film, blurs cover ${screens(blurred)} times the stage and shadows ${screens(shadowed)} times; ${layers} elements have layers of their own. Scenes that people share are rendered once (docs/scenes.md).`,
    },
  ];
}

async function growth(input: RenderedCheckInput, samples: readonly Sample[]): Promise<Finding[]> {
  const { template, rendition, renderer, signal, onStep } = input;
  if (template.contract === 'stock') return [];
  onStep(`giving one page the params of ${PEOPLE} people`);
  const sizes = await renderer.inspect(
    { template, rendition },
    async (page) => {
      const give = async (count: number): Promise<PageSize> => {
        // Whole rounds of all samples: the last one is the same each time.
        for (let index = 0; index < count; index++) {
          await page.open((samples[index % samples.length] ?? { params: template.example }).params);
        }
        await page.open(template.placeholder);
        return await sizeOf(page);
      };
      return [await give(WARM_UP), await give(PEOPLE / 2), await give(PEOPLE / 2)] as const;
    },
    { signal },
  );
  const of = (name: keyof PageSize): Growth => {
    const [before, middle, after] = sizes;
    return { before: before[name], middle: middle[name], after: after[name] };
  };
  const kept = (['nodes', 'listeners', 'heapBytes'] as const).filter((name) => grows(of(name), ALLOWED[name] / 2));
  if (kept.length === 0) return [];
  const words = kept.map((name) => WORDS[name](of(name).after - of(name).before));
  return [
    {
      rule: 'grows',
      severity: 'warning',
      ...NOWHERE,
      what: `The page grows with every recipient: ${words.join(', ')} more after ${PEOPLE} of them.`,
      why: 'Its renders become slower and its browser needs more memory, until it is replaced; and what is kept of one may show in another.',
      fix: 'Replace what the last params left (replaceChildren, textContent); add listeners once, while the page loads.',
    },
  ];
}

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
