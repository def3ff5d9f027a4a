/** What pairs of nights say of the cost of telemetry. Pure. */

import { median, quantile, rounded } from '../statistics.ts';

/** Processor time per video, ms. */
export interface Cost {
  /** Of all that the worker and its processes did that night. */
  readonly cpuMs: number;
  /** Of that its Node.js process. */
  readonly nodeMs: number;
  /** Of the renders alone: browser, encoder and their share of the worker. */
  readonly renderCpuMs: number;
}

export type Pair = Readonly<Record<'off' | 'on', Cost>>;

/**
 * The share that telemetry takes of a render's processor time: by how much the Node.js process takes more when it is on, in the median of the
 * pairs. What browsers and encoders take differs from night to night by far more, and telemetry has no part in it.
 */
export function figuresOf(pairs: readonly Pair[], limitShare: number) {
  const each = (value: (pair: Pair) => number): number[] => pairs.map(value);
  const [offs, ons] = [each(({ off }) => off.cpuMs), each(({ on }) => on.cpuMs)];
  const [offNodes, onNodes] = [each(({ off }) => off.nodeMs), each(({ on }) => on.nodeMs)];
  const ratios = each(({ off, on }) => on.cpuMs / off.cpuMs);
  const renderCpuMs = median(each(({ off }) => off.renderCpuMs));
  const shares = each(({ off, on }) => (on.nodeMs - off.nodeMs) / renderCpuMs);
  const overheadShare = rounded(median(shares), 4);
  return {
    offCpuMs: rounded(median(offs), 0),
    onCpuMs: rounded(median(ons), 0),
    ratio: rounded(median(ratios), 4),
    ratioQuartiles: quartiles(ratios),
    renderCpuMs: rounded(renderCpuMs, 0),
    offNodeMs: rounded(median(offNodes), 0),
    onNodeMs: rounded(median(onNodes), 0),
    overheadShare,
    overheadQuartiles: quartiles(shares),
    limitShare,
    withinLimit: overheadShare < limitShare,
    offSpread: rounded(spreadOf(offs), 4),
    onSpread: rounded(spreadOf(ons), 4),
    offNodeSpread: rounded(spreadOf(offNodes), 4),
    onNodeSpread: rounded(spreadOf(onNodes), 4),
  };
}

const quartiles = (values: readonly number[]): number[] =>
  [0.25, 0.75].map((part) => rounded(quantile(values, part), 4));

/** Half the distance between the quartiles, as a share of the median. */
const spreadOf = (values: readonly number[]): number =>
  (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / median(values);
