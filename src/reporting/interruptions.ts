import type { Interruptions } from '../contracts/steering.ts';

/** What held a night up, a sentence each. */
export function interruptionSentences(interruptions: Interruptions | undefined): string[] {
  if (interruptions === undefined) return [];
  const { pauses, stopped } = interruptions;
  return [
    ...pauses.map(
      ({ by, reason }) => `${by === 'breaker' ? 'The breaker' : 'Somebody'} paused it: ${asSentence(reason)}`,
    ),
    ...(stopped === null ? [] : [stopped.by === 'deadline' ? 'Its deadline stopped it.' : 'Somebody stopped it.']),
  ];
}

export const asSentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
