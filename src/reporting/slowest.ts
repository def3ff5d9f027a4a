/** The renders that took longest. Pure. */

import { z } from 'zod';
import { RENDER_STAGES, type RenderMeasures } from '../contracts/batch.ts';
import { isVariantKey, type VariantKey } from '../contracts/ids.ts';
import type { RenderedOutcome } from './stages.ts';

const SLOWEST = 10;

export const slowestSchema = z.array(
  z.object({
    key: z.string().refine(isVariantKey).describe('Of the variant.'),
    renderMs: z.number().min(0).describe('How long it took.'),
    stages: z
      .partialRecord(z.enum(RENDER_STAGES), z.int())
      .nullable()
      .describe('Wall time by stage, ms; null: not measured.'),
    cpuMs: z.int().nullable().describe('Processor time; null: not measured.'),
    endedAt: z.string().nullable().describe('ISO 8601 UTC; null: not measured.'),
    ui: z
      .string()
      .nullable()
      .default(null)
      .describe('Its workflows in the Temporal Web UI; null: nobody said where that is.'),
  }),
);

export type Slowest = z.infer<typeof slowestSchema>;

/** The longest first. */
export const slowestOf = (
  rendered: readonly RenderedOutcome[],
  uiOf: (key: VariantKey) => string | null = () => null,
): Slowest =>
  rendered
    .toSorted((a, b) => b.renderMs - a.renderMs || (a.key < b.key ? -1 : 1))
    .slice(0, SLOWEST)
    .map(({ key, renderMs, measures }) => ({
      key,
      renderMs,
      stages: measures === undefined ? null : inOrder(measures.stages),
      cpuMs: measures?.cpuMs ?? null,
      endedAt: measures === undefined ? null : new Date(measures.endedAt).toISOString(),
      ui: uiOf(key),
    }));

const inOrder = (stages: RenderMeasures['stages']): RenderMeasures['stages'] =>
  Object.fromEntries(RENDER_STAGES.flatMap((stage) => (stages[stage] === undefined ? [] : [[stage, stages[stage]]])));
