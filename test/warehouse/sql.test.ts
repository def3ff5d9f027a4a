/** SQL as text: queries of the user's own, and what no stand-in can run. */

import { describe, expect, test } from '@jest/globals';
import { allAtQuery, changesQuery } from '../../src/warehouse/snowflake/changes-query.ts';
import { positional, SNOWFLAKE } from '../../src/warehouse/snowflake/dialect.ts';
import { DeltaQueries } from '../../src/warehouse/sql/delta-query.ts';
import { parseSql } from '../../src/warehouse/sql/named-parameters.ts';

describe("a query of the user's own", () => {
  const filled = (text: string) => parseSql(text, 'x.sql').fill((name) => `<${name}>`);

  test.each([
    ['SELECT 1 WHERE a > :since AND a <= :until', 'SELECT 1 WHERE a > <since> AND a <= <until>'],
    ['SELECT a::text, b::date FROM t WHERE id > :after_id', 'SELECT a::text, b::date FROM t WHERE id > <after_id>'],
    [`SELECT ':since', 'it''s :until', ":since" FROM t`, `SELECT ':since', 'it''s :until', ":since" FROM t`],
    [
      'SELECT 1 -- :since\n/* :until\n :x */ WHERE a > :since',
      'SELECT 1 -- :since\n/* :until\n :x */ WHERE a > <since>',
    ],
    ['SELECT $$ :since $$, $q$ ; :until $q$', 'SELECT $$ :since $$, $q$ ; :until $q$'],
    ['SELECT a[1:2], :until ; -- the end', 'SELECT a[1:2], <until> '],
    ['SELECT :since;;\n', 'SELECT <since>'],
  ])('%j', (text, expected) => {
    expect(filled(text)).toBe(expected);
  });

  test.each([
    ['SELECT :today', 'x.sql line 1: there is no parameter :today; there are :since, :until, :after_id'],
    ['SELECT 1;\nDROP TABLE t', 'more than one statement'],
    [`SELECT 1; 'x'`, 'more than one statement'],
    ['  -- nothing\n', 'holds no query'],
    [';', 'holds no query'],
  ])('%j is refused', (text, message) => {
    expect(() => parseSql(text, 'x.sql')).toThrow(expect.objectContaining({ failureClass: 'CampaignInvalid' }));
    expect(() => parseSql(text, 'x.sql')).toThrow(message);
  });
});

describe('Snowflake', () => {
  const columns = { recipientId: 'ID', updatedAt: 'AT', withdrawn: 'GONE' };

  test('values are bound in the order in which the text names them', () => {
    const query = parseSql('SELECT * FROM t WHERE "AT" > :since AND "AT" <= :until', 'x.sql');
    const queries = new DeltaQueries(SNOWFLAKE, { relation: { query }, columns, values: ['N'] });
    const stamp = { sqlType: 'TIMESTAMP_NTZ', hasZone: false, tickNanoseconds: 1n };
    const since = { updatedAt: '2026-11-20T00:00:00Z', recipientId: 'b' };
    const { sql, binds } = positional(queries.changes(stamp, { since, until: '2026-11-21T00:00:00.5Z' }));
    expect(sql.split('?')).toHaveLength(binds.length + 1);
    expect(binds).toEqual([
      '2026-11-20T00:00:00Z',
      '2026-11-21T00:00:00.5Z',
      '2026-11-21T00:00:00.500000',
      '2026-11-20T00:00:00.000000',
      '2026-11-20T00:00:00.000000',
      'b',
    ]);
  });

  test('the change log is asked for between two instants, without the halves of updates that say how a row was', () => {
    const source = { table: 'db.schema.t', columns, values: ['N'] };
    const range = { since: '2026-11-20T04:00:00Z', until: '2026-11-21T04:00:00.123456789Z' };
    expect(changesQuery(source, range)).toBe(
      'SELECT CAST("ID" AS VARCHAR), "AT", "GONE", NULL, "N", METADATA$ACTION FROM "db"."schema"."t" ' +
        `CHANGES (INFORMATION => DEFAULT) AT (TIMESTAMP => TO_TIMESTAMP_TZ('2026-11-20T04:00:00.000000Z')) ` +
        `END (TIMESTAMP => TO_TIMESTAMP_TZ('2026-11-21T04:00:00.123456789Z')) ` +
        `WHERE NOT (METADATA$ACTION = 'DELETE' AND METADATA$ISUPDATE) ORDER BY METADATA$ACTION`,
    );
    expect(allAtQuery(source, range.until)).toBe(
      `SELECT CAST("ID" AS VARCHAR), "AT", "GONE", NULL, "N", 'INSERT' FROM "db"."schema"."t" ` +
        `AT (TIMESTAMP => TO_TIMESTAMP_TZ('2026-11-21T04:00:00.123456789Z'))`,
    );
    expect(() => changesQuery(source, { ...range, since: "x'; DROP TABLE t; --" })).toThrow(RangeError);
  });
});
