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
import { exactNumber } from '../numbers.ts';
import type { StampColumn } from '../sql/dialect.ts';
import { stampFromNanoseconds } from '../watermark.ts';

const convert: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (typeof value === 'bigint') return exactNumber(value.toString());
  if (value instanceof DuckDBDecimalValue) return exactNumber(value.toString());
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  const stamp = toStamp(value);
  if (stamp !== null) return stamp;
  return JsonDuckDBValueConverter(value, type, converter);
};

/** Integers and decimals become numbers where that is exact and text where not; times become ISO 8601, UUIDs and the like text. */
export const toJsonValue = (value: DuckDBValue, type: DuckDBType): Json => convert(value, type, convert);

/** Nanoseconds per tick of the column types that can carry a watermark. A date cannot: it hides changes of the same day. */
const TICK_NANOSECONDS: Partial<Record<DuckDBTypeId, bigint>> = {
  [DuckDBTypeId.TIMESTAMP_S]: 1_000_000_000n,
  [DuckDBTypeId.TIMESTAMP_MS]: 1_000_000n,
  [DuckDBTypeId.TIMESTAMP]: 1_000n,
  [DuckDBTypeId.TIMESTAMP_TZ]: 1_000n,
  [DuckDBTypeId.TIMESTAMP_NS]: 1n,
};

/** A timestamp column, or null when its type cannot carry a watermark. */
export function stampColumnOf(type: DuckDBType): StampColumn | null {
  const tickNanoseconds = TICK_NANOSECONDS[type.typeId];
  if (tickNanoseconds === undefined) return null;
  return { sqlType: type.toString(), hasZone: type.typeId === DuckDBTypeId.TIMESTAMP_TZ, tickNanoseconds };
}

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
