import { describe, expect, test } from '@jest/globals';
import { watchSentence } from '../../src/cli/schedule.ts';
import { scheduleOptions, watchOptions, watchTime } from '../../src/client/schedules.ts';
import { type CampaignId, isCampaignId } from '../../src/contracts/ids.ts';

const campaign = (id: string): CampaignId => {
  if (!isCampaignId(id)) throw new TypeError(id);
  return id;
};

describe('the schedule of a campaign', () => {
  const options = scheduleOptions({
    campaign: campaign('referral'),
    days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'],
    hour: 23,
    minute: 0,
    timeZone: 'America/New_York',
    deadline: null,
    catchupHours: 6,
  });

  test('starts the batch every weeknight at 23:00 by the wall clock of New York', () => {
    expect(options.spec).toEqual({
      calendars: [{ dayOfWeek: ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'], hour: 23, minute: 0 }],
      timezone: 'America/New_York',
    });
  });

  test('skips a night that is due while the last one still runs, and makes up for one missed by up to six hours', () => {
    expect(options.policies).toEqual({ overlap: 'SKIP', catchupWindow: 6 * 60 * 60 * 1000 });
  });

  test('names the campaign only: the business date comes from the time that the schedule stamps on the run', () => {
    expect(options.action).toMatchObject({ workflowType: 'nightlyBatch', args: [{ campaign: 'referral' }] });
  });
});

describe('the schedule that looks for a night in the morning', () => {
  const night = { campaign: campaign('referral'), hour: 23, minute: 0, timeZone: 'America/New_York', catchupHours: 6 };

  test('comes a quarter of an hour after the deadline, on the days after the nights', () => {
    const { spec, action } = watchOptions({ ...night, days: ['Mon', 'Fri', 'Sun'], deadline: '06:00' });
    expect(spec).toEqual({
      calendars: [{ dayOfWeek: ['TUESDAY', 'SATURDAY', 'MONDAY'], hour: 6, minute: 15 }],
      timezone: 'America/New_York',
    });
    expect(action).toMatchObject({
      workflowType: 'watchNight',
      args: [{ campaign: 'referral', days: ['Mon', 'Fri', 'Sun'], at: '23:00', timeZone: 'America/New_York' }],
    });
  });

  test.each([
    [23, 0, null, '07:15', 1],
    [1, 30, null, '09:45', 0],
    [1, 30, '06:00', '06:15', 0],
    [23, 0, '23:30', '23:45', 0],
    [23, 0, '23:50', '00:05', 1],
    [23, 0, '23:00', '23:15', 1],
    [23, 50, '23:50', '00:05', 2],
  ])('of a night at %i:%i that is due at %s comes at %s, %i days later', (hour, minute, deadline, at, dayShift) => {
    expect(watchTime({ hour, minute, deadline })).toEqual({ at, dayShift });
  });

  test.each([
    ['06:15', 0, '06:15.'],
    ['07:15', 1, '07:15 the next day.'],
    ['00:05', 2, '00:05 two days later.'],
  ])('at %s, %i days later, is announced as %s', (at, dayShift, said) => {
    expect(watchSentence({ at, dayShift })).toBe(`A night that has not closed is told at ${said}`);
  });
});
