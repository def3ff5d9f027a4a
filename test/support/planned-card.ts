/** The fixture campaign `card` as a plan knows it, over whatever source a test has. */

import { join } from 'node:path';
import { nightCalendar } from '../../src/config/business-date.ts';
import { type BusinessDate, type CampaignId, isBusinessDate, isCampaignId } from '../../src/contracts/ids.ts';
import type { PlannedCampaign } from '../../src/planning/read-night.ts';
import { TemplateLibrary } from '../../src/templates/library.ts';
import { openWarehouse } from '../../src/warehouse/index.ts';
import { sourceSchema } from '../../src/warehouse/source.ts';
import { FIXTURE_PROJECT } from './nightreel.ts';

const NO_PROGRAMS = { captureRoute: '-', pixels: '-', chromium: '-', ffmpeg: '-', x264: '-', muxer: '-', fonts: '-' };
export const ENGINE = { digest: 'e'.repeat(64), engineRevision: 1, settings: '-', ...NO_PROGRAMS };

const DATE = dateOf('2026-11-23');
/** When the night is due. */
export const AS_OF = '2026-11-23T23:00:00.000Z';
const SCHEDULE = { days: ['Mon'], at: '23:00', timeZone: 'UTC' } as const;

export const templates = new TemplateLibrary(join(FIXTURE_PROJECT, 'templates'));

/** `people(id, at, n)` with the params of the card; `more` goes into the source's own part. */
export const peopleTable = (source: object, columns: object = {}) =>
  sourceSchema.parse({
    ...{ table: 'people', columns: { recipientId: 'id', updatedAt: 'at', ...columns } },
    params: { name: { text: 'Number {n}' }, referralCount: 'n', earnings: 'n' },
    ...source,
  });

export function cardCampaign(
  id: string,
  source: ReturnType<typeof sourceSchema.parse>,
  {
    environment = {},
    ...over
  }: Partial<PlannedCampaign> & { readonly environment?: Readonly<Record<string, string>> } = {},
): PlannedCampaign {
  return {
    ...{ id: idOf(id), template: 'card', rendition: 'email-480p', pointerKey: 'users/{recipientId}.json' },
    ...{ lanes: { count: 2, window: 1 }, rejectLimit: 0.1, scenes: 'off', firstNight: 'everyone', results: 'none' },
    ...{ delta: source.delta, asksConsent: false, whenWithdrawn: 'remove' },
    calendar: () => ({ businessDate: DATE, ...nightCalendar(DATE, AS_OF, SCHEDULE) }),
    openSource: ({ paramsSchema }) => openWarehouse(source, { environment, paramsSchema }),
    ...over,
  };
}

/** The argument of `planBatch`. */
export const planInput = ({ id }: PlannedCampaign, runId = `run of ${id}`) => ({
  ...{ campaign: id, businessDate: DATE, asOf: AS_OF, engine: ENGINE, runId },
});

function idOf(text: string): CampaignId {
  if (!isCampaignId(text)) throw new TypeError(text);
  return text;
}

function dateOf(text: string): BusinessDate {
  if (!isBusinessDate(text)) throw new TypeError(text);
  return text;
}
