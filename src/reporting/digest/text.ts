import { count, longDate, WHO_ACTS } from '../format.ts';
import type { Digest } from './digest.ts';
import { figureText, usualText } from './figures.ts';

/** A digest for a terminal. Pure. */
export function digestText(digest: Digest): string {
  const { summary, text, notes, failures, links } = digest;
  const lines = [
    text,
    `${summary.batchId} · ${longDate(summary.businessDate)}`,
    '',
    ...digest.figures.map(figureText).map((figure) => `  ${figure.label.padEnd(18)} ${figure.text}`),
    `  ${usualText(digest)}`,
    ...notes.map((note) => `  ${note}`),
    '',
    ...failures.flatMap(({ failureClass, actor, sentence, count: number, ui }) => [
      `  ${count(number)} × ${failureClass} · ${WHO_ACTS[actor]}`,
      `    ${sentence}`,
      ...(ui === null ? [] : [`    ${ui}`]),
    ]),
    ...(failures.length === 0 ? [] : ['']),
    `  report    ${links.report}`,
    ...(links.ui === null ? [] : [`  temporal  ${links.ui}`]),
  ];
  return `${lines.join('\n')}\n`;
}
