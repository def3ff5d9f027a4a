/** The bucket's rule that aborts uploads in parts which nobody completes: their parts are paid for and seen nowhere. */

import {
  GetBucketLifecycleConfigurationCommand,
  type GetBucketLifecycleConfigurationCommandOutput,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { codesOf, statusOf } from './storage-failure.ts';

const RULE_ID = 'nightreel-abort-incomplete-uploads';
/** An upload takes minutes, and the next attempt begins within an hour. */
const DAYS = 1;

/** `absent`: the server has rules, and none for this; `unsupported`: it has no rules at all; `refused`: it did not let us look or write. */
export type AbortRule =
  | { readonly state: 'there'; readonly days: number; readonly others: number; readonly isNew: boolean }
  | { readonly state: 'absent'; readonly others: number }
  | { readonly state: 'unsupported' | 'refused' | 'dropped'; readonly answer: string };

type Configuration = Partial<GetBucketLifecycleConfigurationCommandOutput>;

interface Bucket {
  readonly client: S3Client;
  readonly bucket: string;
}

/** Whether there is such a rule for the whole bucket; with `install`, adds one and keeps all others. Throws only when `signal` aborts. */
export async function findAbortRule(
  { client, bucket }: Bucket,
  { install }: { readonly install: boolean },
  signal: AbortSignal,
): Promise<AbortRule> {
  const read = async (): Promise<Configuration> => {
    try {
      return await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }), { abortSignal: signal });
    } catch (error) {
      if (codesOf(error).includes('NoSuchLifecycleConfiguration')) return {};
      throw error;
    }
  };
  try {
    const before = await read();
    const found = judge(before);
    if (found.state !== 'absent' || !install) return found;
    await client.send(withRule(bucket, before), { abortSignal: signal });
    const after = judge(await read());
    if (after.state !== 'there') return { state: 'dropped', answer: 'accepted, and not kept' };
    return { ...after, isNew: true };
  } catch (error) {
    signal.throwIfAborted();
    const answer = [statusOf(error) ?? 'no answer', codesOf(error)[0]].filter((part) => part !== undefined).join(' ');
    const isUnknown = [405, 501].includes(statusOf(error) ?? 0) || codesOf(error).includes('NotImplemented');
    return { state: isUnknown ? 'unsupported' : 'refused', answer };
  }
}

function judge({ Rules = [] }: Configuration): AbortRule {
  const rule = Rules.find(
    (candidate) => candidate.Status === 'Enabled' && isForAll(candidate) && daysOf(candidate) > 0,
  );
  if (rule === undefined) return { state: 'absent', others: Rules.length };
  return { state: 'there', days: daysOf(rule), others: Rules.length - 1, isNew: false };
}

const daysOf = (rule: LifecycleRule): number => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? 0;

/** A rule without a filter, or with one that lets every key pass. */
const isForAll = ({ Filter, Prefix }: LifecycleRule): boolean =>
  (Prefix ?? '') === '' &&
  (Filter === undefined || Object.entries(Filter).every(([name, value]) => name === 'Prefix' && value === ''));

const withRule = (bucket: string, before: Configuration): PutBucketLifecycleConfigurationCommand =>
  new PutBucketLifecycleConfigurationCommand({
    Bucket: bucket,
    TransitionDefaultMinimumObjectSize: before.TransitionDefaultMinimumObjectSize,
    LifecycleConfiguration: {
      Rules: [
        ...(before.Rules ?? []).filter(({ ID }) => ID !== RULE_ID),
        {
          ...{ ID: RULE_ID, Status: 'Enabled', Filter: { Prefix: '' } },
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: DAYS },
        },
      ],
    },
  });
