import { setTimeout as sleep } from 'node:timers/promises';
import { asFailure, Failure } from '../../contracts/failures.ts';
import { type BatchRef, batchIdOf, objectKeys } from '../../contracts/ids.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Digest, DigestInput } from './digest.ts';
import { claim, type Entry, type OutboxDeps, SETTLED_WITHIN_MS, settle } from './outbox.ts';
import { readDigest } from './read-digest.ts';
import { slackMessage } from './slack.ts';
import { ANSWER_WITHIN_MS, type Channel, type Message, type NotTaken, sendersOf, type Webhooks } from './webhooks.ts';

/** One try: reading, waiting for somebody who was posting, and posting. */
export const LIMIT_MS = 2 * ANSWER_WITHIN_MS + 2 * SETTLED_WITHIN_MS + 5_000;

/** Between tries; the last one from then on. */
const PAUSES_MS = [500, 5_000, 15_000, 30_000, 60_000];
/** So long a digest is tried that surely did not arrive. */
export const PATIENCE_MS = 5 * 60_000;

export interface PostDeps extends OutboxDeps {
  readonly webhooks: Webhooks;
}

export interface AnnounceDeps extends PostDeps {
  readonly uiLink: DigestInput['uiLink'];
  readonly log: Logger;
  readonly pausesMs?: readonly number[];
}

/** What became of a digest in one channel. */
export interface Posted {
  readonly channel: Channel;
  /** `unknown`: it was sent, by this try or one before, and nobody knows whether it arrived. Only a person posts it again. */
  readonly outcome: 'posted' | 'posted before' | 'failed' | 'unknown';
  /** Of one that failed or is unknown. */
  readonly why: string | null;
  /** Of one that failed: it surely did not arrive, and may later. */
  readonly again: boolean;
  /** Of one that failed: how long the other side asks to be left alone. */
  readonly afterMs: number | null;
}

/**
 * Posts the digest of a batch that has closed, once, or logs it where there is no webhook. What surely did not arrive is tried again for
 * `patienceMs`. A batch never fails for its digest: it throws only when `signal` ends it, so that another worker goes on.
 */
export async function announceBatch(
  deps: AnnounceDeps,
  batch: BatchRef,
  signal: AbortSignal,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const { log, pausesMs = PAUSES_MS } = deps;
  const of = { batch: batchIdOf(batch) };
  const untilMs = performance.now() + patienceMs;
  let channels: readonly Channel[] | null = null;
  for (let tried = 0; ; tried += 1) {
    const { posted, problem } = await announceOnce(deps, batch, channels, signal);
    const left = posted.filter(({ again }) => again);
    const pauseMs = Math.max(
      pausesMs[Math.min(tried, pausesMs.length - 1)] ?? 0,
      ...left.map(({ afterMs }) => afterMs ?? 0),
    );
    const isOver = (left.length === 0 && problem?.again !== true) || performance.now() + pauseMs > untilMs;
    logPosted(log, of, isOver ? posted : posted.filter(({ again }) => !again));
    if (isOver && problem !== null) log.warn({ ...of, reason: problem.why }, NOT_DONE);
    if (isOver) return;
    for (const { channel, why } of left) log.info({ ...of, channel, reason: why, pauseMs }, LATER);
    if (problem !== null) log.info({ ...of, reason: problem.why, pauseMs }, LATER);
    else channels = left.map(({ channel }) => channel);
    await sleep(pauseMs, undefined, { signal });
  }
}

const LATER = 'the digest was not posted; it is tried again after a pause';
const NOT_DONE = 'the digest was not posted, or nobody could write down that it was';

interface Announced {
  readonly posted: readonly Posted[];
  /** Why nobody could tell what became of it; `again`: the store may answer later. */
  readonly problem: { readonly why: string; readonly again: boolean } | null;
}

/** @param channels null: all that are set. */
async function announceOnce(
  deps: AnnounceDeps,
  batch: BatchRef,
  channels: readonly Channel[] | null,
  signal: AbortSignal,
): Promise<Announced> {
  const { store, uiLink, log } = deps;
  const limit = AbortSignal.timeout(LIMIT_MS);
  const limited = AbortSignal.any([signal, limit]);
  try {
    const digest = await readDigest(store, batch, uiLink, limited);
    if (digest === null) throw new Failure('Internal', `There is no report of batch ${batchIdOf(batch)}.`);
    const posted = await postDigest(deps, batch, digest, { again: false, channels }, limited);
    if (posted.length === 0) log.info({ digest }, digest.text);
    return { posted, problem: null };
  } catch (error) {
    if (signal.aborted) throw error;
    const { failureClass, message } = asFailure(error);
    return { posted: [], problem: { why: message, again: limit.aborted || failureClass === 'StorageUnavailable' } };
  }
}

export function logPosted(log: Logger, of: object, posted: readonly Posted[]): void {
  for (const { channel, outcome, why } of posted) {
    if (outcome === 'failed') log.warn({ ...of, channel, reason: why }, 'the digest was not posted');
    else if (outcome === 'unknown') log.warn({ ...of, channel, reason: why }, UNKNOWN);
    else log.info({ ...of, channel, outcome }, 'digest');
  }
}

const UNKNOWN = 'nobody knows whether the digest arrived; it is not posted again by itself';

export interface PostOptions {
  /** Also where it was posted before, or may have been. */
  readonly again: boolean;
  /** Null or left out: all that are set. */
  readonly channels?: readonly Channel[] | null;
}

/** Posts a digest to every webhook that is set. */
export async function postDigest(
  deps: PostDeps,
  batch: BatchRef,
  digest: Digest,
  options: PostOptions,
  signal: AbortSignal,
): Promise<readonly Posted[]> {
  const message = { own: digest, slack: slackMessage(digest) };
  return await postTo(deps, { message, keyOf: (channel) => objectKeys.digest(batch, channel), ...options }, signal);
}

export interface PostRequest extends PostOptions {
  readonly message: Message;
  /** Where it is written down that it was posted. */
  readonly keyOf: (channel: Channel | 'log') => string;
}

/** Posts something to every webhook that is set, once to each. */
export async function postTo(
  deps: PostDeps,
  { message, keyOf, again, channels = null }: PostRequest,
  signal: AbortSignal,
): Promise<readonly Posted[]> {
  const leaseMs = (deps.webhooks.answerWithinMs ?? ANSWER_WITHIN_MS) + SETTLED_WITHIN_MS;
  const senders = sendersOf(deps.webhooks).filter(({ channel }) => channels?.includes(channel) ?? true);
  return await Promise.all(
    senders.map(async ({ channel, send }): Promise<Posted> => {
      const claimed = await claim(deps, { key: keyOf(channel), again, leaseMs }, signal);
      if ('state' in claimed) return { channel, ...before(claimed) };
      const notTaken = await send(message);
      // A worker that is being stopped writes down what it has sent all the same.
      await settle(deps, claimed, notTaken, AbortSignal.timeout(SETTLED_WITHIN_MS));
      return { channel, ...outcomeOf(notTaken) };
    }),
  );
}

const before = ({ state, why }: Entry): Omit<Posted, 'channel'> =>
  state === 'posted'
    ? { outcome: 'posted before', why: null, again: false, afterMs: null }
    : { outcome: 'unknown', why: why ?? null, again: false, afterMs: null };

function outcomeOf(notTaken: NotTaken | null): Omit<Posted, 'channel'> {
  if (notTaken === null) return { outcome: 'posted', why: null, again: false, afterMs: null };
  const { why, arrived, again, afterMs } = notTaken;
  return { outcome: arrived === 'no' ? 'failed' : 'unknown', why, again, afterMs };
}
