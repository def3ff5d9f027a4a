/** A batch that never closed and of whose pages one is gone: the next night cannot know what its people are shown, and plans all. */

import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { objectKeys } from '../../src/contracts/ids.ts';
import { planBatch } from '../../src/planning/plan-batch.ts';
import { cardCampaign, peopleTable, planInput, templates } from '../support/planned-card.ts';
import { TestS3 } from '../support/s3.ts';
import { never, runSql, temporaryFolder } from '../warehouse/support.ts';

test('a damaged page of an unclosed batch does not keep a campaign that reads snapshots from its next night', async () => {
  await using s3 = await TestS3.start();
  await using folder = await temporaryFolder();
  const store = s3.store();
  const path = join(folder.path, 'w.duckdb');
  await runSql(
    path,
    'CREATE TABLE people (id VARCHAR, "at" TIMESTAMPTZ, n INTEGER)',
    `INSERT INTO people SELECT 'p' || i, '2026-11-23 10:00:00+00', i FROM range(30) r(i)`,
  );
  const source = peopleTable({ type: 'duckdb', path, delta: { strategy: 'snapshot' } });
  const campaign = cardCampaign('film', source);
  const deps = { store, templates, loadCampaign: async () => campaign };
  const first = await planBatch(deps, planInput(campaign, 'one'), never);
  expect(first).toMatchObject({ batch: { attempt: 1 }, counts: { recipients: 30 }, pages: 2 });

  for (const damage of [
    (key: string) => store.remove(key),
    (key: string) => store.put(key, '{"page":', { contentType: 'application/json' }),
  ]) {
    await damage(objectKeys.manifestPage(first.batch, 2));
    const again = await planBatch(deps, planInput(campaign, `again ${damage}`), never);
    expect(again.counts).toMatchObject({ recipients: 30, unchanged: 0, withdrawn: 0 });
  }
  store.close();
}, 60_000);
