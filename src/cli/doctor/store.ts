/** The object store that commands and workers of this environment would use: what it does of all that Nightreel asks. */

import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectStoreTarget } from '../../config/connections.ts';
import { asFailure } from '../../contracts/failures.ts';
import { type AbortRule, findAbortRule } from '../../storage/abandoned-uploads.ts';
import { examineConformance, type Finding } from '../../storage/conformance.ts';
import { describeEndpoint, ObjectStore } from '../../storage/object-store.ts';
import { createS3Client } from '../../storage/s3-client.ts';
import { bad, type Check, fine, poor, type StoreExamination } from './check.ts';
import { aheadBy, checkServerClock } from './clock.ts';
import { withinLimit } from './limit.ts';

/** The first answer. */
const ANSWER_WITHIN_MS = 10_000;
/** All questions; each has a limit of its own, too. */
const ALL_WITHIN_MS = 120_000;
/** HTTP tells the time in whole seconds. */
const DATE_STEP_MS = 1_000;

/** @param s3 null: the embedded one does not run, and one who renders files needs none. */
export async function examineStore(
  s3: ObjectStoreTarget | null,
  fix: boolean,
  signal: AbortSignal,
): Promise<StoreExamination> {
  if (s3 === null) {
    const checks = [fine('object store', 'the embedded one does not run (`nightreel up`)')];
    return { bucket: null, endpoint: null, checks };
  }
  const place = { bucket: s3.bucket, endpoint: describeEndpoint(s3.clientConfig) };
  const client = createS3Client(s3.clientConfig);
  const dates = watchDates(client);
  try {
    using store = new ObjectStore(s3);
    const limit = { who: place.endpoint, failureClass: 'StorageUnavailable' } as const;
    await withinLimit({ ...limit, ms: ANSWER_WITHIN_MS }, signal, (limited) => store.checkBucket(limited));
    const checks = await withinLimit({ ...limit, ms: ALL_WITHIN_MS }, signal, (limited) =>
      ask(client, s3, fix, limited),
    );
    const ahead = dates();
    return { ...place, checks: ahead === null ? checks : [...checks, checkServerClock(ahead)] };
  } catch (error) {
    signal.throwIfAborted();
    const { message, failureClass } = asFailure(error);
    return { ...place, checks: [bad('object store', message, `Nothing more was asked (${failureClass}).`)] };
  } finally {
    client.destroy();
  }
}

async function ask(
  client: S3Client,
  { bucket, encryption }: ObjectStoreTarget,
  fix: boolean,
  signal: AbortSignal,
): Promise<Check[]> {
  const findings = await examineConformance({ client, bucket, encryption }, signal);
  const rule = await findAbortRule({ client, bucket }, { install: fix }, signal);
  return [...findings.map(checkOf), checkOfRule(rule)];
}

/** By how much the server's clock is ahead of ours, by the `Date` of its last answer; null while it has told none. */
function watchDates(client: S3Client): () => number | null {
  let ahead: number | null = null;
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = Date.now();
      const answer = await next(args);
      const { headers } = answer.response as { readonly headers?: Readonly<Record<string, string>> };
      const date = Date.parse(headers?.['date'] ?? '');
      const server = { from: date, to: date + DATE_STEP_MS };
      if (!Number.isNaN(date)) ahead = aheadBy({ server, own: { sentAt, seenAt: Date.now() } });
      return answer;
    },
    { step: 'deserialize', priority: 'low', name: 'watchDates' },
  );
  return () => ahead;
}

function checkOf({ name, works, isNeeded, found, consequence }: Finding): Check {
  if (works) return fine(name, found);
  return (isNeeded ? bad : poor)(name, found, consequence ?? '');
}

const BY_HAND = 'Abort by hand, now and then, what `aws s3api list-multipart-uploads` shows.';

function checkOfRule(rule: AbortRule): Check {
  const name = 'abandoned uploads';
  switch (rule.state) {
    case 'there': {
      const found = `aborted after ${rule.days} ${rule.days === 1 ? 'day' : 'days'} by a lifecycle rule`;
      return fine(name, rule.isNew ? `${found}, installed now; other rules kept: ${rule.others}` : found);
    }
    case 'absent':
      return poor(name, 'no lifecycle rule aborts them', '`nightreel doctor --fix` installs one and keeps all others.');
    case 'unsupported':
      return poor(name, `this server has no lifecycle rules (${rule.answer})`, BY_HAND);
    case 'dropped':
      return poor(name, `this server does not keep a lifecycle rule for them (${rule.answer})`, BY_HAND);
    case 'refused':
      return poor(
        name,
        `the lifecycle rules may not be read or written (${rule.answer})`,
        'Give the right to s3:GetLifecycleConfiguration and s3:PutLifecycleConfiguration, or have the rule installed.',
      );
  }
}
