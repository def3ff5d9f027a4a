/** A warehouse that dies while a night is planned: the plan that is made when it is back is the one it would have been. */

import { expect, test } from '@jest/globals';
import { objectKeys } from '../../src/contracts/ids.ts';
import { planBatch } from '../../src/planning/plan-batch.ts';
import { openWarehouse } from '../../src/warehouse/index.ts';
import { cardCampaign, peopleTable, planInput, templates } from '../support/planned-card.ts';
import { TestPostgres } from '../support/postgres.ts';
import { TestS3 } from '../support/s3.ts';
import { never } from './support.ts';

const PEOPLE = 8_000;

test('the batch has the same people, videos and bounds as one that nothing disturbed', async () => {
  await using postgres = await TestPostgres.start();
  await using s3 = await TestS3.start();
  const store = s3.store();
  await postgres.run(
    'CREATE TABLE people (id text, "at" timestamptz, n integer)',
    `INSERT INTO people SELECT 'p' || i, timestamptz '2026-11-23 10:00Z' + i * interval '1 s', i % 400 FROM generate_series(1, ${PEOPLE}) i`,
  );
  const source = peopleTable({ type: 'postgres' });
  let rowsUntilDeath = Number.POSITIVE_INFINITY;
  async function* dying<T>(rows: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    for await (const row of rows) {
      rowsUntilDeath -= 1;
      if (rowsUntilDeath === 0) await postgres.kill();
      yield row;
    }
  }
  const environment = { NIGHTREEL_POSTGRES_URL: postgres.url };
  const plan = async (name: string) => {
    const campaign = cardCampaign(name, source, {
      openSource: ({ paramsSchema }) => {
        const reader = openWarehouse(source, { environment, paramsSchema });
        return { ...reader, readChanges: (range, signal) => dying(reader.readChanges(range, signal)) };
      },
    });
    return await planBatch({ store, templates, loadCampaign: async () => campaign }, planInput(campaign), never);
  };
  /** All that was planned, without the campaign's own name and the time of planning. */
  const manifestOf = async ({ batch, pages }: Awaited<ReturnType<typeof plan>>) => {
    const { createdAt: _, batch: __, ...document } = JSON.parse((await store.getText(objectKeys.plan(batch))) ?? '');
    const numbers = Array.from({ length: pages }, (_, page) => page + 1);
    return [
      document,
      ...(await Promise.all(numbers.map((page) => store.getText(objectKeys.manifestPage(batch, page))))),
    ];
  };

  const undisturbed = await plan('undisturbed');
  expect(undisturbed.counts).toMatchObject({ rows: PEOPLE, recipients: PEOPLE, variants: 400 });

  rowsUntilDeath = 3_000;
  await expect(plan('disturbed')).rejects.toMatchObject({ failureClass: 'WarehouseUnavailable' });
  await expect(plan('disturbed')).rejects.toMatchObject({ failureClass: 'WarehouseUnavailable' });
  await postgres.restart();
  // Somebody who changes after the night was due waits for the next one.
  await postgres.run(`INSERT INTO people VALUES ('late', '2026-11-23 23:00:01Z', 1)`);
  const disturbed = await plan('disturbed');
  expect(disturbed.batch.attempt).toBe(1);
  expect(await manifestOf(disturbed)).toEqual(await manifestOf(undisturbed));
  store.close();
}, 120_000);
