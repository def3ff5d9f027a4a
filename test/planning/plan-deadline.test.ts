/** A deadline that comes while a night is still being planned. */

import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { WhenLate } from '../../src/contracts/steering.ts';
import { planBatch } from '../../src/planning/plan-batch.ts';
import { openWarehouse } from '../../src/warehouse/index.ts';
import { cardCampaign, peopleTable, planInput, templates } from '../support/planned-card.ts';
import { TestS3 } from '../support/s3.ts';
import { never, runSql, temporaryFolder } from '../warehouse/support.ts';

test('ends the plan where nothing is to be started any more, and hurries nobody where the night may be late', async () => {
  await using s3 = await TestS3.start();
  await using folder = await temporaryFolder();
  using store = s3.store();
  const path = join(folder.path, 'w.duckdb');
  await runSql(
    path,
    'CREATE TABLE people (id VARCHAR, "at" TIMESTAMPTZ, n INTEGER)',
    `INSERT INTO people SELECT 'p' || i, TIMESTAMPTZ '2026-11-23 10:00:00+00', i FROM range(9) r(i)`,
  );
  const source = peopleTable({ type: 'duckdb', path });
  const plan = async (id: string, at: number, whenLate: WhenLate, isSlow: boolean) => {
    const campaign = cardCampaign(id, source, {
      limits: () => ({ breaker: null, deadline: { at: new Date(at).toISOString(), whenLate } }),
      openSource: ({ paramsSchema }) => {
        const reader = openWarehouse(source, { environment: {}, paramsSchema });
        if (!isSlow) return reader;
        return {
          ...reader,
          async *readChanges(range, signal) {
            // As long as the warehouse takes, which is longer than there is time.
            if (!signal.aborted) await once(signal, 'abort');
            yield* reader.readChanges(range, signal);
          },
        };
      },
    });
    return await planBatch({ store, templates, loadCampaign: async () => campaign }, planInput(campaign), never);
  };
  const late = { failureClass: 'Cancelled', message: expect.stringContaining('nothing was rendered') };
  await expect(plan('slow', Date.now() + 300, 'stop', true)).rejects.toMatchObject(late);
  // Tried again, when that was long ago.
  await expect(plan('slow', Date.now() - 60_000, 'stop', false)).rejects.toMatchObject(late);
  expect(await Array.fromAsync(store.list('batches/slow/2026-11-23/1/plan.json'))).toEqual([]);
  expect(await plan('tardy', Date.now() - 60_000, 'finish', false)).toMatchObject({ counts: { recipients: 9 } });
  expect(await plan('timely', Date.now() + 3_600_000, 'stop', false)).toMatchObject({ counts: { recipients: 9 } });
}, 60_000);
