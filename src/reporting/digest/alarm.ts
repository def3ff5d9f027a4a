/** What is posted of a night before it has closed, or when it does not begin: one sentence, what follows from it, what a person can type. Pure. */

import type { BatchEvent, NightState } from '../../contracts/alarms.ts';
import { FAILURES, type FailureClass } from '../../contracts/failures.ts';
import { type BatchRef, type BusinessDate, batchIdOf, workflowIds } from '../../contracts/ids.ts';
import type { FailureCounts, NightLimits } from '../../contracts/steering.ts';
import { count, longDate, utc } from '../format.ts';
import { asSentence } from '../interruptions.ts';
import type { Digest, DigestInput } from './digest.ts';

/** The JSON that a webhook of one's own is sent. */
export interface Alarm {
  /** Raised when a field changes its meaning or goes away; new fields do not raise it. */
  readonly version: 1;
  /** The first four a running batch tells of itself; the others are of a night without a report in the morning. */
  readonly kind: BatchEvent['kind'] | Extract<NightState, 'unfinished' | 'failed' | 'missing'>;
  readonly text: string;
  readonly details: readonly string[];
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly campaign: string;
  readonly businessDate: string;
  /** Null where nothing was planned. */
  readonly batchId: string | null;
  /** Null where nobody can tell. */
  readonly progress: { readonly variants: number; readonly settled: number; readonly failed: number } | null;
  readonly failures: Digest['failures'];
  readonly commands: readonly string[];
  readonly links: { readonly ui: string | null };
}

export interface Links extends Pick<DigestInput, 'uiLink'> {
  /** One workflow in the Temporal Web UI. */
  readonly workflowLink: (workflowId: string) => string | null;
}

/** What a running batch tells of itself. */
export function eventAlarm(batch: BatchRef, event: BatchEvent, workflowId: string, links: Links): Alarm {
  const { campaign, businessDate } = batch;
  const { variants, tally } = event;
  const settled = tally.cached + tally.rendered + tally.failed;
  return {
    version: 1,
    kind: event.kind,
    text: eventText(batch, event),
    details: [...consequences(event), progressText({ variants, settled, failed: tally.failed })],
    at: event.at,
    ...{ campaign, businessDate, batchId: batchIdOf(batch) },
    progress: { variants, settled, failed: tally.failed },
    failures: classesOf(batch, event.failures, links),
    commands: eventCommands(batch, event, workflowId),
    links: { ui: links.workflowLink(workflowId) },
  };
}

function eventText(batch: BatchRef, { kind, paused, outlook, deadline }: BatchEvent): string {
  const id = batchIdOf(batch);
  const due = deadline === null ? '' : utc(deadline.at);
  const why = paused === null ? '' : asSentence(paused.reason);
  switch (kind) {
    case 'paused':
      return paused?.by === 'breaker' ? `${id} paused: ${why}` : `${id} paused by a person: ${why}`;
    case 'resumed':
      return `${id} goes on after a pause${paused?.by === 'breaker' ? ' by the breaker, which counts anew' : ''}.`;
    case 'atRisk':
      return `${id} is at risk: ${outlook.expectedEnd === null ? 'it will not end' : `at its pace it ends ${utc(outlook.expectedEnd)}`}, and is due ${due}.`;
    case 'late':
      return `${id} is late: it was due ${due}.`;
  }
}

function consequences({ kind, at, paused, outlook, deadline }: BatchEvent): string[] {
  switch (kind) {
    case 'paused':
      return [`Nothing more is started. It waits for resumeBatch${stopsAt(at, paused?.by === 'breaker', deadline)}.`];
    case 'resumed':
      return [];
    case 'atRisk':
      return [deadline?.whenLate === 'stop' ? 'When due it stops.' : 'When due it goes on.'];
    case 'late':
      if (paused !== null) return [`It is paused: ${asSentence(paused.reason)}`];
      return [
        outlook.expectedEnd === null ? 'It goes on.' : `It goes on, at its pace until ${utc(outlook.expectedEnd)}.`,
      ];
  }
}

/** A batch that the breaker holds stops when it is due, whatever its campaign says. */
function stopsAt(at: string, byBreaker: boolean, deadline: NightLimits['deadline']): string {
  if (deadline === null || !(byBreaker || deadline.whenLate === 'stop')) return '';
  if (Date.parse(deadline.at) <= Date.parse(at)) return '';
  return `, or stops at ${utc(deadline.at)}`;
}

