import type { BatchRef } from '../../contracts/ids.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { earlierNights } from '../nights.ts';
import { readReport } from '../write-report.ts';
import { type Digest, type DigestInput, digestOf } from './digest.ts';

/** The digest of a batch as the bucket has it now; null when the batch has never closed. */
export async function readDigest(
  store: ObjectStore,
  batch: BatchRef,
  uiLink: DigestInput['uiLink'],
  signal?: AbortSignal,
): Promise<Digest | null> {
  const report = await readReport(store, batch, signal);
  if (report === null) return null;
  const earlier = await earlierNights(store, batch, signal);
  return digestOf({ report, earlier, reportUrl: store.reportUrl(report.summary.report), uiLink });
}
