/**
 * The warehouse suite against a real Snowflake account: runs where SNOWFLAKE_ACCOUNT, a way to log in and
 * SNOWFLAKE_DATABASE are set. It makes a schema of its own and drops it.
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openWarehouse } from '../../src/warehouse/index.ts';
import { credentials } from '../../src/warehouse/snowflake/credentials.ts';
import { SnowflakeSession } from '../../src/warehouse/snowflake/session.ts';
import { sourceSchema } from '../../src/warehouse/source.ts';
import { behavesAsWarehouse, type Engine } from '../warehouse/engine-suite.ts';
import { collect, never } from '../warehouse/support.ts';

const isSet = Boolean(process.env['SNOWFLAKE_ACCOUNT'] && process.env['SNOWFLAKE_DATABASE']);
const schema = `NIGHTREEL_TEST_${Date.now()}`;
const environment = { ...process.env, SNOWFLAKE_SCHEMA: schema };

(isSet ? describe : describe.skip)('a Snowflake account', () => {
  let session: SnowflakeSession;
  const run = async (...statements: string[]) => {
    for (const sql of statements) for await (const _ of (await session.query(sql, [], never)).rows);
  };
  const open: Engine['open'] = (source, queryText) =>
    openWarehouse(sourceSchema.parse({ type: 'snowflake', ...source }), {
      environment,
      ...(queryText && { queryText }),
    });

  beforeAll(async () => {
    session = await SnowflakeSession.open(credentials(process.env, {}), 'nightreel live tests', never);
    await run(`CREATE SCHEMA ${schema}`, `USE SCHEMA ${schema}`);
  }, 120_000);
  afterAll(async () => {
    await run(`DROP SCHEMA IF EXISTS ${schema}`);
    await session?.[Symbol.asyncDispose]();
  }, 120_000);

  behavesAsWarehouse('snowflake', () => ({
    run,
    open,
    types: { zoned: 'TIMESTAMP_TZ', plain: 'TIMESTAMP_NTZ', text: 'VARCHAR' },
  }));

  test('the change log holds updates, insertions and deletions between two instants, the same ones again', async () => {
    await run(
      'CREATE TABLE LOGGED ("id" VARCHAR, "n" INTEGER) CHANGE_TRACKING = TRUE',
      `INSERT INTO LOGGED VALUES ('a', 1), ('b', 2)`,
    );
    const since = new Date().toISOString();
    await run(
      `UPDATE LOGGED SET "n" = 3 WHERE "id" = 'a'`,
      `DELETE FROM LOGGED WHERE "id" = 'b'`,
      `INSERT INTO LOGGED VALUES ('c', 4)`,
    );
    const range = { since, until: new Date().toISOString() };
    const source = {
      table: 'LOGGED',
      columns: { recipientId: 'id' },
      params: { n: 'n' },
      delta: { strategy: 'changes' },
    };
    await using reader = open(source);
    const read = async () => {
      const log = reader.readChangeLog?.(range, never);
      if (log === undefined) throw new TypeError('it keeps changes');
      const rows = await collect(log);
      return rows
        .map(({ recipientId, withdrawn = false, params }) => [recipientId, withdrawn, params['n'] ?? null])
        .sort();
    };
    const changes = await read();
    expect(changes).toEqual([
      ['a', false, 3],
      ['b', true, null],
      ['c', false, 4],
    ]);
    await run(`INSERT INTO LOGGED VALUES ('d', 5)`);
    expect(await read()).toEqual(changes);
  }, 120_000);
});
