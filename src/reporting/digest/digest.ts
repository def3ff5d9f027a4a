/**
 * A closed batch for whoever reads it in the morning: one sentence, three numbers beside the usual ones, failures by class. Pure.
 * Holds counts, nobody's data.
 */

import { FAILURES, type FailureActor, type FailureClass } from '../../contracts/failures.ts';
import { count, durationInWords } from '../format.ts';
import { incidentSentences } from '../interruptions.ts';
import { type BatchReport, isPartial } from '../report-json.ts';

/** Nights that the usual is the median of. */
export const MAX_EARLIER_NIGHTS = 10;
/** What is no more than this share away from the usual is as usual. */
const AS_USUAL = 0.1;

export interface Figure {
  readonly name: 'variants' | 'renderMsP95' | 'failureRate';
  /** Null when nothing was rendered. */
  readonly value: number | null;
  /** Median of the nights before; null when there are none to compare with. */
  readonly usual: number | null;
  readonly trend: 'up' | 'down' | 'same' | null;
}

/** What is posted; the JSON that a webhook of one's own is sent. */
export interface Digest {
  /** Raised when a field changes its meaning or goes away; new fields do not raise it. */
  readonly version: 1;
  /** `stopped`: a part of the night was never started, also where its manifest is damaged. `repaired`: a backfill closed it again. */
  readonly kind: 'finished' | 'empty' | 'stopped' | 'repaired';
  /** The headline. */
  readonly text: string;
  readonly attempt: number;
  readonly closedAt: string;
  readonly summary: BatchReport['summary'];
  readonly notStarted: number;
  readonly figures: readonly Figure[];
  /** Nights that `usual` is of. */
  readonly nights: number;
  /** What came between, a sentence each: a damaged manifest, who or what paused it and why, what stopped it. */
  readonly notes: readonly string[];
  /** Most frequent first. */
  readonly failures: readonly {
    readonly failureClass: FailureClass;
    readonly actor: FailureActor;
    readonly sentence: string;
    readonly count: number;
    /** Its variants in the Temporal Web UI. */
    readonly ui: string | null;
  }[];
  readonly links: { readonly report: string; readonly ui: string | null };
}

export interface DigestInput {
  readonly report: BatchReport;
  /** Of the campaign's nights before, newest first; those that do not compare are left out here. */
  readonly earlier: readonly BatchReport[];
  readonly reportUrl: string;
  /** The workflows that a list filter finds, in the Temporal Web UI. */
  readonly uiLink: (query: string) => string | null;
}

export function digestOf({ report, earlier, reportUrl, uiLink }: DigestInput): Digest {
  const { summary, plan, closedAt, notStarted, failures } = report;
  const nights = comparedNights(report, earlier);
  const query = `CampaignId = '${summary.campaign}' AND BatchDate = '${summary.businessDate}'`;
  return {
    version: 1,
    kind: kindOf(report),
    text: headline(report),
    attempt: plan.attempt,
    closedAt,
    summary,
    notStarted,
    figures: figuresOf(report, nights),
    nights: nights.length,
    notes: incidentSentences(report),
    failures: failures.map(({ failureClass, actor, count: number }) => ({
      failureClass,
      actor,
      sentence: FAILURES[failureClass].sentence,
      count: number,
      ui: uiLink(`${query} AND FailureClass = '${failureClass}'`),
    })),
    links: { report: reportUrl, ui: uiLink(query) },
  };
}

/** How a batch came to its people. */
interface Sourced {
  readonly plan: Pick<BatchReport['plan'], 'csv' | 'recipientLimit'>;
}

/** Those that a night is compared with. A list given by hand, or the first so many, is no night like the others. */
export const comparedNights = (report: Sourced, earlier: readonly BatchReport[]): BatchReport[] =>
  isFromSource(report) ? earlier.filter(isWholeNight).slice(0, MAX_EARLIER_NIGHTS) : [];

/** The three numbers beside their medians over these nights. */
export const figuresOf = (
  { summary }: Pick<BatchReport, 'summary'>,
  nights: readonly Pick<BatchReport, 'summary'>[],
): Figure[] =>
  (['variants', 'renderMsP95', 'failureRate'] as const).map((name) => {
    const value = summary[name];
    const middle = median(nights.map((night) => night.summary[name]));
    const usual = middle === null || name === 'failureRate' ? middle : Math.round(middle);
    return { name, value, usual, trend: trendOf(value, usual) };
  });

const isFromSource = ({ plan }: Sourced): boolean => !plan.csv && plan.recipientLimit === null;

/** Whether the others are compared with it: all of what the campaign's own source had, to its end. */
export const isWholeNight = (report: BatchReport): boolean => isFromSource(report) && !isPartial(report);

function kindOf(report: BatchReport): Digest['kind'] {
  const { summary, failedBefore } = report;
  if (summary.variants === 0) return 'empty';
  if (failedBefore !== null) return 'repaired';
  return isPartial(report) ? 'stopped' : 'finished';
}

function headline(report: BatchReport): string {
  const { summary, notStarted, failedBefore } = report;
  const { variants, rendered, cached, failed, rejected, wallSeconds } = summary;
  switch (kindOf(report)) {
    case 'empty':
      return rejected === 0
        ? 'Nothing to render: nobody’s numbers changed'
        : `Nothing to render, ${counted(rejected, 'row')} rejected`;
    case 'repaired':
      return `Repaired: of ${counted(failedBefore ?? 0, 'variant')} that had failed, ${failed === 0 ? 'none is' : `${count(failed)} are`} still missing`;
    case 'stopped':
      return `${report.damaged ? 'Manifest damaged' : 'Stopped'}${after(wallSeconds, ' after ')}: ${count(rendered)} of ${counted(variants, 'variant')} rendered, ${count(failed - notStarted)} failed, ${count(notStarted)} never started`;
    case 'finished': {
      if (rendered === 0 && failed === 0) return `Nothing to render: ${counted(cached, 'variant')} stored before`;
      const stored = cached === 0 ? '' : `, ${count(cached)} stored before`;
      return `${counted(rendered, 'variant')} rendered${after(wallSeconds, ' in ')}${stored}, ${failed === 0 ? 'none' : count(failed)} failed`;
    }
  }
}

const counted = (value: number, unit: string): string => `${count(value)} ${unit}${value === 1 ? '' : 's'}`;

/** A batch whose workflow was terminated is closed by a backfill, and nobody knows how long it took. */
const after = (wallSeconds: number, word: string): string =>
  wallSeconds === 0 ? '' : `${word}${durationInWords(wallSeconds)}`;

function median(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const [lower, upper] = [known[Math.ceil(known.length / 2) - 1], known[Math.floor(known.length / 2)]];
  return lower === undefined || upper === undefined ? null : (lower + upper) / 2;
}

function trendOf(value: number | null, usual: number | null): Figure['trend'] {
  if (value === null || usual === null) return null;
  if (Math.abs(value - usual) <= usual * AS_USUAL) return 'same';
  return value > usual ? 'up' : 'down';
}
