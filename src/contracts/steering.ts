/**
 * How a running batch is steered: what people, the circuit breaker and the deadline tell it, and what its lanes tell back.
 * Pure data, no I/O: workflow code imports this file.
 */

import type { LaneTally } from './batch.ts';
import type { FailureClass } from './failures.ts';

export interface Pause {
  readonly by: 'person' | 'breaker';
  readonly reason: string;
}

/** What becomes of the variants that are being made when nothing more is started: they are finished, or cancelled. */
export const RUNNING_CHOICES = ['finish', 'abort'] as const;
export type RunningChoice = (typeof RUNNING_CHOICES)[number];

/** `cancellation`: the workflow was cancelled, which everything under way is with it. */
export const STOPPERS = ['person', 'deadline', 'cancellation'] as const;

export interface Stop {
  readonly by: (typeof STOPPERS)[number];
  readonly running: RunningChoice;
}

/** What holds for all lanes of a batch. They get the whole of it by signal, whenever it changes. */
export interface Steering {
  readonly paused: Pause | null;
  /** Variants in flight per lane; null: as many as the campaign says. */
  readonly window: number | null;
  readonly stopped: Stop | null;
}

/** What held a night up, for its report. */
export interface Interruptions {
  /** The last few, in order. */
  readonly pauses: readonly Pause[];
  readonly stopped: Stop | null;
}

export const UNSTEERED: Steering = { paused: null, window: null, stopped: null };

export const MAX_WINDOW = 500;

/** Names of the updates of `nightlyBatch`, as `temporal workflow update execute --name` takes them. */
export const UPDATES = {
  pause: 'pauseBatch',
  resume: 'resumeBatch',
  setWindow: 'setWindow',
  cancelRemaining: 'cancelRemaining',
} as const;

export interface PauseRequest {
  readonly reason?: string;
}

export interface WindowRequest {
  /** 1 to `MAX_WINDOW`. */
  readonly window: number;
}

export interface StopRequest {
  /** Default: finish. */
  readonly running?: RunningChoice;
}

export type FailureCounts = Readonly<Partial<Record<FailureClass, number>>>;

/** What a lane tells its batch now and then, by signal. */
export interface LaneReport {
  readonly lane: number;
  readonly tally: LaneTally;
  readonly failures: FailureCounts;
}

/** What a campaign allows a night of its own. */
export interface NightLimits {
  /** The batch pauses when of at least so many variants more than this share (0 to 1) failed with one class. Null: never. */
  readonly breaker: { readonly share: number; readonly atLeast: number } | null;
  /** ISO 8601 UTC; `whenLate`: what happens then. Null: the night may last as long as it does. */
  readonly deadline: { readonly at: string; readonly whenLate: WhenLate } | null;
}

export const WHEN_LATE = ['finish', 'stop'] as const;
export type WhenLate = (typeof WHEN_LATE)[number];

/** When it will be done at its pace so far. */
export interface Outlook {
  /** Variants per second; null while nothing can be said. */
  readonly perSecond: number | null;
  /** ISO 8601 UTC. */
  readonly expectedEnd: string | null;
  readonly deadline: string | null;
  /** The expected end, or the present, is after the deadline. */
  readonly atRisk: boolean;
}
