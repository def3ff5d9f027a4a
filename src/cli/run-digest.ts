import { workflowsUrl } from '../client/web-ui.ts';
import type { Settings } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import { type BatchRef, batchIdOf, objectKeys } from '../contracts/ids.ts';
import { type Entry, entryOf } from '../reporting/digest/outbox.ts';
import { type Posted, postDigest } from '../reporting/digest/post-digest.ts';
import { readDigest } from '../reporting/digest/read-digest.ts';
import { slackMessage } from '../reporting/digest/slack.ts';
import { digestText } from '../reporting/digest/text.ts';
import type { Channel } from '../reporting/digest/webhooks.ts';
import { utc } from '../reporting/format.ts';
import { noReport } from '../reporting/write-report.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { onInterrupt } from './interrupt.ts';
import { visible } from './visible.ts';

export interface DigestRequest {
  readonly batch: BatchRef;
  readonly post: boolean;
  readonly json: boolean;
}

/**
 * Prints a batch's digest and what became of it, and posts it when asked to. Failure `EnvironmentInvalid` when a webhook did not take it or
 * did not answer, or none is set.
 */
export async function runDigest(settings: Settings, { batch, post, json }: DigestRequest): Promise<void> {
  const { temporal, webhooks } = settings;
  if (post && webhooks.slack === null && webhooks.own === null) {
    throw new Failure(
      'EnvironmentInvalid',
      'There is no webhook to post to. Set NIGHTREEL_SLACK_WEBHOOK, or NIGHTREEL_WEBHOOK with NIGHTREEL_WEBHOOK_SECRET.',
    );
  }
  const signal = onInterrupt('Stopped; it may have been posted or not.');
  using store = new ObjectStore(settings.s3);
  await store.checkBucket(signal);
  const digest = await readDigest(store, batch, (query) => workflowsUrl(temporal, query), signal);
  if (digest === null) throw noReport(batch);
  const outbox = await outboxOf(store, batch, signal);
  process.stdout.write(
    json
      ? `${JSON.stringify({ slack: slackMessage(digest), own: digest, outbox })}\n`
      : visible(`${digestText(digest)}${outboxText(batch, outbox)}`),
  );
  if (!post) return;
  const posted = await postDigest({ store, webhooks, now: Date.now }, batch, digest, { again: true }, signal);
  for (const { channel, outcome } of posted) {
    if (outcome === 'posted') process.stderr.write(`Posted to ${VARIABLES[channel]}.\n`);
  }
  const failed = posted.filter(({ outcome }) => outcome === 'failed' || outcome === 'unknown');
  if (failed.length > 0) throw new Failure('EnvironmentInvalid', failed.map(sentenceOf).join(' '));
}

/** The address itself is a secret. */
const VARIABLES = { slack: 'NIGHTREEL_SLACK_WEBHOOK', own: 'NIGHTREEL_WEBHOOK' } as const;

const sentenceOf = ({ channel, outcome, why }: Posted): string =>
  outcome === 'unknown'
    ? `Nobody knows whether the webhook in ${VARIABLES[channel]} has the digest: ${why}. Look before you post it again.`
    : `The webhook in ${VARIABLES[channel]} did not take the digest: ${why}. Correct the address, or try again later.`;

type Outbox = Readonly<Record<Channel, Pick<Entry, 'state' | 'at' | 'why'> | null>>;

/** What became of the digest in each channel; null: it was never posted there. */
async function outboxOf(store: ObjectStore, batch: BatchRef, signal: AbortSignal): Promise<Outbox> {
  const of = async (channel: Channel) => {
    const entry = await entryOf(store, objectKeys.digest(batch, channel), signal);
    return entry === null ? null : { state: entry.state, at: entry.at, ...(entry.why && { why: entry.why }) };
  };
  const [slack, own] = await Promise.all([of('slack'), of('own')]);
  return { slack, own };
}

/** For a terminal, below the digest. */
export function outboxText(batch: BatchRef, outbox: Outbox): string {
  const entries = Object.entries(outbox).flatMap(([channel, entry]) => (entry === null ? [] : [{ channel, ...entry }]));
  const lines = entries.map(({ channel, state, at, why }) => {
    const because = why === undefined ? '' : `: ${why}`;
    return `  ${channel.padEnd(9)} ${STATES[state]}, ${utc(at)}${because}`;
  });
  if (entries.some(({ state }) => state === 'failed' || state === 'unknown')) {
    lines.push(`  again     nightreel digest ${batchIdOf(batch)} --post`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

const STATES: Readonly<Record<Entry['state'], string>> = {
  claimed: 'is being posted',
  posted: 'posted',
  failed: 'not posted',
  unknown: 'nobody knows whether it arrived',
};
