/** Where the time of renders went. Pure. */

import { z } from 'zod';
import { RENDER_STAGES, type VariantOutcome } from '../contracts/batch.ts';
import { percentile } from './summary.ts';

const milliseconds = z.number().min(0);

export const stagesSchema = z.object({
  measured: z.int().min(0).describe('Renders of which the stages were timed.'),
  stages: z
    .array(
      z.object({
        stage: z.enum(RENDER_STAGES).describe('Which.'),
        msP50: milliseconds.describe('Half of the renders took no longer in it.'),
        msP95: milliseconds.describe('95 of 100 took no longer in it.'),
        share: z.number().min(0).max(1).describe('Of all the time of those renders.'),
      }),
    )
    .describe('In the order in which a video is made; stages that no render had are left out.'),
});

export type Stages = Readonly<z.infer<typeof stagesSchema>>;

export const NO_STAGES: Stages = { measured: 0, stages: [] };

export type RenderedOutcome = Exclude<VariantOutcome, { readonly outcome: 'failed' }>;

export const renderedOf = (outcomes: readonly VariantOutcome[]): RenderedOutcome[] =>
  outcomes.filter((outcome): outcome is RenderedOutcome => outcome.outcome === 'rendered');

export function stagesOf(rendered: readonly RenderedOutcome[]): Stages {
  const measured = rendered.flatMap(({ measures }) => measures ?? []);
  const timed = RENDER_STAGES.map((stage) => {
    const times = measured.flatMap(({ stages }) => stages[stage] ?? []).sort((a, b) => a - b);
    return { stage, times, totalMs: times.reduce((sum, ms) => sum + ms, 0) };
  });
  const totalMs = timed.reduce((sum, stage) => sum + stage.totalMs, 0);
  return {
    measured: measured.length,
    stages: timed.flatMap(({ stage, times, totalMs: stageMs }) => {
      const [msP50, msP95] = [percentile(times, 0.5), percentile(times, 0.95)];
      if (msP50 === null || msP95 === null) return [];
      return [{ stage, msP50, msP95, share: totalMs === 0 ? 0 : stageMs / totalMs }];
    }),
  };
}
