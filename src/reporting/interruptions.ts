import type { Interruptions } from '../contracts/steering.ts';

const STOPPED = {
  person: 'Somebody stopped it.',
  deadline: 'Its deadline stopped it.',
  cancellation: 'Its workflow was cancelled.',
} as const;

/** What held a night up, a sentence each. */
export function interruptionSentences(interruptions: Interruptions | undefined): string[] {
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
