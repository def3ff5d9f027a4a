import { describe, expect, test } from '@jest/globals';
import {
  businessDateOf,
  isTimeZone,
  nextTimeOfDay,
  nightCalendar,
  nightOf,
  previousBusinessDate,
  WEEKDAYS,
} from '../../src/config/business-date.ts';
import type { BusinessDate } from '../../src/contracts/ids.ts';

const date = (text: string) => text as BusinessDate;
const newYork = { at: '23:00', timeZone: 'America/New_York' };

describe('the business date', () => {
  test('is the day on the wall of the zone, not of UTC or of this machine', () => {
    expect(businessDateOf('2026-11-24T04:00:00Z', 'America/New_York')).toBe('2026-11-23');
    expect(businessDateOf(new Date('2026-11-24T05:00:00Z'), 'America/New_York')).toBe('2026-11-24');
    expect(businessDateOf('2026-11-23T15:00:00Z', 'Asia/Tokyo')).toBe('2026-11-24');
    expect(businessDateOf('2026-11-23T10:00:00Z', 'Pacific/Kiritimati')).toBe('2026-11-24');
  });

  test('and its night lie on the same side of daylight saving', () => {
    expect(nightOf(date('2026-11-23'), newYork)).toBe('2026-11-24T04:00:00Z');
    expect(nightOf(date('2026-07-01'), newYork)).toBe('2026-07-02T03:00:00Z');
    for (let day = 1; day <= 31; day += 1) {
      for (const month of ['03', '11']) {
        if (month === '11' && day === 31) continue;
        const businessDate = date(`2026-${month}-${String(day).padStart(2, '0')}`);
        expect(businessDateOf(nightOf(businessDate, newYork), newYork.timeZone)).toBe(businessDate);
      }
    }
  });

  test('a time that daylight saving skips is moved forward, one that comes twice is the first', () => {
    const at = (time: string) => ({ at: time, timeZone: 'America/New_York' });
    expect(nightOf(date('2026-03-08'), at('02:30'))).toBe('2026-03-08T07:30:00Z');
    expect(nightOf(date('2026-11-01'), at('01:30'))).toBe('2026-11-01T05:30:00Z');
  });

  test('before a Monday is a Friday, and before the only day of the week that day', () => {
    const weeknights = WEEKDAYS.slice(0, 5);
    expect(previousBusinessDate(date('2026-11-23'), weeknights)).toBe('2026-11-20');
    expect(previousBusinessDate(date('2026-11-24'), weeknights)).toBe('2026-11-23');
    expect(previousBusinessDate(date('2026-11-22'), ['Sun'])).toBe('2026-11-15');
    expect(previousBusinessDate(date('2026-01-01'), WEEKDAYS)).toBe('2025-12-31');
    expect(() => previousBusinessDate(date('2026-01-01'), [])).toThrow(RangeError);
  });

  test('has its place in the calendar of the campaign', () => {
    expect(
      nightCalendar(date('2026-11-23'), '2026-11-24T15:00:00Z', { ...newYork, days: WEEKDAYS.slice(0, 5) }),
    ).toEqual({
      today: '2026-11-24',
      night: '2026-11-24T04:00:00Z',
      previousNight: '2026-11-21T04:00:00Z',
    });
  });
});

test('a time zone is a place, not an offset', () => {
  expect(['America/New_York', 'UTC', 'Europe/Kyiv'].every(isTimeZone)).toBe(true);
  expect(['', '+02:00', '-05:00', 'New York', 'Mars/Olympus'].some(isTimeZone)).toBe(false);
});

test('a deadline is the next time that the clock shows it, across midnight and daylight saving', () => {
  const six = { at: '06:00', timeZone: 'America/New_York' };
  expect(nextTimeOfDay('2026-11-24T04:00:00Z', six)).toBe('2026-11-24T11:00:00Z');
  // The night in which the clocks go back: seven hours and one more.
  expect(nextTimeOfDay('2026-11-01T03:00:00Z', six)).toBe('2026-11-01T11:00:00Z');
  // And forward.
  expect(nextTimeOfDay('2026-03-08T04:00:00Z', six)).toBe('2026-03-08T10:00:00Z');
  expect(nextTimeOfDay('2026-11-24T11:00:00Z', six)).toBe('2026-11-25T11:00:00Z');
});
