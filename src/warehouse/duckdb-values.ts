/** DuckDB values → JSON-safe values and stamps, without passing through a JavaScript `Date` or losing digits. */

import {
  DuckDBDecimalValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
  type DuckDBValueConverter,
  type Json,
  JsonDuckDBValueConverter,
} from '@duckdb/node-api';
import { stampFromNanoseconds } from './watermark.ts';

/** A number when JavaScript holds exactly this decimal text, else the text. */
function exactNumber(text: string): number | string {
  const value = Number(text);
  const plain = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return (Number.isInteger(value) ? Number.isSafeInteger(value) : true) && String(value) === plain ? value : text;
}

const convert: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (typeof value === 'bigint') return exactNumber(value.toString());
  if (value instanceof DuckDBDecimalValue) return exactNumber(value.toString());
  return JsonDuckDBValueConverter(value, type, converter);
};

/** Integers and decimals become numbers where that is exact and text where not; times, UUIDs and the like become text. */
export const toJsonValue = (value: DuckDBValue, type: DuckDBType): Json => convert(value, type, convert);

/** Nanoseconds per tick of the column types that can carry a watermark. A date cannot: it hides changes of the same day. */
const TICK_NANOSECONDS: Partial<Record<DuckDBTypeId, bigint>> = {
  [DuckDBTypeId.TIMESTAMP_S]: 1_000_000_000n,
  [DuckDBTypeId.TIMESTAMP_MS]: 1_000_000n,
  [DuckDBTypeId.TIMESTAMP]: 1_000n,
  [DuckDBTypeId.TIMESTAMP_TZ]: 1_000n,
  [DuckDBTypeId.TIMESTAMP_NS]: 1n,
};

/** Nanoseconds per tick of a timestamp column, or null when its type cannot carry a watermark. */
export const tickOf = (type: DuckDBType): bigint | null => TICK_NANOSECONDS[type.typeId] ?? null;

/** Canonical stamp of a value of a timestamp column; a column without time zone is taken as UTC. Null when there is none. */
export function toStamp(value: DuckDBValue): string | null {
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) {
    return stampFromNanoseconds(value.micros * 1_000n);
  }
  if (value instanceof DuckDBTimestampNanosecondsValue) return stampFromNanoseconds(value.nanos);
  if (value instanceof DuckDBTimestampMillisecondsValue) return stampFromNanoseconds(value.millis * 1_000_000n);
  if (value instanceof DuckDBTimestampSecondsValue) return stampFromNanoseconds(value.seconds * 1_000_000_000n);
  return null;
}
