import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { WatchedNight, WatchNightInput } from '../contracts/alarms.ts';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import { batches } from './activity-proxies.ts';
import { dueTime } from './due-time.ts';
import { assertWatchInput } from './validate.ts';

/** In the morning, by a schedule of its own: tells people when the campaign's last night has not closed. */
export async function watchNight(input: WatchNightInput): Promise<WatchedNight> {
  assertWatchInput(input);
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.campaignId, value: input.campaign }]);
  const night = await batches.lookForNight({ ...input, asOf: dueTime().toISOString() });
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.batchDate, value: night.businessDate }]);
  setCurrentDetails(`${input.campaign}, night of ${night.businessDate}: ${night.state}`);
  return night;
}
