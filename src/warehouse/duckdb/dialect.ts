import type { Dialect } from '../sql/dialect.ts';

export const DUCKDB: Dialect = {
  placeholder: (position) => `$${position}`,
  asText: (expression) => `CAST(${expression} AS VARCHAR)`,
  asBytes: (text) => `encode(${text})`,
  asStamp: (placeholder, { sqlType }) => `CAST(${placeholder} AS ${sqlType})`,
  asInstant: (placeholder) => `CAST(${placeholder} AS TIMESTAMP WITH TIME ZONE)`,
  isUnusable: (stamp) => `${stamp} IS NULL OR NOT isfinite(${stamp})`,
  isOneOf: (text, placeholder) => `${text} IN (SELECT unnest(CAST(${placeholder} AS VARCHAR[])))`,
  sortsParams: true,
};
