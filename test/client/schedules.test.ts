import { describe, expect, test } from '@jest/globals';
import { scheduleOptions } from '../../src/client/schedules.ts';
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
