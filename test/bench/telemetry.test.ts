import { expect, test } from '@jest/globals';
import { type Cost, figuresOf } from '../../bench/telemetry/figures.ts';

const cost = (nodeMs: number, cpuMs = 14_000): Cost => ({ cpuMs, nodeMs, renderCpuMs: 13_000 });
const pairsOf = (extraMs: number) => [
  { off: cost(4_000), on: cost(4_000 + extraMs) },
  { off: cost(4_100), on: cost(4_110 + extraMs) },
  { off: cost(3_900), on: cost(3_890 + extraMs) },
];

test('telemetry is judged by what the Node.js process takes more, of what a render takes', () => {
  expect(figuresOf(pairsOf(130), 0.02)).toMatchObject({ overheadShare: 0.01, withinLimit: true });
  expect(figuresOf(pairsOf(260), 0.02)).toMatchObject({ overheadShare: 0.02, withinLimit: false });
  expect(figuresOf([{ off: cost(4_000), on: cost(4_300) }], 0.02)).toMatchObject({ withinLimit: false });
});

test('browsers and encoders that took more that night are no cost of telemetry', () => {
  const figures = figuresOf([{ off: cost(4_000, 14_000), on: cost(4_013, 15_400) }], 0.02);
  expect(figures).toMatchObject({ ratio: 1.1, overheadShare: 0.001, withinLimit: true });
});
