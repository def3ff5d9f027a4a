import { ApplicationFailure } from '@temporalio/workflow';
import type { BackfillInput, NightlyBatchInput } from '../contracts/batch.ts';
import { isBusinessDate, isCampaignId } from '../contracts/ids.ts';

const isPositive = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;

function refuse(problem: string): never {
  throw ApplicationFailure.create({ type: 'CampaignInvalid', message: problem, nonRetryable: true });
}

/** People start batches by hand, too, with `temporal workflow start --input`: a slip is told at once. */
export function assertNightlyInput(input: Partial<NightlyBatchInput> | undefined): asserts input is NightlyBatchInput {
  const { campaign, businessDate, recipientLimit, csvKey } = input ?? {};
  if (typeof campaign !== 'string' || !isCampaignId(campaign)) {
    refuse('The input needs a campaign: {"campaign":"referral"}.');
  }
  if (businessDate !== undefined && (typeof businessDate !== 'string' || !isBusinessDate(businessDate))) {
    refuse('businessDate must be a calendar day such as "2026-11-23".');
  }
  if (recipientLimit !== undefined && !isPositive(recipientLimit))
    refuse('recipientLimit must be a whole number from 1.');
  if (csvKey !== undefined && typeof csvKey !== 'string') refuse('csvKey must be the key of an uploaded CSV.');
}

export function assertBackfillInput(input: Partial<BackfillInput> | undefined): asserts input is BackfillInput {
  const { campaign, businessDate, attempt } = input?.batch ?? {};
  const isWhole =
    typeof campaign === 'string' &&
    isCampaignId(campaign) &&
    typeof businessDate === 'string' &&
    isBusinessDate(businessDate) &&
    isPositive(attempt);
  if (!isWhole) {
    refuse('The input names one batch: {"batch":{"campaign":"referral","businessDate":"2026-11-20","attempt":1}}.');
  }
}
