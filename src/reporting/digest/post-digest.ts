import { asFailure, Failure } from '../../contracts/failures.ts';
import { type BatchRef, batchIdOf, objectKeys } from '../../contracts/ids.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Digest, DigestInput } from './digest.ts';
import { claim, LEASE_MS, type OutboxDeps, settle } from './outbox.ts';
import { readDigest } from './read-digest.ts';
import { slackMessage } from './slack.ts';
import { type Channel, DELIVERED_WITHIN_MS, deliver, type Message, sendersOf, type Webhooks } from './webhooks.ts';

/** Reading, waiting for somebody who was posting, and posting. */
export const LIMIT_MS = LEASE_MS + DELIVERED_WITHIN_MS + 5_000;

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
  /** Of one that failed: it surely did not arrive, and may later. */
  readonly again: boolean;
}

/** Posts the digest of a batch that has closed, once, or logs it where there is no webhook. Throws nothing: a batch never fails for its digest. */
export async function announceBatch(deps: AnnounceDeps, batch: BatchRef, signal: AbortSignal): Promise<void> {
  const { store, uiLink, log } = deps;
  const batchId = batchIdOf(batch);
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const digest = await readDigest(store, batch, uiLink, limited);
    if (digest === null) throw new Failure('Internal', `There is no report of batch ${batchId}.`);
    const posted = await postDigest(deps, batch, digest, { again: false }, limited);
    if (posted.length === 0) log.info({ digest }, digest.text);
    logPosted(log, { batch: batchId }, posted);
  } catch (error) {
    const reason = asFailure(error).message;
    log.warn({ batch: batchId, reason }, 'the digest was not posted, or nobody could write down that it was');
  }
}

export function logPosted(log: Logger, of: object, posted: readonly Posted[]): void {
  for (const { channel, outcome, why } of posted) {
    if (outcome === 'failed') log.warn({ ...of, channel, reason: why }, 'the digest was not posted');
    else log.info({ ...of, channel, outcome }, 'digest');
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
  const message = { own: digest, slack: slackMessage(digest) };
  return await postTo(deps, { message, keyOf: (channel) => objectKeys.digest(batch, channel), again }, signal);
}

export interface PostRequest {
  readonly message: Message;
  /** Where it is written down that it was posted. */
  readonly keyOf: (channel: Channel | 'log') => string;
  readonly again: boolean;
}

/** Posts something to every webhook that is set, once to each. */
export async function postTo(
  deps: PostDeps,
  { message, keyOf, again }: PostRequest,
  signal: AbortSignal,
): Promise<readonly Posted[]> {
  return await Promise.all(
    sendersOf(deps.webhooks).map(async ({ channel, send }): Promise<Posted> => {
      const claimed = await claim(deps, { key: keyOf(channel), again }, signal);
      if (claimed === null) return { channel, outcome: 'posted before', why: null, again: false };
      const refused = await deliver(send, message, signal);
      await settle(deps, claimed, refused?.why ?? null, signal);
      if (refused === null) return { channel, outcome: 'posted', why: null, again: false };
      return { channel, outcome: 'failed', ...refused };
    }),
  );
}
