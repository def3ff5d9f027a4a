/** What the Temporal Web UI shows of a running batch, in Markdown. Pure. */

import type { BatchPlan, BatchProgress, LaneTally } from '../contracts/batch.ts';
import { batchIdOf, objectKeys } from '../contracts/ids.ts';
import type { FailureCounts, Outlook, Steering } from '../contracts/steering.ts';

export interface DetailsInput {
  readonly phase: BatchProgress['phase'];
  readonly plan: BatchPlan;
  readonly tally: LaneTally;
  readonly failures: FailureCounts;
  readonly outlook: Outlook;
  readonly steering: Steering;
}

export function detailsOf({ phase, plan, tally, failures, outlook, steering }: DetailsInput): string {
  const { recipients, variants, sharedScenes } = plan.counts;
  const settled = tally.cached + tally.rendered + tally.failed;
  const what = { scenes: `rendering ${sharedScenes} shared scenes`, closing: 'writing the report' };
  const lines = [
    `**${batchIdOf(plan.batch)}**: ${settled} of ${variants} variants settled, for ${recipients} recipients`,
    ...(phase === 'scenes' || phase === 'closing' ? [`- ${what[phase]}`] : []),
    `- ${tally.rendered} rendered, ${tally.cached} already stored, ${tally.failed} failed${byClass(failures)}, ${tally.pointers} pointers`,
    ...paceLines(outlook),
    ...(steering.window === null ? [] : [`- window: ${steering.window} per lane`]),
    ...(steering.paused === null ? [] : [`- **paused** by the ${steering.paused.by}: ${steering.paused.reason}`]),
    ...(steering.stopped === null ? [] : [stopLine(steering.stopped)]),
    `- report: \`${objectKeys.reportHtml(plan.batch)}\` in the bucket, once it has closed`,
  ];
  return lines.join('\n');
}

/** ` (FontMissing 3, BrowserCrashed 1)`, or nothing. */
export function byClass(failures: FailureCounts): string {
  const counts = Object.entries(failures)
    .toSorted(([, a], [, b]) => b - a)
    .map(([failureClass, count]) => `${failureClass} ${count}`);
  return counts.length === 0 ? '' : ` (${counts.join(', ')})`;
}

const stopLine = ({ by, running }: NonNullable<Steering['stopped']>): string =>
  `- **stopped** by the ${by}: nothing more is started, what runs is ${running === 'finish' ? 'finished' : 'cancelled'}`;

function paceLines({ perSecond, expectedEnd, deadline, atRisk }: Outlook): string[] {
  const pace = perSecond === null ? [] : [`${perSecond.toFixed(perSecond < 10 ? 2 : 0)} variants/s`];
  const end = expectedEnd === null ? [] : [`expected end ${minute(expectedEnd)}`];
  const due = deadline === null ? [] : [`${atRisk ? '**at risk**: ' : ''}due ${minute(deadline)}`];
  const parts = [...pace, ...end, ...due];
  return parts.length === 0 ? [] : [`- ${parts.join(', ')}`];
}

/** `2026-11-24 11:00 UTC`. */
const minute = (instant: string): string => `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
