/** What is told of the comparison: lines for a terminal, JSON, and the table of docs/compatibility.md. Pure. */

import { Failure } from '../../src/contracts/failures.ts';
import { rounded } from '../statistics.ts';
import { type Frames, psnrOf } from './frames.ts';

interface Side {
  readonly frames: Frames;
  readonly video: { readonly frames: number; readonly seconds: number; readonly hasSound: boolean };
}

export interface Compatibility {
  readonly name: string;
  readonly what: string;
  readonly frames: number;
  readonly theirFrames: number;
  readonly seconds: number;
  readonly theirSeconds: number;
  /** Both have sound, or neither. */
  readonly sameSound: boolean;
  /** Frames of which not one sample differs. */
  readonly identical: number;
  /** Of the frame that is least near; null: all are identical. */
  readonly leastPsnr: number | null;
  readonly leastFrame: number | null;
}

const SECONDS_DIGITS = 3;

export function compatibilityOf(name: string, what: string, ours: Side, theirs: Side): Compatibility {
  const nearness = ours.frames.flatMap((frame, index) => {
    const other = theirs.frames[index];
    return other === undefined ? [] : [psnrOf(frame, other)];
  });
  const least = Math.min(...nearness);
  return {
    name,
    what,
    frames: ours.video.frames,
    theirFrames: theirs.video.frames,
    seconds: rounded(ours.video.seconds, SECONDS_DIGITS),
    theirSeconds: rounded(theirs.video.seconds, SECONDS_DIGITS),
    sameSound: ours.video.hasSound === theirs.video.hasSound,
    identical: nearness.filter((db) => db === Number.POSITIVE_INFINITY).length,
    leastPsnr: Number.isFinite(least) ? rounded(least) : null,
    leastFrame: Number.isFinite(least) ? nearness.indexOf(least) : null,
  };
}

const both = (one: number, other: number): string => (one === other ? String(one) : `${one}, theirs ${other}`);
const psnr = ({ leastPsnr }: Compatibility): string => (leastPsnr === null ? 'identical' : leastPsnr.toFixed(1));

export const rowOf = (one: Compatibility): Record<string, string | number> => ({
  composition: one.name,
  frames: both(one.frames, one.theirFrames),
  seconds: both(one.seconds, one.theirSeconds),
  sound: one.sameSound ? 'same' : 'differs',
  'identical frames': one.identical,
  'least PSNR dB': psnr(one),
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
      const cells = [one.name, one.what, both(one.frames, one.theirFrames), both(one.seconds, one.theirSeconds)];
      return `| ${[...cells, one.identical, psnr(one)].join(' | ')} |`;
    }),
  ];
  return `${document.slice(0, start)}${BEGIN}\n\n${lines.join('\n')}\n\n${document.slice(end)}`;
}
