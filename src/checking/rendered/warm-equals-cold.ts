/** `warm-equals-cold`: a page that other people have been in draws as one that nobody has been in. */

import { createHash } from 'node:crypto';
import type { Params } from '../../contracts/video.ts';
import type { Inspection } from '../../rendering/inspection.ts';
import { sideBySide } from '../../rendering/verify/side-by-side.ts';
import type { Finding } from '../finding.ts';
import { inTurn, momentsInScenes, spread } from './moments.ts';
import { afterEachOther, shuffled } from './orders.ts';
import { placeOfListener } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck, RenderedCheckInput } from './rendered-check.ts';
import { differing, listed, type Sample, withParams } from './samples.ts';

/** Every one of them after every other: the work grows with the square. */
const SAMPLES = 6;
const MOMENTS = 3;
/** Of every sample, where each comes but once. */
const MIXED = 6;
interface Other {
  readonly frame: number;
  readonly warm: Uint8Array;
}

/** What is expected of one sample: digests of some frames of it, in a fresh page. */
type Cold = ReadonlyMap<number, string>;

export const warmEqualsCold: RenderedCheck = {
  id: 'warm-equals-cold',
  async run(input) {
    const { template, rendition, renderer, signal, onStep } = input;
    if (template.contract === 'stock') return [];
    const { drawn } = await rehearse(input);
    const [first] = drawn;
    if (first === undefined) return [];
    const some = spread(drawn, SAMPLES);
    onStep(`giving one page ${some.length} samples, each after each other, and then all ${drawn.length}`);
    return await renderer.inspect(
      { template, rendition },
      async (page) => {
        const leaks = new Leaks(page, input);
        const moments = momentsInScenes(template, MOMENTS);
        const cold = new Map<Sample, Cold>();
        const mixed = shuffled(drawn);
        for (const [turn, sample] of mixed.entries()) {
          const frames = some.includes(sample) ? moments : inTurn(moments, turn, MIXED);
          cold.set(sample, await leaks.cold(sample.params, frames));
        }
        const walk = afterEachOther(some.length).flatMap((index) => some[index] ?? []);
        await page.openFresh(first.params);
        let before: Sample | null = null;
        for (const [turn, sample] of [...walk, ...mixed].entries()) {
          const expected = [...(cold.get(sample) ?? [])];
          const other = await leaks.firstOther(
            sample.params,
            new Map(inTurn(expected, turn, turn < walk.length ? MOMENTS : MIXED)),
          );
          // One is enough: whatever is drawn after a leak may show it as well.
          if (other !== null) return [await leaks.finding(before ?? sample, sample, other)];
          before = sample;
        }
        return [];
      },
      { signal },
    );
  },
};

class Leaks {
  private readonly page: Inspection;
  private readonly template: RenderedCheckInput['template'];

  constructor(page: Inspection, { template }: RenderedCheckInput) {
    this.page = page;
    this.template = template;
  }

  /** In a page that has never had params. */
  async cold(params: Params, frames: readonly number[]): Promise<Cold> {
    await this.page.openFresh(params);
    const digests = new Map<number, string>();
    for (const frame of frames) digests.set(frame, digestOf(await this.page.frame(frame)));
    return digests;
  }

  /** The first frame that is another picture in the page that is there. */
  async firstOther(params: Params, cold: Cold): Promise<Other | null> {
    await this.page.open(params);
    for (const [frame, expected] of cold) {
      const warm = await this.page.frame(frame);
      if (digestOf(warm) !== expected) return { frame, warm };
    }
    return null;
  }

  /** Says whose params they are, as far as these two alone show it. */
  async finding(before: Sample, sample: Sample, { frame, warm }: Other): Promise<Finding> {
    const names = differing(before.params, sample.params);
    await this.page.openFresh(sample.params);
    const fresh = await this.page.frame(frame);
    const expected: Cold = new Map([[frame, digestOf(fresh)]]);
    const leaksAfter = async (params: Params): Promise<boolean> => {
      await this.cold(params, [frame]);
      return (await this.firstOther(sample.params, expected)) !== null;
    };
    const isPair = await leaksAfter(before.params);
    const guilty: string[] = [];
    for (const name of isPair ? names : []) {
      if (await leaksAfter(withParams(sample.params, before.params, [name]))) guilty.push(name);
    }
    const after = isPair ? `directly after '${before.label}'` : `after several others, '${before.label}' the last`;
    const param = guilty.length > 0 ? guilty : names;
    const whose =
      param.length === 0
        ? 'although they have the same params'
        : `who differs in ${listed(param.map((name) => `'${name}'`))}`;
    return {
      rule: 'leaked-state',
      severity: 'error',
      ...placeOfListener(this.template),
      what: `Frame ${frame} of '${sample.label}' is another picture ${after}, ${whose}, than in a fresh page.`,
      why: "One recipient's video shows what belongs to another, or what another's has left.",
      fix: 'With every params message, set everything that any params can change; keep no list, class or variable of the one before.',
      picture: await sideBySide(fresh, warm, this.page.size),
    };
  }
}

const digestOf = (frame: Uint8Array): string => createHash('sha256').update(frame).digest('base64');
