/** What was calculated beside what a real night left. Pure. */

import { z } from 'zod';
import { rounded } from '../statistics.ts';
import { type Footprint, footprintOf, laneEventsOf, type Night, objectsOf } from './model.ts';

const figure = z.number().optional();

/** What `nightreel bench orchestration --json` prints; older runs of it said less. */
export const orchestrationFigures = z.object({
  variants: z.int().positive(),
  eventsPerVariant: z.number(),
  maxLaneEvents: z.int(),
  maxLaneBytes: z.int(),
  variantsPerSecond: figure,
  cpuMsPerVariant: figure,
  runs: figure,
  laneRuns: figure,
  laneEvents: figure,
  laneTasks: figure,
  batchEvents: figure,
  historyBytesPerVariant: figure,
  stateTransitionsPerVariant: figure,
  serverBytesPerVariant: figure,
  objects: z.object({ pointers: z.int(), manifestPages: z.int(), outcomePages: z.int(), all: z.int() }).optional(),
});

export type OrchestrationFigures = Readonly<z.infer<typeof orchestrationFigures>>;

export interface Comparison {
  readonly figure: string;
  readonly predicted: number;
  readonly measured: number;
  /** Of the prediction, in per cent of what was measured. */
  readonly errorPercent: number;
}

/** History bytes of one child, and of an event of a lane: what their arguments and results weigh (measured at 1,000). */
export const CHILD_BYTES = 4_350;
export const LANE_EVENT_BYTES = 300;

export const historyBytesOf = ({ made, laneEvents }: Pick<Footprint, 'made' | 'laneEvents'>): number =>
  made * CHILD_BYTES + laneEvents * LANE_EVENT_BYTES;

/** The night that the bench plays: everybody has a video of their own, nothing is stored, four lanes of 25. */
export const benchNight = (variants: number): Night => ({
  ...{ variants, recipients: variants, stored: 0 },
  lanes: { count: 4, window: 25 },
});

export function compare(measured: OrchestrationFigures): Comparison[] {
  const night = benchNight(measured.variants);
  const predicted = footprintOf(night);
  const { variants } = night;
  const pairs: readonly (readonly [string, number, number | undefined])[] = [
    ['workflow runs', predicted.runs, measured.runs],
    ['runs of lanes', predicted.laneRuns, measured.laneRuns],
    ['events per variant', (predicted.events - predicted.batchEvents) / variants, measured.eventsPerVariant],
    ['events of all lanes', predicted.laneEvents, measured.laneEvents],
    ['workflow tasks of all lanes', predicted.laneTasks, measured.laneTasks],
    ['events of all lanes, by these tasks', laneEventsOf(predicted, measured.laneTasks ?? 0), measured.laneEvents],
    ['events of the longest lane run', predicted.maxLaneEvents, measured.maxLaneEvents],
    ['bytes of the longest lane run', predicted.maxLaneEvents * LANE_EVENT_BYTES, measured.maxLaneBytes],
    ['events of the batch', predicted.batchEvents, measured.batchEvents],
    ['state transitions per variant', predicted.transitions / variants, measured.stateTransitionsPerVariant],
    ['history bytes per variant', historyBytesOf(predicted) / variants, measured.historyBytesPerVariant],
    ['pointers', night.recipients, measured.objects?.pointers],
    ['manifest pages', predicted.manifestPages, measured.objects?.manifestPages],
    ['outcome pages', predicted.outcomePages, measured.objects?.outcomePages],
    ['objects', objectsOf(night, predicted, 0), measured.objects?.all],
  ];
  return pairs.flatMap(([name, expected, found]) =>
    found === undefined
      ? []
      : [
          {
            figure: name,
            predicted: rounded(expected),
            measured: found,
            errorPercent: rounded((100 * (expected - found)) / found),
          },
        ],
  );
}
