import { asFailure, Failure } from '../../contracts/failures.ts';
import { type BatchRef, batchIdOf, objectKeys } from '../../contracts/ids.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Digest, DigestInput } from './digest.ts';
import { claim, LEASE_MS, type OutboxDeps, settle } from './outbox.ts';
import { readDigest } from './read-digest.ts';
import { type Channel, DELIVERED_WITHIN_MS, deliver, sendersOf, type Webhooks } from './webhooks.ts';

/** Reading, waiting for somebody who was posting, and posting. */
const LIMIT_MS = LEASE_MS + DELIVERED_WITHIN_MS + 5_000;

export interface PostDeps extends OutboxDeps {
  readonly webhooks: Webhooks;
}

export interface AnnounceDeps extends PostDeps {
  readonly uiLink: DigestInput['uiLink'];
  readonly log: Logger;
}

/** What became of a digest in one channel. */
export interface Posted {
  readonly channel: Channel;
  readonly outcome: 'posted' | 'posted before' | 'failed';
  /** Of one that failed. */
  readonly why: string | null;
}

/** Posts the digest of a batch that has closed, once, or logs it where there is no webhook. Throws nothing: a batch never fails for its digest. */
export async function announceBatch(deps: AnnounceDeps, batch: BatchRef, signal: AbortSignal): Promise<void> {
  const { store, webhooks, uiLink, log } = deps;
  const batchId = batchIdOf(batch);
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const digest = await readDigest(store, batch, uiLink, limited);
    if (digest === null) throw new Failure('Internal', `There is no report of batch ${batchId}.`);
    if (sendersOf(webhooks).length === 0) log.info({ digest }, digest.text);
    for (const { channel, outcome, why } of await postDigest(deps, batch, digest, { again: false }, limited)) {
      if (outcome === 'failed') log.warn({ batch: batchId, channel, reason: why }, 'the digest was not posted');
      else log.info({ batch: batchId, channel, outcome }, 'digest');
    }
  } catch (error) {
    const reason = asFailure(error).message;
    log.warn({ batch: batchId, reason }, 'the digest was not posted, or nobody could write down that it was');
  }
}

/**
 * Posts a digest to every webhook that is set.
 * @param again also where it was posted before.
 */
export async function postDigest(
  deps: PostDeps,
  batch: BatchRef,
  digest: Digest,
  { again }: { readonly again: boolean },
  signal: AbortSignal,
): Promise<readonly Posted[]> {
  return await Promise.all(
    sendersOf(deps.webhooks).map(async ({ channel, send }): Promise<Posted> => {
      const claimed = await claim(deps, { key: objectKeys.digest(batch, channel), again }, signal);
      if (claimed === null) return { channel, outcome: 'posted before', why: null };
      const why = await deliver(send, digest, signal);
      await settle(deps, claimed, why, signal);
      return { channel, outcome: why === null ? 'posted' : 'failed', why };
    }),
  );
}
