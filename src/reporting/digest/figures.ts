/** The three numbers in words, the same wherever a digest is shown. */

import { count, percent, seconds } from '../format.ts';
import type { Digest, Figure } from './digest.ts';

const NAMES = { variants: 'Variants', renderMsP95: 'Render time, p95', failureRate: 'Failure rate' } as const;
const FORMATS = { variants: count, renderMsP95: seconds, failureRate: percent } as const;
export const ARROWS = { up: '↑', down: '↓', same: '→' } as const;

/** `4.2 s ↑ usually 3.1 s`; without a night to compare with `4.2 s`. */
export function figureText({ name, value, usual, trend }: Figure): { readonly label: string; readonly text: string } {
  const format = FORMATS[name];
  const own = value === null ? '–' : format(value);
  const beside = usual === null ? '' : ` ${trend === null ? '' : `${ARROWS[trend]} `}usually ${format(usual)}`;
  return { label: NAMES[name], text: `${own}${beside}` };
}

/** What `usually` means. */
export const usualText = ({ nights }: Pick<Digest, 'nights'>): string =>
  nights === 0
    ? 'There is no earlier night to compare with.'
    : nights === 1
      ? 'Usually: as in the night before.'
      : `Usually: the median of the ${nights} nights before.`;
