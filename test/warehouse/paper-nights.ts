/** Nights without Temporal and rendering: planned for real, declared rendered, closed for real. */

import { join } from 'node:path';
import { nightCalendar } from '../../src/config/business-date.ts';
import { isBusinessDate, isCampaignId, objectKeys } from '../../src/contracts/ids.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { planBatch } from '../../src/planning/plan-batch.ts';
import type { PlannedCampaign } from '../../src/planning/read-night.ts';
import { closeBatch } from '../../src/reporting/close-batch.ts';
import { recordOutcomes } from '../../src/reporting/outcomes.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { TemplateLibrary } from '../../src/templates/library.ts';
import { openWarehouse } from '../../src/warehouse/index.ts';
import type { WarehouseSource } from '../../src/warehouse/source.ts';
import { FIXTURE_PROJECT } from '../support/nightreel.ts';
import { never } from './support.ts';

const NO_ENGINE = { captureRoute: '-', pixels: '-', chromium: '-', ffmpeg: '-', x264: '-', muxer: '-', fonts: '-' };
const ENGINE = { digest: 'e'.repeat(64), engineRevision: 1, settings: '-', ...NO_ENGINE };

/**
 * A campaign of the template `card` whose nights are at 23:00 UTC.
 * @returns a function that runs the night of a day: who is planned with which number, the counts, and who is withdrawn.
 */
export function paperNights(
  store: ObjectStore,
  name: string,
  source: WarehouseSource,
  environment: Readonly<Record<string, string>> = {},
) {
  const [id] = [name].filter(isCampaignId);
  if (id === undefined) throw new TypeError(name);
  const templates = new TemplateLibrary(join(FIXTURE_PROJECT, 'templates'));
  const campaign: PlannedCampaign = {
    ...{ id, template: 'card', rendition: 'email-480p', pointerKey: 'users/{recipientId}.json', scenes: 'off' },
    ...{ lanes: { count: 1, window: 1 }, rejectLimit: 0.1, firstNight: 'everyone', results: 'none' },
    ...{ delta: source.delta, asksConsent: false, whenWithdrawn: 'remove' },
    calendar: (given, asOf) => {
      const [businessDate] = [given ?? ''].filter(isBusinessDate);
      if (businessDate === undefined) throw new TypeError('a date');
      const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
      return { businessDate, ...nightCalendar(businessDate, asOf, { days, at: '23:00', timeZone: 'UTC' }) };
    },
    openSource: ({ paramsSchema }) => openWarehouse(source, { paramsSchema, environment }),
  };
  /**
   * @param failed places on the manifest page of videos that fail.
   * @param closes false: the night is never ended, whatever has been published.
   */
  return async (day: string, failed: readonly number[] = [], closes = true) => {
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
    if (closes) await closeBatch({ store, manifests, now: () => input.asOf }, { batch: plan.batch, wallMs: 1 }, never);
    const people = Object.fromEntries(
      variants.flatMap(({ params, recipients }) => recipients.map((who) => [who, params['referralCount']])),
    );
    return { people, counts: plan.counts, withdrawn: await store.getText(objectKeys.withdrawn(plan.batch)) };
  };
}
