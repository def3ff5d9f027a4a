import { loadCampaign } from '../config/campaign.ts';
import type { Settings } from '../config/settings.ts';
import { FAILURES, Failure, isFailureClass } from '../contracts/failures.ts';
import { type BatchRef, type CampaignId, parseBatchId, workflowIds } from '../contracts/ids.ts';
import { ManifestReader } from '../planning/manifest-reader.ts';
import { type RecipientStatus, recipientStatus } from '../reporting/recipient.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { visible } from './visible.ts';

export interface RecipientRequest {
  readonly campaign: CampaignId;
  readonly recipientId: string;
  readonly batch: BatchRef | null;
  readonly json: boolean;
}

/** Looks one recipient up and returns what to print. */
export async function runRecipient(
  settings: Settings,
  { campaign: id, recipientId, batch, json }: RecipientRequest,
): Promise<string> {
  const campaign = await loadCampaign(settings.root, id);
  if (batch !== null && batch.campaign !== id) {
    throw new Failure('CampaignInvalid', `That batch is of campaign '${batch.campaign}', not of '${id}'.`);
  }
  using store = new ObjectStore(settings.s3);
  await store.checkBucket();
  const question = { campaign: id, pointerKey: campaign.pointerKey, recipientId, batch };
  const status = await recipientStatus({ store, manifests: new ManifestReader(store) }, question);
  return json ? `${JSON.stringify(status)}\n` : visible(recipientText(status));
}

/** For people: what is shown now, then what became of them. */
export function recipientText({ recipientId, campaign, pointer, batch, owed }: RecipientStatus): string {
  const variantKey = batch !== null && 'variantKey' in batch ? batch.variantKey : null;
  const ref = batch === null ? null : parseBatchId(batch.batchId);
  const lines = [
    ['shown', shownText(pointer.content)],
    ['pointer', pointer.key],
    ['batch', batch === null ? `campaign '${campaign}' has none yet` : `${batch.batchId}: ${outcomeText(batch)}`],
    ...(ref === null || variantKey === null
      ? []
      : [
          ['variant', variantKey],
          ['workflow', workflowIds.variant(ref, variantKey)],
        ]),
    ...(owed === null ? [] : [['owed', `a video, since ${owed.businessDate} (${owed.reason}); the next night tries`]]),
  ];
  return `${recipientId}\n${lines.map(([title = '', text = '']) => `  ${title.padEnd(9)} ${text}\n`).join('')}`;
}

function shownText(content: RecipientStatus['pointer']['content']): string {
  if (content === null) return 'no video';
  const from = `${content.campaign}/${content.businessDate}/${content.attempt}`;
  return 'withdrawn' in content ? `no video, withdrawn by ${from}` : `${content.url}, by ${from}`;
}

function outcomeText(batch: NonNullable<RecipientStatus['batch']>): string {
  switch (batch.outcome) {
    case 'failed':
      return `failed, ${batch.reason}: ${batch.message}${isFailureClass(batch.reason) ? ` ${FAILURES[batch.reason].sentence}` : ''}`;
    case 'rejected':
      return `rejected, ${batch.reason}`;
    case 'absent':
      return 'not in it: nothing of theirs had changed, or the source does not have them';
    default:
      return batch.outcome;
  }
}
