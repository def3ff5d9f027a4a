/** Nights on paper, from 10,000 people to ten million, and how far the calculation is from nights that were really run. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../src/config/package.ts';
import type { BenchContext, BenchResult } from '../bench.ts';
import { type Comparison, compare, type OrchestrationFigures, orchestrationFigures } from './compare.ts';
import { type PaperNight, paperNight, SCALES } from './paper.ts';

export interface ScalingOptions extends BenchContext {
  /** A night of so many variants is run and compared, instead of those of `measured.json`; null: none is. */
  readonly check: number | null;
}

export async function run({ check, ...context }: ScalingOptions): Promise<BenchResult> {
  const nights = SCALES.map(paperNight);
  const measured = check === null ? await measuredNights() : [await measureNight(check, context)];
  const compared = measured.map((night) => ({ variants: night.variants, figures: compare(night) }));
  const rows = compared.flatMap(({ variants, figures }) => figures.map((one) => ({ variants, ...one })));
  return {
    rows: paperRows(nights),
    also: rows satisfies (Comparison & { variants: number })[],
    json: { nights, compared },
  };
}

/** `bench orchestration` as it was run once on an idle or a shared machine; `about` says which. */
async function measuredNights(): Promise<OrchestrationFigures[]> {
  const text = await readFile(join(PACKAGE_ROOT, 'bench/scaling/measured.json'), 'utf8');
  return z.array(orchestrationFigures).parse(JSON.parse(text));
}

async function measureNight(variants: number, context: BenchContext): Promise<OrchestrationFigures> {
  const { run: runNight } = await import('../orchestration/index.ts');
  return orchestrationFigures.parse((await runNight({ variants, chaos: false, plain: false, ...context })).json);
}

/** One line for each figure, one column for each night. */
function paperRows(nights: readonly PaperNight[]): BenchResult['rows'] {
  const lines = nights.map((night) =>
    Object.entries(night).map(([name, value]) => [name, name === 'lanes' ? lanesOf(night) : value] as const),
  );
  return (lines[0] ?? []).map(([name], line) => ({
    figure: name,
    ...Object.fromEntries(
      nights.map(({ recipients }, night) => [`${recipients} people`, lines[night]?.[line]?.[1] ?? '']),
    ),
  }));
}

const lanesOf = ({ lanes: { count, window } }: PaperNight): string => `${count} of ${window}`;
