/**
 * Nights from Snowflake's change log. No stand-in keeps one: the real driver is given answers that were written after
 * Snowflake's documentation of CHANGES, and everything behind it is real.
 */

import { expect, test } from '@jest/globals';
import { sourceSchema } from '../../src/warehouse/source.ts';
import { TestS3 } from '../support/s3.ts';
import { TestSnowflake } from '../support/snowflake.ts';
import { paperNights } from './paper-nights.ts';

const column = (name: string, type: string) => ({ name, type, nullable: true, scale: 0, precision: 38, length: 255 });
/** ID, stamp, withdrawn, consent, the parameter, and what happened to the row. */
const rowtype = [
  column('ID', 'text'),
  ...['STAMP', 'WITHDRAWN', 'CONSENT'].map((name) => column(name, 'text')),
  column('n', 'fixed'),
  column('METADATA$ACTION', 'text'),
];
const row = (id: string, n: number, action: 'INSERT' | 'DELETE') => [id, null, null, null, String(n), action];

test('the first night takes the table as it was, the next what changed, and takes back whose row is gone', async () => {
  await using s3 = await TestS3.start();
  await using snowflake = await TestSnowflake.start();
  const store = s3.store();
  // The table itself is asked for people who are owed a video.
  await snowflake.run(
    'CREATE TABLE "people" ("id" VARCHAR, "n" INTEGER)',
    `INSERT INTO "people" VALUES ('a', 1), ('b', 7)`,
  );
  const source = sourceSchema.parse({
    ...{ type: 'snowflake', table: 'people', columns: { recipientId: 'id' }, delta: { strategy: 'changes' } },
    params: { name: { text: 'Number {n}' }, referralCount: 'n', earnings: 'n' },
  });
  const night = paperNights(store, 'log', source, snowflake.environment());

  await snowflake.control({
    answers: { '" AT (TIMESTAMP': { rowtype, rowset: [row('a', 1, 'INSERT'), row('b', 2, 'INSERT')] } },
  });
  const first = await night('2026-11-23', [1]);
  expect(first.people).toEqual({ a: 1, b: 2 });

  const between = `AT (TIMESTAMP => TO_TIMESTAMP_TZ('2026-11-23T23:00:00.000000Z')) END (TIMESTAMP => TO_TIMESTAMP_TZ('2026-11-24T23:00:00.000000Z'))`;
  const rowset = [row('a', 1, 'DELETE'), row('d', 4, 'DELETE'), row('c', 3, 'INSERT'), row('d', 5, 'INSERT')];
  await snowflake.control({ answers: { [between]: { rowtype, rowset } } });
  const second = await night('2026-11-24');
  // b failed, and is planned with the number that the table has now; d was deleted and is back.
  expect(second.people).toEqual({ b: 7, c: 3, d: 5 });
  expect(second.counts).toMatchObject({ recipients: 3, carriedOver: 1, withdrawn: 1 });
  expect(second.withdrawn).toBe('{"recipientId":"a"}\n');
  store.close();
}, 120_000);
