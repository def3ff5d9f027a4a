/** Today's workflow code goes on with what yesterday's began: histories that were recorded once replay. */

import { execFile } from 'node:child_process';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Recording, readRecordings, textOf } from '../support/histories.ts';
import { lastJson } from '../support/nightreel.ts';

const MINUTE = 60_000;

interface Result {
  readonly replayed: readonly { readonly workflowId: string; readonly error: string | null }[];
  readonly replayedTraced: Result['replayed'];
  readonly noticed: Readonly<Record<string, string | null>>;
  readonly told: readonly { readonly campaign: string; readonly progress: number | null }[];
}

let recordings: Recording[];
let replayed: Result['replayed'];
let replayedTraced: Result['replayed'];
let noticed: Result['noticed'];
let told: Result['told'];

beforeAll(async () => {
  recordings = await readRecordings();
  const program = join(import.meta.dirname, '../support/replay-recorded.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program], { maxBuffer: 1 << 26 });
  // The SDK writes to standard output as well.
  ({ replayed, replayedTraced, noticed, told } = lastJson(stdout) as unknown as Result);
}, 2 * MINUTE);

const all = () => recordings.flatMap(({ histories }) => histories);

test.each([
  ['as it is', () => replayed],
  ['with the spans of workflows in it', () => replayedTraced],
])('every recorded history replays against the workflow code %s', (_, results) => {
  expect(results().filter(({ error }) => error !== null)).toEqual([]);
  expect(results()).toHaveLength(all().length);
});

test("an old night that is replayed takes nothing from what tonight's tells", () => {
  expect(told).toMatchObject([{ campaign: 'card', progress: 0.5 }]);
});

test.each([
  ...['nightlyBatch', 'variantLane', 'sceneLane', 'renderVariant', 'renderScene', 'backfillVariants', 'watchNight'],
])('a %s whose code does something else than its history is noticed', (type) => {
  expect(noticed[type]).toMatch(/^DeterminismViolationError: .*TMPRL1100/);
});

describe('among the recorded', () => {
  test.each([
    ['nightlyBatch', ['CANCELLED', 'COMPLETED', 'FAILED']],
    ['variantLane', ['CANCELLED', 'COMPLETED', 'CONTINUED_AS_NEW', 'FAILED']],
    ['sceneLane', ['COMPLETED', 'CONTINUED_AS_NEW']],
    ['renderVariant', ['CANCELLED', 'COMPLETED', 'CONTINUED_AS_NEW', 'FAILED']],
    ['renderScene', ['COMPLETED', 'FAILED']],
    ['backfillVariants', ['COMPLETED', 'CONTINUED_AS_NEW', 'FAILED']],
    ['watchNight', ['COMPLETED', 'FAILED']],
  ])('%s has ended in every way: %j', (type, statuses) => {
    const ends = new Set(all().flatMap((one) => (one.type === type ? [one.status] : [])));
    expect([...ends]).toEqual(expect.arrayContaining(statuses));
  });

  test.each([
    [
      'a batch that a person paused, slowed down and resumed',
      'nightlyBatch',
      /"pauseBatch".*"setWindow".*"resumeBatch"/,
    ],
    ['one that the breaker paused', 'nightlyBatch', /by\W+breaker/],
    ['one that tells of its pause', 'nightlyBatch', /announce-events.*"announceEvent"/],
    [
      'one that was stopped while it was planned',
      'nightlyBatch',
      /stop-planning.*"planBatch".*CANCEL_REQUESTED.*"Cancelled"/,
    ],
    ['one whose manifest was damaged', 'nightlyBatch', /close-damaged.*"closeBatch".*"ManifestDamaged"/],
    ['one of before that was reported', 'nightlyBatch', /^(?!.*"closeBatch").*"ManifestDamaged"/],
    ['a lane that reports sparingly', 'variantLane', /sparing-reports/],
    ['a lane of before it did', 'variantLane', /^(?!.*sparing-reports).*"readManifestPage"/],
    ['one that its deadline stopped', 'nightlyBatch', /TIMER_FIRED.*by\W+deadline/],
    ['one that a schedule started', 'nightlyBatch', /TemporalScheduledStartTime/],
    ['one that took pointers back', 'nightlyBatch', /"withdrawPointers"/],
    ['a lane of what was stored', 'variantLane', /"publishCached"/],
    ['a lane whose children have its priority', 'variantLane', /"priority":\{"priorityKey":3,"fairnessKey":"card"\}/],
    ['a video that came with it', 'renderVariant', /"priority":\{"priorityKey":3,"fairnessKey":"card"\}/],
    ['a video that was joined', 'renderVariant', /"assembleVariant".*ACTIVITY_TASK_COMPLETED.*"publishPointers"/],
    ['one that nobody joined', 'renderVariant', /SCHEDULE_TO_START.*"renderVariant"/],
    [
      'a variant that was reset',
      'renderVariant',
      /resetReapplyExcludeTypes|"workflowTaskFailedEventAttributes".*RESET.*"recordOutcomes"/,
    ],
    ['a lane that was reset', 'variantLane', /RESET_WORKFLOW/],
    ['a batch that was reset', 'nightlyBatch', /RESET_WORKFLOW/],
    ['a run whose worker was killed', null, /TIMED_OUT/],
  ] as const)('there is %s', (_, type, sign) => {
    const found = all().filter((one) => (type === null || one.type === type) && sign.test(textOf(one)));
    expect(found.length).toBeGreaterThan(0);
  });
});

test('a batch that paused before batches told so, and one that has told since, are both among them', () => {
  const paused = all().filter((one) => one.type === 'nightlyBatch' && /by\W+breaker/.test(textOf(one)));
  const telling = paused.map((one) => textOf(one).includes('"announceEvent"'));
  expect(new Set(telling)).toEqual(new Set([true, false]));
});

test('nothing recorded names a person, a machine or a folder', () => {
  const names = /\b(Ada|Bo|Cy|Fay|Gil|Hal|Ida|Thrower|Guest|Steered|Stopped|Killed) ?\d*\b/;
  const places = [homedir(), hostname(), resolve(import.meta.dirname, '../..'), '/tmp/', '/home/', '/root/'];
  const telling = all().filter((one) => {
    const text = textOf(one);
    return names.test(text) || places.some((place) => place.length > 3 && text.includes(place));
  });
  expect(telling.map(({ workflowId }) => workflowId)).toEqual([]);
});
