/**
 * Nights from Snowflake's change log. No stand-in keeps one: the real driver is given answers that were written after
 * Snowflake's documentation of CHANGES, and everything behind it is real.
 */

import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { nightCalendar } from '../../src/config/business-date.ts';
import { isBusinessDate, isCampaignId, objectKeys } from '../../src/contracts/ids.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { planBatch } from '../../src/planning/plan-batch.ts';
import type { PlannedCampaign } from '../../src/planning/read-night.ts';
import { closeBatch } from '../../src/reporting/close-batch.ts';
import { recordOutcomes } from '../../src/reporting/outcomes.ts';
import { TemplateLibrary } from '../../src/templates/library.ts';
import { openWarehouse } from '../../src/warehouse/index.ts';
import { sourceSchema } from '../../src/warehouse/source.ts';
import { FIXTURE_PROJECT } from '../support/nightreel.ts';
import { TestS3 } from '../support/s3.ts';
import { TestSnowflake } from '../support/snowflake.ts';
import { never } from './support.ts';

const NO_ENGINE = { captureRoute: '-', pixels: '-', chromium: '-', ffmpeg: '-', x264: '-', muxer: '-', fonts: '-' };
const ENGINE = { digest: 'e'.repeat(64), engineRevision: 1, settings: '-', ...NO_ENGINE };

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
  const [id] = ['log'].filter(isCampaignId);
  if (id === undefined) throw new TypeError('a name');
  const templates = new TemplateLibrary(join(FIXTURE_PROJECT, 'templates'));
  const campaign: PlannedCampaign = {
    ...{ id, template: 'card', rendition: 'email-480p', pointerKey: 'users/{recipientId}.json', scenes: 'off' },
    ...{ lanes: { count: 1, window: 1 }, rejectLimit: 0.1, firstNight: 'everyone', results: 'none' },
    ...{ delta: source.delta, asksConsent: false, whenWithdrawn: 'remove' },
    calendar: (given, asOf) => {
      const [businessDate] = [given ?? ''].filter(isBusinessDate);
      if (businessDate === undefined) throw new TypeError('a date');
      const schedule = { days: ['Mon', 'Tue'], at: '23:00', timeZone: 'UTC' } as const;
      return { businessDate, ...nightCalendar(businessDate, asOf, schedule) };
    },
    openSource: ({ paramsSchema }) => openWarehouse(source, { paramsSchema, environment: snowflake.environment() }),
  };
  const night = async (day: string, failed: readonly number[]) => {
    const [businessDate] = [day].filter(isBusinessDate);
    if (businessDate === undefined) throw new TypeError(day);
    const input = { campaign: id, businessDate, asOf: `${day}T23:00:00.000Z`, engine: ENGINE, runId: day };
    const plan = await planBatch({ store, templates, loadCampaign: async () => campaign }, input, never);
    const manifests = new ManifestReader(store);
    const { variants } = plan.pages === 0 ? { variants: [] } : await manifests.page(plan.batch, 1);
    const outcomes = variants.map(({ index, key }) => {
      if (failed.includes(index)) {
        return { outcome: 'failed', page: 1, index, key, failureClass: 'BrowserCrashed', message: 'gone' } as const;
      }
      return { outcome: 'rendered', page: 1, index, key, renderMs: 1, pointers: 1 } as const;
    });
    await recordOutcomes(store, { batch: plan.batch, writer: 'lane-0', page: 1, outcomes });
    await closeBatch({ store, manifests, now: () => input.asOf }, { batch: plan.batch, wallMs: 1 }, never);
    const people = Object.fromEntries(
      variants.map(({ params, recipients }) => [recipients.join(), params['referralCount']]),
    );
    return { people, counts: plan.counts, withdrawn: await store.getText(objectKeys.withdrawn(plan.batch)) };
  };

  await snowflake.control({
    answers: { '" AT (TIMESTAMP': { rowtype, rowset: [row('a', 1, 'INSERT'), row('b', 2, 'INSERT')] } },
  });
  const first = await night('2026-11-23', [1]);
  expect(first.people).toEqual({ a: 1, b: 2 });

  const between = `AT (TIMESTAMP => TO_TIMESTAMP_TZ('2026-11-23T23:00:00.000000Z')) END (TIMESTAMP => TO_TIMESTAMP_TZ('2026-11-24T23:00:00.000000Z'))`;
  const rowset = [row('a', 1, 'DELETE'), row('d', 4, 'DELETE'), row('c', 3, 'INSERT'), row('d', 5, 'INSERT')];
  await snowflake.control({ answers: { [between]: { rowtype, rowset } } });
  const second = await night('2026-11-24', []);
  // b failed, and is planned with the number that the table has now; d was deleted and is back.
  expect(second.people).toEqual({ b: 7, c: 3, d: 5 });
  expect(second.counts).toMatchObject({ recipients: 3, carriedOver: 1, withdrawn: 1 });
  expect(second.withdrawn).toBe('{"recipientId":"a"}\n');
  store.close();
}, 120_000);
