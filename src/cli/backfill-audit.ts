/** Who asked for a backfill, kept in the bucket: Temporal forgets closed workflows after its retention. */

import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { type CampaignId, objectKeys } from '../contracts/ids.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** What was asked: names, dates, keys of variants; nobody's data. */
export interface BackfillAsked {
  readonly campaign: CampaignId;
  readonly workflowIds: readonly string[];
  readonly [what: string]: unknown;
}

/** Written once it was taken. Returns the object's key. */
export async function writeAudit(store: ObjectStore, asked: BackfillAsked): Promise<string> {
  const at = new Date().toISOString();
  const key = objectKeys.backfillAsked(asked.campaign, `${at}-${randomUUID().slice(0, 8)}`);
  const by = `${userInfo().username}@${hostname()}`;
  await store.put(key, JSON.stringify({ at, by, ...asked }, null, 2), { contentType: 'application/json' });
  return key;
}
