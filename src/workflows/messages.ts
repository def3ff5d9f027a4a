/** Queries, signals and updates: what can be asked of and told to a running workflow. */

import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { BatchProgress, LaneTally, SceneTally } from '../contracts/batch.ts';
import {
  type LaneReport,
  type PauseRequest,
  type Steering,
  type StopRequest,
  UPDATES,
  type WindowRequest,
} from '../contracts/steering.ts';

export const batchProgressQuery = defineQuery<BatchProgress>('progress');
export const laneTallyQuery = defineQuery<LaneTally>('tally');
export const sceneTallyQuery = defineQuery<SceneTally>('scenes');

/** Batch to lane: what holds from now on. */
export const steerSignal = defineSignal<[Steering]>('steer');
/** Lane to batch. */
export const laneReportSignal = defineSignal<[LaneReport]>('laneReport');

/** Each answers with what holds now. */
export const pauseUpdate = defineUpdate<Steering, [PauseRequest?]>(UPDATES.pause);
export const resumeUpdate = defineUpdate<Steering>(UPDATES.resume);
export const setWindowUpdate = defineUpdate<Steering, [WindowRequest]>(UPDATES.setWindow);
export const cancelRemainingUpdate = defineUpdate<Steering, [StopRequest?]>(UPDATES.cancelRemaining);
