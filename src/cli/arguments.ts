/** Parsers of option values: a bad one is refused at the door in one sentence. */

import { InvalidArgumentError } from 'commander';
import { CAPTURE_NAMES, isCaptureName } from '../config/capture.ts';
import { FAILURES, type FailureClass, isFailureClass } from '../contracts/failures.ts';
import {
  type BatchRef,
  type BusinessDate,
  type CampaignId,
  isBusinessDate,
  isCampaignId,
  parseBatchId,
} from '../contracts/ids.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1 up.');
  return value;
}

export function businessDate(text: string): BusinessDate {
  if (!isBusinessDate(text)) throw new InvalidArgumentError('It must be a calendar day such as 2026-11-23.');
  return text;
}

export function campaignId(text: string): CampaignId {
  if (!isCampaignId(text)) {
    throw new InvalidArgumentError(
      'A campaign is named by lower-case letters, digits and dashes, as its file in campaigns/.',
    );
  }
  return text;
}

export function batchId(text: string): BatchRef {
  const batch = parseBatchId(text);
  if (batch === null) throw new InvalidArgumentError('A batch is named as in its report: referral/2026-11-23/1.');
  return batch;
}

export function failureClass(text: string): FailureClass {
  if (!isFailureClass(text)) throw new InvalidArgumentError(`It must be one of ${Object.keys(FAILURES).join(', ')}.`);
  return text;
}

/** `on` or `off`. */
export function onOff(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('It must be on or off.');
  return text === 'on';
}

export function captureName(text: string): CaptureChoice {
  if (!isCaptureName(text)) throw new InvalidArgumentError(`It must be one of ${CAPTURE_NAMES.join(', ')}.`);
  return text;
}
