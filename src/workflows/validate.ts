import { ApplicationFailure } from '@temporalio/workflow';
import type { WatchNightInput } from '../contracts/alarms.ts';
import type { BackfillInput, NightlyBatchInput } from '../contracts/batch.ts';
import { FAILURES, isFailureClass } from '../contracts/failures.ts';
import { isBusinessDate, isCampaignId } from '../contracts/ids.ts';
import {
  MAX_WINDOW,
  type PauseRequest,
  RUNNING_CHOICES,
  type StopRequest,
  type WindowRequest,
} from '../contracts/steering.ts';

const isPositive = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;

export function refuse(problem: string): never {
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
  const { failureClass, variantsKey, window } = input ?? {};
  if (failureClass !== undefined && !isFailureClass(failureClass)) {
    refuse(`failureClass must be one of ${Object.keys(FAILURES).join(', ')}.`);
  }
  if (variantsKey !== undefined && typeof variantsKey !== 'string') {
    refuse('variantsKey must be the key of an uploaded list of variant keys.');
  }
  if (window !== undefined) assertWindowRequest({ window });
}

export function assertWatchInput(input: Partial<WatchNightInput> | undefined): asserts input is WatchNightInput {
  const { campaign, days, at, timeZone } = input ?? {};
  const isWhole =
    typeof campaign === 'string' &&
    isCampaignId(campaign) &&
    Array.isArray(days) &&
    days.length > 0 &&
    typeof at === 'string' &&
    typeof timeZone === 'string';
  if (!isWhole) {
    refuse(
      'The input says when nights begin: {"campaign":"referral","days":["Mon","Tue"],"at":"23:00","timeZone":"America/New_York"}.',
    );
  }
}

const MAX_REASON = 500;

export function assertPauseRequest(request: PauseRequest | undefined): void {
  const reason: unknown = request?.reason;
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON)) {
    refuse(`The reason must be text of at most ${MAX_REASON} characters: {"reason":"the logo is wrong"}.`);
  }
}

export function assertWindowRequest(request: Partial<WindowRequest> | undefined): void {
  const window: unknown = request?.window;
  if (!isPositive(window) || Number(window) > MAX_WINDOW) {
    refuse(
      `The window must be a whole number from 1 to ${MAX_WINDOW}: {"window":16}. To start nothing, pause the batch.`,
    );
  }
}

export function assertStopRequest(request: StopRequest | undefined): void {
  const running: unknown = request?.running;
  if (running !== undefined && !RUNNING_CHOICES.some((choice) => choice === running)) {
    refuse('running must be "finish" or "abort": {"running":"finish"}.');
  }
}
