/**
 * Places in the warehouse's change order. Stamps stay text or whole nanoseconds from end to end: a JavaScript `Date`
 * holds milliseconds, and a rounded watermark loses or repeats people.
 */

import { Temporal } from 'temporal-polyfill';
import type { Watermark } from '../contracts/batch.ts';

/** Nanoseconds since 1970 of an ISO 8601 time with an offset (`Z`, `+02:00`); null when the text is none. */
export function stampToNanoseconds(stamp: string): bigint | null {
  try {
    return Temporal.Instant.from(stamp).epochNanoseconds;
  } catch {
    // The only thing that can fail here is the text, and the caller says which text it was.
    return null;
  }
}

/** The one way a stamp is written: UTC with six digits, or nine when it is finer than microseconds; null when outside ±271,000 years. */
export function stampFromNanoseconds(nanoseconds: bigint): string | null {
  const limit = 8_640_000_000_000_000_000_000n;
  if (nanoseconds < -limit || nanoseconds > limit) return null;
  // Whole milliseconds are what a Date holds exactly; the digits below them never pass through one.
  const below = ((nanoseconds % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const text = new Date(Number((nanoseconds - below) / 1_000_000n)).toISOString();
  const digits = String(below).padStart(6, '0');
  return `${text.slice(0, -1)}${below % 1000n === 0n ? digits.slice(0, 3) : digits}Z`;
}

/** As `stampToNanoseconds`; throws a RangeError for text that is none. */
export function nanosecondsOf(stamp: string): bigint {
  const nanoseconds = stampToNanoseconds(stamp);
  if (nanoseconds === null) throw new RangeError(`'${stamp}' is not an ISO 8601 time with an offset`);
  return nanoseconds;
}

/** Negative, zero or positive as `a` is earlier than, the same as or later than `b`, whatever precision each is written in. */
export function compareStamps(a: string, b: string): number {
  if (a === b) return 0;
  const [x, y] = [nanosecondsOf(a), nanosecondsOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Recipient IDs in their order at one instant: by UTF-8 bytes, rows without an ID last. */
function compareIds(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Orders watermarks; null, the beginning of all things, is before every other. */
export function compareWatermarks(a: Watermark | null, b: Watermark | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  return compareStamps(a.updatedAt, b.updatedAt) || compareIds(a.recipientId, b.recipientId);
}

/** The later of two watermarks: a campaign's own never moves back. */
export const laterWatermark = <W extends Watermark | null>(a: W, b: W): W => (compareWatermarks(a, b) < 0 ? b : a);

/**
 * Whether a row with this stamp and ID is still to be read at `since`: (updatedAt, recipientId) is greater, where a row
 * without an ID is the last of its instant. `recipientId: ''` leaves all of that instant to be read, null none of it.
 */
export function isAfterWatermark(
  row: { readonly updatedAt: string; readonly recipientId: string | null },
  since: Watermark | null,
): boolean {
  if (since === null) return true;
  const order = compareStamps(row.updatedAt, since.updatedAt);
  if (order !== 0) return order > 0;
  if (since.recipientId === null) return false;
  return since.recipientId === '' || compareIds(row.recipientId, since.recipientId) > 0;
}
