import type { Interruptions } from '../contracts/steering.ts';
import { count } from './format.ts';
import { repairOf } from './repair.ts';
import type { BatchReport } from './report-json.ts';

const STOPPED = {
  person: 'Somebody stopped it.',
  deadline: 'Its deadline stopped it.',
  cancellation: 'Its workflow was cancelled.',
} as const;

type Night = Pick<BatchReport, 'interruptions' | 'damaged' | 'summary' | 'plan'>;

/** What came between a night and its end, a sentence each: a damaged manifest, and what held it up. */
export const incidentSentences = (night: Night): string[] => [
  ...damageSentences(night),
  ...interruptionSentences(night.interruptions),
];

function damageSentences({ damaged, summary, plan }: Night): string[] {
  if (damaged === undefined) return [];
  const { pages, variants, why } = damaged;
  const more = pages > why.length ? [`So it is with ${count(pages - why.length)} more pages.`] : [];
  const { csv, recipientLimit, attempt } = plan;
  const { command } = repairOf('ManifestDamaged', { batch: { ...summary, attempt }, csv, recipientLimit });
  return [
    ...why.map(asSentence),
    ...more,
    `It cannot be told for whom ${count(variants)} of its variants are. The watermark has not moved, so nobody is lost: plan the night anew with ${command}.`,
  ];
}

function interruptionSentences(interruptions: Interruptions | undefined): string[] {
  if (interruptions === undefined) return [];
  const { pauses, stopped } = interruptions;
  return [
    ...pauses.map(
      ({ by, reason }) => `${by === 'breaker' ? 'The breaker' : 'Somebody'} paused it: ${asSentence(reason)}`,
    ),
    ...(stopped === null ? [] : [STOPPED[stopped.by]]),
  ];
}

export const asSentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
