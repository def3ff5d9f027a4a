import type { Dialect } from '../sql/dialect.ts';

export const POSTGRES: Dialect = {
  placeholder: (position) => `$${position}`,
  asText: (expression) => `CAST(${expression} AS text)`,
  // In a UTF-8 database the collation "C" compares bytes.
  asBytes: (text) => `${text} COLLATE "C"`,
  asStamp: (placeholder, { sqlType }) => `CAST(CAST(${placeholder} AS text) AS ${sqlType})`,
  asInstant: (placeholder) => `CAST(CAST(${placeholder} AS text) AS timestamp with time zone)`,
  isUnusable: (stamp) => `${stamp} IS NULL OR NOT isfinite(${stamp})`,
  isOneOf: (text, placeholder) => `${text} = ANY(CAST(${placeholder} AS text[]))`,
  // json has no order.
  sortsParams: false,
};