export const progressText = ({ variants, settled, failed }: NonNullable<Alarm['progress']>): string =>
  `${count(settled)} of ${count(variants)} variants are settled, ${failed === 0 ? 'none' : count(failed)} failed.`;

function eventCommands(
  { campaign, businessDate }: BatchRef,
  { kind, paused }: BatchEvent,
  workflowId: string,
): string[] {
  const steer = (verb: string): string => `nightreel ${verb} ${campaign} --date ${businessDate}`;
  const update = (name: string): string =>
    `temporal workflow update execute --workflow-id ${workflowId} --name ${name}`;
  if (kind === 'resumed') return [];
  if (kind === 'paused' || paused !== null) return [steer('resume'), steer('stop'), update('resumeBatch')];
  return ['nightreel status', steer('stop'), update('cancelRemaining')];
}

/** Most frequent first. */
function classesOf({ campaign, businessDate }: BatchRef, counts: FailureCounts, { uiLink }: Links): Alarm['failures'] {
  const query = `CampaignId = '${campaign}' AND BatchDate = '${businessDate}'`;
  return (Object.entries(counts) as [FailureClass, number][])
    .toSorted(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .map(([failureClass, number]) => ({
      failureClass,
      actor: FAILURES[failureClass].actor,
      sentence: FAILURES[failureClass].sentence,
      count: number,
      ui: uiLink(`${query} AND FailureClass = '${failureClass}'`),
    }));
}

/** `open`: what there is to tell; null: nothing. `batch`: the one that runs, where it says which it is. */
export interface LookedFor {
  readonly businessDate: BusinessDate;
  readonly state: NightState;
  readonly open: OpenNight | null;
  readonly batch: BatchRef | null;
}

/** A night that has no report in the morning. */
export interface OpenNight {
  readonly campaign: string;
  readonly businessDate: BusinessDate;
  /** When it was due, ISO 8601 UTC. */
  readonly dueAt: string;
  readonly state: Extract<NightState, 'unfinished' | 'failed' | 'missing'>;
  /** What ran or runs, the newest first, each with Temporal's status. */
  readonly runs: readonly { readonly workflowId: string; readonly status: string }[];
  /** Of one that runs, as far as it answers. */
  readonly running: {
    readonly batchId: string | null;
    readonly phase: string;
    /** Why it stands still, or that it is at risk. */
    readonly notice: string | null;
    readonly progress: Alarm['progress'];
  } | null;
}

export function nightAlarm(night: OpenNight, at: string, links: Links): Alarm {
  const { campaign, businessDate, state, runs, running } = night;
  const workflowId = runs[0]?.workflowId ?? null;
  return {
    version: 1,
    kind: state,
    text: nightText(night),
    details: nightDetails(night),
    at,
    ...{ campaign, businessDate, batchId: running?.batchId ?? null },
    progress: running?.progress ?? null,
    failures: [],
    commands: nightCommands(night, workflowId),
    links: {
      ui:
        workflowId === null
          ? links.uiLink(`WorkflowType = 'nightlyBatch' AND CampaignId = '${campaign}'`)
          : links.workflowLink(workflowId),
    },
  };
}

function nightText({ campaign, businessDate, state, running }: OpenNight): string {
  const night = `${campaign}: the night of ${longDate(businessDate)}`;
  switch (state) {
    case 'missing':
      return `${night} did not run.`;
    case 'failed':
      return `${night} ended without a report.`;
    case 'unfinished':
      return `${night} is not done: ${asSentence(running?.notice ?? running?.phase ?? 'it runs, and does not answer')}`;
  }
}

function nightDetails({ dueAt, state, runs, running }: OpenNight): string[] {
  const [run] = runs;
  const ended =
    run === undefined ? 'It was planned, and no workflow of it is left.' : `${run.workflowId}: ${run.status}.`;
  if (state === 'missing') return [`It was due ${utc(dueAt)}, and nobody started it.`];
  if (state === 'failed') return [ended];
  return [...(running === null || running.progress === null ? [] : [progressText(running.progress)]), ended];
}

function nightCommands({ campaign, businessDate, state, running }: OpenNight, workflowId: string | null): string[] {
  const run = `nightreel run ${campaign} --date ${businessDate}`;
  if (state === 'missing') return [run, `temporal schedule describe --schedule-id ${workflowIds.schedule(campaign)}`];
  const look = workflowId === null ? [] : [`temporal workflow describe --workflow-id ${workflowId}`];
  if (state === 'failed') return [run, ...look];
  return [...(running === null ? ['nightreel status'] : [run]), ...look];
}
