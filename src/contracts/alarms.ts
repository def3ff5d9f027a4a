/** What is told of a night while it is not over, or has not begun. Counts and reasons; nobody's data. Workflow code imports this file. */

import type { LaneTally } from './batch.ts';
import type { BatchRef, BusinessDate, CampaignId } from './ids.ts';
import type { FailureCounts, NightLimits, Outlook, Pause } from './steering.ts';

/** What a running batch tells of itself; each is posted once. */
export interface BatchEvent {
  readonly kind: 'paused' | 'resumed' | 'atRisk' | 'late';
  /** Of all events of this run, from 1: two pauses are two events. */
  readonly number: number;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** Of a resumed one: what it had been paused by. */
  readonly paused: Pause | null;
  readonly variants: number;
  readonly tally: LaneTally;
  readonly failures: FailureCounts;
  readonly outlook: Outlook;
  readonly deadline: NightLimits['deadline'];
}

/** Argument of `announceEvent`. */
export interface AnnounceEventInput {
  readonly batch: BatchRef;
  readonly event: BatchEvent;
}

/** Argument of the `watchNight` workflow: when the campaign's nights begin, as its schedule has it. */
export interface WatchNightInput {
  readonly campaign: CampaignId;
  /** `Mon` … `Sun`. */
  readonly days: readonly string[];
  /** `HH:MM`. */
  readonly at: string;
  readonly timeZone: string;
}

/** Argument of `lookForNight`: the last night that began before `asOf`, ISO 8601 UTC. */
export interface LookForNightInput extends WatchNightInput {
  readonly asOf: string;
}

/**
 * `closed`: there is a report. `unfinished`: its batch runs. `failed`: its batch ended without a report. `missing`: nobody started one.
 * `notExpected`: the campaign's schedule is paused or gone.
 */
export type NightState = 'closed' | 'unfinished' | 'failed' | 'missing' | 'notExpected';

/** Result of `watchNight`. */
export interface WatchedNight {
  readonly businessDate: BusinessDate;
  readonly state: NightState;
}
