/** Calendar days and night times of a campaign's time zone. Pure; no clock is read. */

import { Temporal } from 'temporal-polyfill';
import { type BusinessDate, isBusinessDate } from '../contracts/ids.ts';

/** As in the campaign file: `Mon` … `Sun`. */
export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export const isWeekday = (name: string): name is Weekday => WEEKDAYS.some((day) => day === name);

/** When a campaign runs: on these days at this wall-clock time of the zone. */
export interface NightSchedule {
  readonly days: readonly Weekday[];
  /** `HH:MM`. */
  readonly at: string;
  /** An IANA name, like `America/New_York`. */
  readonly timeZone: string;
}

/** True for a time zone that this Node knows by name. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    // Offsets like +02:00 pass Intl but know no daylight saving: a schedule wants a place.
    return /^[A-Za-z]/.test(name);
  } catch {
    // Intl says no by throwing.
    return false;
  }
}

/** The calendar day that an instant (a Date, or ISO 8601 with an offset) falls on in a time zone. */
export function businessDateOf(instant: string | Date, timeZone: string): BusinessDate {
  const text = typeof instant === 'string' ? instant : instant.toISOString();
  return toBusinessDate(Temporal.Instant.from(text).toZonedDateTimeISO(timeZone).toPlainDate());
}

/**
 * The instant, ISO 8601 UTC, at which the night of a business date begins. A wall-clock time that daylight saving skips
 * is moved forward by the gap; of one that comes twice the first is taken.
 */
export function nightOf(businessDate: BusinessDate, { at, timeZone }: Pick<NightSchedule, 'at' | 'timeZone'>): string {
  const plainTime = Temporal.PlainTime.from(at);
  return Temporal.PlainDate.from(businessDate).toZonedDateTime({ timeZone, plainTime }).toInstant().toString();
}

/** The first instant after `instant` (both ISO 8601 UTC) at which a clock in that zone shows this time of day. */
export function nextTimeOfDay(instant: string, place: Pick<NightSchedule, 'at' | 'timeZone'>): string {
  const day = businessDateOf(instant, place.timeZone);
  const sameDay = nightOf(day, place);
  if (Date.parse(sameDay) > Date.parse(instant)) return sameDay;
  return nightOf(toBusinessDate(Temporal.PlainDate.from(day).add({ days: 1 })), place);
}

/** The last day before `businessDate` on which the campaign runs. */
export function previousBusinessDate(businessDate: BusinessDate, days: readonly Weekday[]): BusinessDate {
  let day = Temporal.PlainDate.from(businessDate);
  for (let back = 0; back < 7; back += 1) {
    day = day.subtract({ days: 1 });
    const weekday = WEEKDAYS[day.dayOfWeek - 1];
    if (weekday !== undefined && days.includes(weekday)) return toBusinessDate(day);
  }
  throw new RangeError('a schedule needs at least one day');
}

/** The nights of a schedule from one business date to another, both included, with the instants (ISO 8601 UTC) at which they begin. */
export function nightsBetween(
  from: BusinessDate,
  to: BusinessDate,
  { days, ...place }: NightSchedule,
): { readonly businessDate: BusinessDate; readonly dueAt: string }[] {
  const nights: { businessDate: BusinessDate; dueAt: string }[] = [];
  const last = Temporal.PlainDate.from(to);
  for (
    let day = Temporal.PlainDate.from(from);
    Temporal.PlainDate.compare(day, last) <= 0;
    day = day.add({ days: 1 })
  ) {
    const weekday = WEEKDAYS[day.dayOfWeek - 1];
    const businessDate = toBusinessDate(day);
    if (weekday !== undefined && days.includes(weekday))
      nights.push({ businessDate, dueAt: nightOf(businessDate, place) });
  }
  return nights;
}

/** The last night of a schedule that began before an instant (both ISO 8601 UTC). */
export function lastNightBefore(
  instant: string,
  schedule: NightSchedule,
): { readonly businessDate: BusinessDate; readonly dueAt: string } {
  const today = businessDateOf(instant, schedule.timeZone);
  const weekAgo = toBusinessDate(Temporal.PlainDate.from(today).subtract({ days: 7 }));
  const night = nightsBetween(weekAgo, today, schedule).findLast(
    ({ dueAt }) => Date.parse(dueAt) < Date.parse(instant),
  );
  if (night === undefined) throw new RangeError('a schedule needs at least one day');
  return night;
}

function toBusinessDate(day: Temporal.PlainDate): BusinessDate {
  const text = day.toString();
  if (!isBusinessDate(text)) throw new RangeError(`${text} is outside the years 0000 to 9999`);
  return text;
}

/** What `planWindow` must know of the calendar; see `planning/window.ts`. */
export interface NightCalendar {
  /** The business date of `asOf` itself. */
  readonly today: BusinessDate;
  /** When the night of the batch's business date begins, ISO 8601 UTC. */
  readonly night: string;
  /** When the scheduled night before that one began. */
  readonly previousNight: string;
}

/** Places a business date, and the instant at which its batch was due, in the campaign's calendar. */
export function nightCalendar(businessDate: BusinessDate, asOf: string, schedule: NightSchedule): NightCalendar {
  return {
    today: businessDateOf(asOf, schedule.timeZone),
    night: nightOf(businessDate, schedule),
    previousNight: nightOf(previousBusinessDate(businessDate, schedule.days), schedule),
  };
}
