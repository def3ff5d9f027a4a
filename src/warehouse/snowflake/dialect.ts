import type { Query } from '../sql/delta-query.ts';
import type { Dialect } from '../sql/dialect.ts';

/** A character that no query holds: what stands between two of them is the number of a bound value. */
const MARK = '\u0001';

export const SNOWFLAKE: Dialect = {
  placeholder: (position) => `${MARK}${position}${MARK}`,
  asText: (expression) => `CAST(${expression} AS VARCHAR)`,
  asBytes: (text) => `TO_BINARY(${text}, 'UTF-8')`,
  asStamp: (placeholder, { sqlType }) => `CAST(${placeholder} AS ${sqlType})`,
  // The driver makes objects of moment.js of times: half of a night's memory.
  fetchStamp: (stamp) => `DATE_PART(EPOCH_NANOSECOND, ${stamp})`,
  asInstant: (placeholder) => `CAST(${placeholder} AS TIMESTAMP_TZ)`,
  // Snowflake has no infinite times.
  isUnusable: (stamp) => `${stamp} IS NULL`,
  isOneOf: (text, placeholder) =>
    `${text} IN (SELECT CAST(f.value AS VARCHAR) FROM TABLE(FLATTEN(INPUT => PARSE_JSON(${placeholder}))) AS f)`,
  // VARIANT has no order.
  sortsParams: false,
};

/** The driver binds by order of appearance, and texts only: a list goes as JSON. */
export function positional({ sql, values }: Pick<Query, 'sql' | 'values'>): { sql: string; binds: string[] } {
  const binds: string[] = [];
  const text = sql.replaceAll(new RegExp(`${MARK}(\\d+)${MARK}`, 'g'), (_, position: string) => {
    const value = values[Number(position) - 1] ?? '';
    binds.push(typeof value === 'string' ? value : JSON.stringify(value));
    return '?';
  });
  return { sql: text, binds };
}
