import { workflowsUrl } from '../client/web-ui.ts';
import type { Settings } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import type { BatchRef } from '../contracts/ids.ts';
import { type Posted, postDigest } from '../reporting/digest/post-digest.ts';
import { readDigest } from '../reporting/digest/read-digest.ts';
import { slackMessage } from '../reporting/digest/slack.ts';
import { digestText } from '../reporting/digest/text.ts';
import { noReport } from '../reporting/write-report.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { onInterrupt } from './interrupt.ts';

export interface DigestRequest {
  readonly batch: BatchRef;
  readonly post: boolean;
  readonly json: boolean;
}

/** Prints a batch's digest, and posts it when asked to. Failure `EnvironmentInvalid` when a webhook did not take it, or none is set. */
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
  process.stdout.write(json ? `${JSON.stringify({ slack: slackMessage(digest), own: digest })}\n` : digestText(digest));
  if (!post) return;
  const posted = await postDigest({ store, webhooks, now: Date.now }, batch, digest, { again: true }, signal);
  for (const { channel, outcome } of posted) {
    if (outcome === 'posted') process.stderr.write(`Posted to ${VARIABLES[channel]}.\n`);
  }
  const failed = posted.filter(({ outcome }) => outcome === 'failed');
  if (failed.length > 0) throw new Failure('EnvironmentInvalid', failed.map(sentenceOf).join(' '));
}

/** The address itself is a secret. */
const VARIABLES = { slack: 'NIGHTREEL_SLACK_WEBHOOK', own: 'NIGHTREEL_WEBHOOK' } as const;

const sentenceOf = ({ channel, why }: Posted): string =>
  `The webhook in ${VARIABLES[channel]} did not take the digest: ${why}. Correct the address, or try again later.`;
