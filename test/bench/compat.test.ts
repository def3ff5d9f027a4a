import { expect, test } from '@jest/globals';
import { type Compatibility, missedBy } from '../../bench/compat/table.ts';

const equal: Compatibility = {
  ...{ name: 'gsap', what: 'a timeline', frames: 45, theirFrames: 45, seconds: 1.5, theirSeconds: 1.5 },
  ...{ identical: 5, leastPsnr: 40, leastFrame: 14 },
};

test('the comparison with HyperFrames is missed by another number of frames, another length, or less than 40 dB', () => {
  const smil = { ...equal, name: 'smil', leastPsnr: 17 };
  expect(missedBy([equal, { ...equal, leastPsnr: null, identical: 45 }, smil])).toBeNull();
  expect(missedBy([{ ...equal, leastPsnr: 39.9 }])).toMatch(/gsap is at 39.9 dB/);
  expect(missedBy([{ ...equal, theirFrames: 44 }])).toMatch(/45 frames, theirs 44/);
  expect(missedBy([equal, { ...smil, theirSeconds: 1.467 }])).toMatch(/smil lasts 1.5 s, theirs 1.467 s/);
});
