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
  /** Of the video that HyperFrames makes of it. */
  readonly theirSeconds: number;
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

/** What HyperFrames makes of a composition. */
export interface Theirs {
  readonly frames: Frames;
  readonly seconds: number;
}

/** HyperFrames has nothing for SMIL: its frames are other ones, as docs/compatibility.md says. */
const OTHERWISE: ReadonlySet<string> = new Set(['smil']);
const LEAST_DB = 40;

/** What is not as it must be: as many frames, the same length, and every frame at 40 dB or more. Null: all is. */
export function missedBy(compared: readonly Compatibility[]): string | null {
  const wrong = compared.flatMap(({ name, frames, theirFrames, seconds, theirSeconds, leastPsnr }) => [
    ...(frames === theirFrames ? [] : [`${name} has ${frames} frames, theirs ${theirFrames}`]),
    ...(seconds === theirSeconds ? [] : [`${name} lasts ${seconds} s, theirs ${theirSeconds} s`]),
    ...(OTHERWISE.has(name) || leastPsnr === null || leastPsnr >= LEAST_DB ? [] : [`${name} is at ${leastPsnr} dB`]),
  ]);
  return wrong.length === 0 ? null : `Not as it must be: ${wrong.join('; ')}.`;
}

export function compatibilityOf(
  { name, what, fps }: Composition,
  ours: Frames,
  { frames: theirs, seconds: theirSeconds }: Theirs,
): Compatibility {
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
    theirSeconds: rounded(theirSeconds, SECONDS_DIGITS),
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
  seconds: both(one.seconds, one.theirSeconds),
  'identical frames': one.identical,
  'least PSNR dB': psnrText(one),
  'at frame': one.leastFrame ?? '',
});

const BEGIN = '<!-- bench compat: begins -->';
const END = '<!-- bench compat: ends -->';

/** Of their CLI, and of the runtime that this engine has of them. */
export interface Versions {
  readonly hyperframes: string;
  readonly runtime: string;
}

/** The document with its table made anew. */
export function withTable(
  document: string,
  { hyperframes, runtime }: Versions,
  compared: readonly Compatibility[],
): string {
  const [start, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (start < 0 || end < start) throw new Failure('Internal', 'docs/compatibility.md has lost the marks of its table.');
  const lines = [
    `hyperframes ${hyperframes} against this engine, whose runtime is @hyperframes/core ${runtime}; every frame:`,
    '',
    '| composition | moved by | frames | seconds | identical frames | least PSNR, dB |',
    '| --- | --- | --- | --- | --- | --- |',
    ...compared.map((one) => {
      const cells = [one.name, one.what, both(one.frames, one.theirFrames), both(one.seconds, one.theirSeconds)];
      return `| ${[...cells, one.identical, psnrText(one)].join(' | ')} |`;
    }),
  ];
  return `${document.slice(0, start)}${BEGIN}\n\n${lines.join('\n')}\n\n${document.slice(end)}`;
}
