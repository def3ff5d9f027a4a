/** `warm-equals-cold`: a page that other people have been in draws as one that nobody has been in. */

import type { Params } from '../../contracts/video.ts';
import type { Inspection } from '../../rendering/inspection.ts';
import { sideBySide } from '../../rendering/verify/side-by-side.ts';
import type { Finding } from '../finding.ts';
import { momentsOf } from './moments.ts';
import { afterEachOther } from './orders.ts';
import { NOWHERE } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck, RenderedCheckInput } from './rendered-check.ts';
import { differing, listed, type Sample, withParams } from './samples.ts';

/** Every one of them after every other: the work grows with the square. */
const SAMPLES = 6;
const MOMENTS = 3;

interface Other {
  readonly frame: number;
  readonly warm: Uint8Array;
  readonly cold: Uint8Array;
}

export const warmEqualsCold: RenderedCheck = {
  id: 'warm-equals-cold',
  async run(input) {
    const { template, rendition, renderer, signal, onStep } = input;
    if (template.contract === 'stock') return [];
    const samples = spread((await rehearse(input)).drawn, SAMPLES);
    if (samples.length === 0) return [];
    onStep(`giving one page ${samples.length} samples, each after each other`);
    return await renderer.inspect(
      { template, rendition },
      async (page) => {
        const leaks = new Leaks(page, input);
        const cold = new Map<Sample, readonly Uint8Array[]>();
        for (const sample of samples) cold.set(sample, await leaks.drawn(sample.params, true));
        await page.openFresh(samples[0]?.params ?? template.placeholder);
        let before: Sample | null = null;
        for (const index of afterEachOther(samples.length)) {
          const sample = samples[index];
          const expected = sample === undefined ? undefined : cold.get(sample);
          if (sample === undefined || expected === undefined) continue;
          const other = leaks.firstOther(await leaks.drawn(sample.params), expected);
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
  private readonly moments: readonly number[];

  constructor(page: Inspection, { template }: RenderedCheckInput) {
    this.page = page;
    this.moments = momentsOf({ ...template, scenes: [] }, MOMENTS);
  }

  async drawn(params: Params, isFresh = false): Promise<Uint8Array[]> {
    await (isFresh ? this.page.openFresh(params) : this.page.open(params));
    return await Array.fromAsync(this.page.frames(this.moments));
  }

  firstOther(warm: readonly Uint8Array[], cold: readonly Uint8Array[]): Other | null {
    for (const [index, frame] of this.moments.entries()) {
      const [one, other] = [warm[index], cold[index]];
      if (one !== undefined && other !== undefined && Buffer.compare(one, other) !== 0) {
        return { frame, warm: one, cold: other };
      }
    }
    return null;
  }

  /** Says whose params they are, as far as these two alone show it. */
  async finding(before: Sample, sample: Sample, { frame, warm, cold }: Other): Promise<Finding> {
    const names = differing(before.params, sample.params);
    const expected = await this.drawn(sample.params, true);
    const leaksAfter = async (params: Params): Promise<boolean> => {
      await this.drawn(params, true);
      return this.firstOther(await this.drawn(sample.params), expected) !== null;
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
      ...NOWHERE,
      what: `Frame ${frame} of '${sample.label}' is another picture ${after}, ${whose}, than in a fresh page.`,
      why: "One recipient's video shows what belongs to another, or what another's has left.",
      fix: 'With every params message, set everything that any params can change; keep no list, class or variable of the one before.',
      picture: await sideBySide(cold, warm, this.page.size),
    };
  }
}

/** Some of many, the first among them: those that change most of a page stand at both ends. */
function spread<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all];
  return Array.from({ length: count }, (_, index) => all[Math.round((index * (all.length - 1)) / (count - 1))] as T);
}
