/** The object store that commands and workers of this environment would use: what it does of all that Nightreel asks. */

import { findTargets, type ObjectStoreTarget } from '../../config/connections.ts';
import { readEnvironment } from '../../config/environment.ts';
import { asFailure } from '../../contracts/failures.ts';
import { type AbortRule, findAbortRule } from '../../storage/abandoned-uploads.ts';
import { examineConformance, type Finding } from '../../storage/conformance.ts';
import { describeEndpoint, ObjectStore } from '../../storage/object-store.ts';
import { createS3Client } from '../../storage/s3-client.ts';
import { bad, type Check, fine, poor, type StoreExamination } from './check.ts';

export async function examineStore(fix: boolean, signal: AbortSignal): Promise<StoreExamination> {
  let place: Pick<StoreExamination, 'bucket' | 'endpoint'> = { bucket: null, endpoint: null };
  try {
    const { s3 } = await findTargets(readEnvironment());
    // One who renders files needs none.
    if (s3 === null)
      return { ...place, checks: [fine('object store', 'the embedded one does not run (`nightreel up`)')] };
    place = { bucket: s3.bucket, endpoint: describeEndpoint(s3.clientConfig) };
    using store = new ObjectStore(s3);
    await store.checkBucket(signal);
    return { ...place, checks: await ask(s3, fix, signal) };
  } catch (error) {
    signal.throwIfAborted();
    const { message, failureClass } = asFailure(error);
    return { ...place, checks: [bad('object store', message, `Nothing more was asked (${failureClass}).`)] };
  }
}

async function ask({ clientConfig, bucket, encryption }: ObjectStoreTarget, fix: boolean, signal: AbortSignal) {
  const client = createS3Client(clientConfig);
  try {
    const findings = await examineConformance({ client, bucket, encryption }, signal);
    const rule = await findAbortRule({ client, bucket }, { install: fix }, signal);
    return [...findings.map(checkOf), checkOfRule(rule)];
  } finally {
    client.destroy();
  }
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
