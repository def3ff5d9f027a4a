/** The driver's values → JSON-safe values and stamps, without losing digits below the millisecond. */

import type { Column } from 'snowflake-sdk';
import { exactNumber } from '../numbers.ts';
import type { StampColumn } from '../sql/dialect.ts';
import { stampFromNanoseconds } from '../watermark.ts';

/** The column that carries the watermark, or null when its type cannot. A date cannot: it hides changes of the same day. */
export function stampColumnOf(column: Column): StampColumn | null {
  if (!column.isTimestamp()) return null;
  const hasZone = !column.isTimestampNtz();
  const sqlType = column.isTimestampNtz()
    ? 'TIMESTAMP_NTZ'
    : column.isTimestampLtz()
      ? 'TIMESTAMP_LTZ'
      : 'TIMESTAMP_TZ';
  return { sqlType, hasZone, tickNanoseconds: 10n ** BigInt(9 - column.getScale()) };
}

/** What the driver adds to its dates: a `Date` alone holds milliseconds. */
interface SfDate {
  getEpochSeconds(): number;
  getNanoSeconds(): number;
}
const isSfDate = (value: unknown): value is SfDate =>
  typeof value === 'object' && value !== null && 'getEpochSeconds' in value && 'getNanoSeconds' in value;

/** Canonical stamp of nanoseconds since 1970, as text, or of a timestamp; null when there is none. */
export function toStamp(value: unknown): string | null {
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return stampFromNanoseconds(BigInt(value));
  if (!isSfDate(value)) return null;
  return stampFromNanoseconds(BigInt(value.getEpochSeconds()) * 1_000_000_000n + BigInt(value.getNanoSeconds()));
}

/** @param value as fetched with numbers as text. */
export function toJsonValue(value: unknown, column: Column): unknown {
  if (value === null || value === undefined) return null;
  if (column.isNumber() && typeof value === 'string') return exactNumber(value);
  if (column.isTimestamp()) return toStamp(value);
  if (column.isDate()) return toStamp(value)?.replace(/T.*$/, '') ?? null;
  if (column.isTime())
    return String(value)
      .replace(/(\.\d*?)0+$/, '$1')
      .replace(/\.$/, '');
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return value;
}
