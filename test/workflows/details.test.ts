/** What the Web UI shows of a batch. */

import { expect, test } from '@jest/globals';
import type { BatchPlan } from '../../src/contracts/batch.ts';
import { isBusinessDate, isCampaignId } from '../../src/contracts/ids.ts';
import { UNSTEERED } from '../../src/contracts/steering.ts';
import { type DetailsInput, detailsOf } from '../../src/workflows/details.ts';

const [campaign] = ['referral'].filter(isCampaignId);
const [businessDate] = ['2026-11-23'].filter(isBusinessDate);
if (campaign === undefined || businessDate === undefined) throw new TypeError('ids');

const none = {
  rows: 0,
  rejected: 0,
  duplicates: 0,
  unchanged: 0,
  withdrawn: 0,
  vanished: 0,
  carriedOver: 0,
  cached: 0,
};
const plan: BatchPlan = {
  batch: { campaign, businessDate, attempt: 1 },
  ...{ rendition: 'email-480p', templateDigest: 't', engineDigest: 'e', pages: 9, scenePages: 1 },
  counts: {
    ...none,
    recipients: 5000,
    variants: 4832,
    sceneSlots: 0,
    distinctScenes: 0,
    storedScenes: 0,
    sharedScenes: 40,
  },
  lanes: { count: 4, window: 25 },
};
const quiet: DetailsInput = {
  phase: 'rendering',
  plan,
  tally: { cached: 80, rendered: 1100, failed: 20, pointers: 1300 },
  failures: {},
  outlook: { perSecond: null, expectedEnd: null, deadline: null, atRisk: false },
  steering: UNSTEERED,
};

test('an ordinary night is three lines', () => {
  expect(detailsOf(quiet).split('\n')).toEqual([
    '**referral/2026-11-23/1**: 1200 of 4832 variants settled, for 5000 recipients',
    '- 1100 rendered, 80 already stored, 20 failed, 1300 pointers',
    '- report: `batches/referral/2026-11-23/1/report.html` in the bucket, once it has closed',
  ]);
});

test('trouble stands in it: why variants fail, what is late, who stopped what', () => {
  const text = detailsOf({
    ...quiet,
    failures: { BrowserHung: 5, TemplateCrashed: 15 },
    outlook: {
      perSecond: 3.217,
      expectedEnd: '2026-11-24T11:20:31.123Z',
      deadline: '2026-11-24T11:00:00Z',
      atRisk: true,
    },
    steering: {
      paused: { by: 'breaker', reason: 'too many' },
      window: 3,
      stopped: { by: 'deadline', running: 'finish' },
    },
  });
  expect(text).toContain('20 failed (TemplateCrashed 15, BrowserHung 5), 1300');
  expect(text).toContain(
    '- 3.22 variants/s, expected end 2026-11-24 11:20 UTC, **at risk**: due 2026-11-24 11:00 UTC\n',
  );
  expect(text).toContain(
    '- window: 3 per lane\n- **paused** by the breaker: too many\n- **stopped** by the deadline: ',
  );
});

test('what goes before the videos and after them is named', () => {
  expect(detailsOf({ ...quiet, phase: 'scenes' })).toContain('- rendering 40 shared scenes\n');
  expect(detailsOf({ ...quiet, phase: 'closing' })).toContain('- writing the report\n');
});
