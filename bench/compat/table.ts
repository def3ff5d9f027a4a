/** What is told of the comparison: lines for a terminal, JSON, and the table of docs/compatibility.md. Pure. */

import { Failure } from '../../src/contracts/failures.ts';
import { rounded } from '../statistics.ts';
import { type Frames, psnrOf } from './frames.ts';

export interface Compatibility {
  readonly name: string;
  readonly what: string;
  readonly frames: number;
  readonly theirFrames: number;
  readonly seconds: number;
  /** Frames of which not one sample differs. */
  readonly identical: number;
  /** Of the frame that is least near; null: all are identical. */
  readonly leastPsnr: number | null;
  readonly leastFrame: number | null;
}

interface Composition {
  readonly name: string;
  readonly what: string;
  readonly fps: number;
}

export function compatibilityOf({ name, what, fps }: Composition, ours: Frames, theirs: Frames): Compatibility {
  const nearness = ours.flatMap((frame, index) => {
    const other = theirs[index];
    return other === undefined ? [] : [psnrOf(frame, other)];
  });
  const least = Math.min(...nearness);
  return {
    name,
    what,
    frames: ours.length,
    theirFrames: theirs.length,
    seconds: rounded(ours.length / fps, SECONDS_DIGITS),
    identical: nearness.filter((db) => db === Number.POSITIVE_INFINITY).length,
    leastPsnr: Number.isFinite(least) ? rounded(least) : null,
    leastFrame: Number.isFinite(least) ? nearness.indexOf(least) : null,
  };
}

const SECONDS_DIGITS = 3;
const both = (one: number, other: number): string => (one === other ? String(one) : `${one}, theirs ${other}`);
export const psnrText = ({ leastPsnr }: Compatibility): string => leastPsnr?.toFixed(1) ?? 'identical';

export const rowOf = (one: Compatibility): Record<string, string | number> => ({
  composition: one.name,
  frames: both(one.frames, one.theirFrames),
  seconds: one.seconds,
  'identical frames': one.identical,
  'least PSNR dB': psnrText(one),
  'at frame': one.leastFrame ?? '',
});

const BEGIN = '<!-- bench compat: begins -->';
const END = '<!-- bench compat: ends -->';

/** The document with its table made anew. */
export function withTable(document: string, version: string, compared: readonly Compatibility[]): string {
  const [start, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (start < 0 || end < start) throw new Failure('Internal', 'docs/compatibility.md has lost the marks of its table.');
  const lines = [
    `Against hyperframes ${version}, every frame:`,
    '',
    '| composition | moved by | frames | seconds | identical frames | least PSNR, dB |',
    '| --- | --- | --- | --- | --- | --- |',
    ...compared.map((one) => {
      const cells = [one.name, one.what, both(one.frames, one.theirFrames), one.seconds];
      return `| ${[...cells, one.identical, psnrText(one)].join(' | ')} |`;
    }),
  ];
  return `${document.slice(0, start)}${BEGIN}\n\n${lines.join('\n')}\n\n${document.slice(end)}`;
}
