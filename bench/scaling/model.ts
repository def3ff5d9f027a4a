/**
 * What a night leaves in Temporal and in the bucket, computed: its lanes are walked as `variantLane` walks them, with its own
 * constants. Pure. A night here goes well: what fails and is tried again comes on top. docs/scaling.md explains the formulae.
 */

import { OUTCOMES_PER_PAGE } from '../../src/contracts/batch.ts';
import { VARIANTS_PER_PAGE } from '../../src/planning/manifest.ts';
import { lookupRequests } from '../../src/planning/stored-videos.ts';
import { MIN_STEP, REPORTS } from '../../src/workflows/lane-reports.ts';
import { CHILDREN_PER_RUN } from '../../src/workflows/variant-lane.ts';

export interface Night {
  readonly recipients: number;
  /** Different videos. */
  readonly variants: number;
  /** Of those, stored before the night begins, spread evenly over its pages. */
  readonly stored: number;
  readonly lanes: { readonly count: number; readonly window: number };
}

/** One run of a lane, up to its continue-as-new or its end. */
export interface LaneRun {
  readonly children: number;
  readonly pageReads: number;
  /** Pages with videos that were stored before: an activity each. */
  readonly storedPages: number;
  readonly outcomePages: number;
  /** Signals to the batch. */
  readonly reports: number;
}

/** What one kind of workflow run adds up to. */
interface Work {
  /** What wakes it: its start, an activity or a child that moves on, a signal. */
  readonly wakes: number;
  /** Workflow tasks. */
  readonly tasks: number;
  readonly activities: number;
  readonly events: number;
}

/**
 * How many wakes of a lane one workflow task takes up: those that come while one is on its way wait for the next. Measured at
 * 1,000 variants (`measured.json`). 1 is the least, and gives the most events.
 */
export const WAKES_PER_TASK = 1.5;
/** Events of a run at which the server suggests a new one, which a lane follows (`limit.historyCount.suggestContinueAsNew`). */
export const SUGGESTED_EVENTS = 4_096;

/** `renderVariant`: its start and two activities that end, each alone. */
const CHILD: Work = { wakes: 3, tasks: 3, activities: 2, events: 2 + 3 * 3 + 3 * 2 };
/** `describeEngine`, `planBatch`, `closeBatch`. */
const BATCH_ACTIVITIES = 3;
/** Of the business date and the campaign. */
const BATCH_UPSERTS = 2;
/** Claim, plan, rejects, withdrawn, two reports, the campaign's state, the pinned template. */
const FIXED_OBJECTS = 8;

export const pagesOf = ({ variants, lanes }: Night) => {
  const perPage = Math.min(VARIANTS_PER_PAGE, Math.ceil(variants / lanes.count));
  return { perPage, pages: variants === 0 ? 0 : Math.ceil(variants / perPage) };
};

/** The runs of one lane, which has the pages lane, lane + count, …, counted from 0. */
export function* laneRuns(
  night: Night,
  lane: number,
  wakesPerTask = WAKES_PER_TASK,
): Generator<LaneRun, void, undefined> {
  const { variants, stored, lanes } = night;
  const { perPage, pages } = pagesOf(night);
  const step = Math.max(MIN_STEP, Math.ceil(variants / lanes.count / REPORTS));
  let unreported = 0;
  const storedBefore = (variant: number): number => Math.floor((variant * stored) / variants);
  for (let [page, index] = [lane, 0]; page < pages; ) {
    let [children, pageReads, storedPages, settled] = [0, 0, 0, 0];
    const run = (): LaneRun => ({
      ...{ children, pageReads, storedPages },
      outcomePages: Math.ceil(settled / OUTCOMES_PER_PAGE),
      reports: Math.floor((unreported + settled) / step) + (page < pages ? 0 : 1),
    });
    const isLong = (): boolean =>
      children >= CHILDREN_PER_RUN || workOf(run(), wakesPerTask).events >= SUGGESTED_EVENTS;
    while (page < pages && !isLong()) {
      const [first, last] = [page * perPage, Math.min((page + 1) * perPage, variants)];
      const onPage = storedBefore(last) - storedBefore(first);
      pageReads += 1;
      if (index === 0 && onPage > 0) {
        storedPages += 1;
        settled += onPage;
      }
      const started = children;
      if (onPage === 0) children += Math.min(last - first - index, CHILDREN_PER_RUN - children);
      index += children - started;
      for (; first + index < last && children < CHILDREN_PER_RUN; index += 1) {
        if (storedBefore(first + index + 1) === storedBefore(first + index)) children += 1;
      }
      settled += children - started;
      if (first + index >= last) [page, index] = [page + lanes.count, 0];
    }
    yield run();
    unreported = (unreported + settled) % step;
  }
}

/** A run starts and ends, has three events for each task, child and activity, and two for a signal to somebody else. */
export function workOf(
  { children, pageReads, storedPages, outcomePages, reports }: LaneRun,
  wakesPerTask = WAKES_PER_TASK,
): Work {
  const activities = pageReads + storedPages + outcomePages;
  const wakes = 1 + 2 * children + activities + reports;
  const tasks = Math.ceil(wakes / wakesPerTask);
  return { wakes, tasks, activities, events: 2 + 3 * (tasks + children + activities) + 2 * reports };
}

