/** PostgreSQL's text output → JSON-safe values and stamps, without passing through a JavaScript `Date` or losing digits. */

import { builtins } from 'pg-types';
import { exactNumber } from '../numbers.ts';
import type { StampColumn } from '../sql/dialect.ts';
import { stampFromNanoseconds, stampToNanoseconds } from '../watermark.ts';

/** The column that carries the watermark, or null when its type cannot. A date cannot: it hides changes of the same day. */
export function stampColumnOf(typeId: number): StampColumn | null {
  const hasZone = typeId === builtins.TIMESTAMPTZ;
  if (!hasZone && typeId !== builtins.TIMESTAMP) return null;
  const sqlType = hasZone ? 'timestamp with time zone' : 'timestamp without time zone';
  return { sqlType, hasZone, tickNanoseconds: 1_000n };
}

const TIMESTAMP = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00(?::?00)?)?$/;

/** Canonical stamp of a timestamp as a session in UTC with DateStyle ISO writes it; null for infinity and years before 1. */
export function toStamp(text: string | null): string | null {
  const [, year = '', month, day, time] = TIMESTAMP.exec(text ?? '') ?? [];
  if (year === '') return null;
  const isoYear = year.length === 4 ? year : `+${year.padStart(6, '0')}`;
  const nanoseconds = stampToNanoseconds(`${isoYear}-${month}-${day}T${time}Z`);
  return nanoseconds === null ? null : stampFromNanoseconds(nanoseconds);
}

/** Throws a SyntaxError for text that is not what its type says; the server does not send such. */
export function toJsonValue(text: string | null, typeId: number): unknown {
  if (text === null) return null;
  switch (typeId) {
    case builtins.INT2:
    case builtins.INT4:
    case builtins.INT8:
    case builtins.NUMERIC:
      return exactNumber(text);
    case builtins.FLOAT4:
    case builtins.FLOAT8: {
      const value = Number(text);
      return Number.isFinite(value) ? value : text;
    }
    case builtins.BOOL:
      return text === 't';
    case builtins.JSON:
    case builtins.JSONB:
      return JSON.parse(text);
    case builtins.TIMESTAMP:
    case builtins.TIMESTAMPTZ:
      return toStamp(text) ?? text;
    default:
      return text;
  }
}
