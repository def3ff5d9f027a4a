import { expect, test } from '@jest/globals';
import { RunningBatches } from '../../src/telemetry/running-batches.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-11-26T04:00:00Z');
const BATCH = {
  ...{ campaign: 'referral', batchId: 'referral/2026-11-25/1', settled: 50, variants: 200 },
  ...{ expectedEndMs: START + 30 * MINUTE, deadlineMs: START + 60 * MINUTE },
};

test('a running batch says how far it is, when it will be done, and how much time is left then', () => {
  const running = new RunningBatches(() => START);
  running.progress(BATCH, START);
  const expectedEndS = (START + 30 * MINUTE) / 1000;
  expect(running.figures()).toEqual([
    { campaign: 'referral', progress: 0.25, unsettled: 150, expectedEndS, slackS: 1800 },
  ]);
});

test('one that stands still ends now at the earliest, so its slack shrinks', () => {
  let now = START;
  const running = new RunningBatches(() => now);
  running.progress({ ...BATCH, expectedEndMs: START + MINUTE }, START);
  now += 20 * MINUTE;
  expect(running.figures()).toMatchObject([{ expectedEndS: now / 1000, slackS: 40 * 60 }]);
});

test('without a deadline there is no slack, and before the first variant no end', () => {
  const running = new RunningBatches(() => START);
  running.progress({ ...BATCH, deadlineMs: null }, START);
  expect(running.figures()).toMatchObject([{ expectedEndS: expect.any(Number), slackS: null }]);
  running.progress({ ...BATCH, settled: 0, expectedEndMs: null }, START);
  expect(running.figures()).toMatchObject([{ progress: 0, expectedEndS: null, slackS: null }]);
});

test('of one that is over nothing is said, and the end of an earlier one does not end the next', () => {
  const running = new RunningBatches(() => START);
  running.progress(BATCH, START);
  running.progress({ ...BATCH, batchId: 'referral/2026-11-26/1', settled: 100 }, START + MINUTE);
  running.over('referral/2026-11-25/1');
  expect(running.figures()).toMatchObject([{ progress: 0.5 }]);
  running.over('referral/2026-11-26/1');
  const nothing = { progress: null, unsettled: null, expectedEndS: null, slackS: null };
  expect(running.figures()).toEqual([{ campaign: 'referral', ...nothing }]);
});

test('of two of a campaign the one that began last counts, whichever tells something last, and then the one that is left', () => {
  const running = new RunningBatches(() => START);
  const next = { ...BATCH, batchId: 'referral/2026-11-26/1', settled: 100 };
  running.progress(next, START + MINUTE);
  running.progress(BATCH, START);
  expect(running.figures()).toMatchObject([{ progress: 0.5 }]);
  running.over(next.batchId);
  expect(running.figures()).toMatchObject([{ progress: 0.25 }]);
});

test('one that told nothing for half an hour is not spoken for any more: another process has it', () => {
  let now = START;
  const running = new RunningBatches(() => now);
  running.progress(BATCH, START);
  now += 31 * MINUTE;
  expect(running.figures()).toMatchObject([{ progress: null }]);
});