/** A lane's signals come one by one: each is a task of its own. */
function batchWork(lanes: number, reports: number): Work {
  const wakes = 1 + BATCH_ACTIVITIES + 2 * lanes + reports;
  return {
    ...{ wakes, tasks: wakes, activities: BATCH_ACTIVITIES },
    events: 2 + BATCH_UPSERTS + 3 * (wakes + BATCH_ACTIVITIES + lanes) + reports,
  };
}

/** Every write of a workflow's state: what wakes it, the start and the end of a task, the start of an activity. */
const transitionsOf = ({ wakes, tasks, activities }: Work): number => wakes + 2 * tasks + activities;

export interface Footprint {
  /** Lanes that have a page to work on. */
  readonly startedLanes: number;
  /** Of workflows: batch, lanes, variants. */
  readonly runs: number;
  readonly laneRuns: number;
  readonly laneEvents: number;
  readonly laneTasks: number;
  /** Of the longest run of a lane. */
  readonly maxLaneEvents: number;
  readonly batchEvents: number;
  /** Signals that the batch gets from its lanes. */
  readonly batchSignals: number;
  readonly events: number;
  readonly transitions: number;
  readonly tasks: number;
  readonly activities: number;
  readonly made: number;
  readonly manifestPages: number;
  readonly outcomePages: number;
}

export function footprintOf(night: Night, wakesPerTask = WAKES_PER_TASK): Footprint {
  const { pages } = pagesOf(night);
  const lanes = Math.min(night.lanes.count, pages);
  const sum = { laneRuns: 0, events: 0, tasks: 0, activities: 0, transitions: 0, outcomePages: 0, reports: 0 };
  let [made, maxLaneEvents] = [0, 0];
  for (let lane = 0; lane < lanes; lane += 1) {
    for (const run of laneRuns(night, lane, wakesPerTask)) {
      const work = workOf(run, wakesPerTask);
      sum.laneRuns += 1;
      sum.events += work.events;
      sum.tasks += work.tasks;
      sum.activities += work.activities;
      sum.transitions += transitionsOf(work);
      sum.outcomePages += run.outcomePages;
      sum.reports += run.reports;
      made += run.children;
      maxLaneEvents = Math.max(maxLaneEvents, work.events);
    }
  }
  const batch = batchWork(lanes, sum.reports);
  return {
    startedLanes: lanes,
    runs: 1 + sum.laneRuns + made,
    laneRuns: sum.laneRuns,
    laneEvents: sum.events,
    laneTasks: sum.tasks,
    maxLaneEvents,
    batchEvents: batch.events,
    batchSignals: sum.reports,
    events: batch.events + sum.events + made * CHILD.events,
    transitions: transitionsOf(batch) + sum.transitions + made * transitionsOf(CHILD),
    tasks: batch.tasks + sum.tasks + made * CHILD.tasks,
    activities: batch.activities + sum.activities + made * CHILD.activities,
    made,
    manifestPages: pages,
    outcomePages: sum.outcomePages,
  };
}

/** Events of all lanes together, were it known how many workflow tasks these took. */
export const laneEventsOf = ({ laneRuns, made, activities, batchSignals }: Footprint, tasks: number): number =>
  2 * laneRuns + 3 * (tasks + made + activities - BATCH_ACTIVITIES - CHILD.activities * made) + 2 * batchSignals;

/**
 * What Temporal Cloud counts (docs.temporal.io/cloud/actions): two for a child, one for any other start, an activity, a
 * heartbeat that reaches the server, a signal, an upsert. Renders of more than five seconds send a heartbeat, of more than
 * half a minute a second one.
 */
export const actionsOf = (
  { made, startedLanes, laneRuns, activities, batchSignals }: Footprint,
  heartbeats = 1,
): number => 1 + BATCH_UPSERTS + startedLanes + laneRuns + batchSignals + activities + (2 + heartbeats) * made;

/** Calls that workers make: a poll and an answer for each task and activity, and heartbeats. */
export const callsOf = ({ made, tasks, activities }: Footprint, heartbeats = 1): number =>
  2 * (tasks + activities) + heartbeats * made;

export interface Requests {
  readonly put: number;
  readonly list: number;
  readonly get: number;
  readonly head: number;
}

/**
 * Requests to the store, by AWS's two price classes: PUT and LIST, GET and HEAD.
 * @param readers processes that render: each reads a page once, whichever of its variants it gets.
 * @param files per video: itself and its poster. None where nothing is rendered.
 */
export function requestsOf(
  { recipients, variants, stored }: Night,
  { made, manifestPages, outcomePages }: Footprint,
  { readers, files = 2 }: { readonly readers: number; readonly files?: 0 | 2 },
): Requests {
  const pageReaders = Math.min(readers, VARIANTS_PER_PAGE);
  // In a store that holds nothing else.
  const lookup = lookupRequests({ variants, stored }, 2 * stored);
  return {
    put: manifestPages + outcomePages + recipients + files * made + FIXED_OBJECTS,
    list: 1 + Math.ceil(outcomePages / 1000) + lookup.list,
    // A pointer: the recipient's tombstone before and after, and what was there. The close reads all pages of both kinds.
    get: 3 * recipients + manifestPages * (2 + pageReaders) + outcomePages,
    head: lookup.head + (files > 0 ? made : 0),
  };
}

export const objectsOf = (
  { recipients }: Night,
  { made, manifestPages, outcomePages }: Footprint,
  files: 0 | 2 = 2,
): number => recipients + manifestPages + outcomePages + files * made + FIXED_OBJECTS;
