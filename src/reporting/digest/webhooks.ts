/** Sending over HTTP what people are told. The addresses are secrets: they stand in no message and no log line. */

import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type FetchFunction,
  IncomingWebhook,
  IncomingWebhookHTTPError,
  IncomingWebhookRequestError,
} from '@slack/webhook';
import type { Alarm } from './alarm.ts';
import type { Digest } from './digest.ts';
import type { SlackMessage } from './slack-blocks.ts';

/** The same in both forms: the JSON for a webhook of one's own, and the message to Slack. */
export interface Message {
  readonly own: Digest | Alarm;
  readonly slack: SlackMessage;
}

export interface Webhooks {
  /** Address of a Slack app's incoming webhook. */
  readonly slack: string | null;
  /** Any other address, which gets the digest as JSON, signed with the secret. */
  readonly own: { readonly url: string; readonly secret: string } | null;
}

export type Channel = keyof Webhooks;

/** Sends once; null: it was taken. */
type Send = (message: Message) => Promise<NotTaken | null>;

export interface NotTaken {
  readonly why: string;
  /** Whether it may be sent again at once: the other side has said no, or was not there. */
  readonly again: boolean;
}

const ANSWER_WITHIN_MS = 3_000;
const PAUSE_MS = 500;
/** The longest that `deliver` takes. */
export const DELIVERED_WITHIN_MS = 2 * ANSWER_WITHIN_MS + PAUSE_MS;

/** What is set, by name. */
export function sendersOf({ slack, own }: Webhooks): readonly { readonly channel: Channel; readonly send: Send }[] {
  return [
    ...(slack === null
      ? []
      : [{ channel: 'slack' as const, send: (message: Message) => sendToSlack(slack, message.slack) }]),
    ...(own === null ? [] : [{ channel: 'own' as const, send: (message: Message) => sendSigned(own, message.own) }]),
  ];
}

/** Sends, a second time where the first surely did not arrive. Null: it was taken; else why not. */
export async function deliver(send: Send, message: Message, signal: AbortSignal): Promise<NotTaken | null> {
  const first = await send(message);
  if (first === null || !first.again) return first;
  await sleep(PAUSE_MS, undefined, { signal });
  return await send(message);
}

async function sendToSlack(url: string, message: SlackMessage): Promise<NotTaken | null> {
  try {
    await new IncomingWebhook(url, { timeout: ANSWER_WITHIN_MS, fetch: wrappedFetch }).send(message);
    return null;
  } catch (error) {
    if (error instanceof IncomingWebhookHTTPError) return refused(error.statusCode, error.body);
    if (error instanceof IncomingWebhookRequestError) return unanswered(error.original.cause ?? error.original);
    throw error;
  }
}

/** The library keeps of an error that is not its realm's `Error` the text alone; under Jest those of `fetch` are not. */
const wrappedFetch: FetchFunction = async (url, init) => {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw new Error('no answer', { cause });
  }
};

async function sendSigned(
  { url, secret }: NonNullable<Webhooks['own']>,
  message: Message['own'],
): Promise<NotTaken | null> {
  const body = JSON.stringify(message);
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-Nightreel-Signature': signatureOf(body, secret, Math.floor(Date.now() / 1000)),
      },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    await answer.body?.cancel();
    return answer.ok ? null : refused(answer.status);
  } catch (error) {
    return unanswered(error);
  }
}

/** The time is signed as well, so that whoever recorded a digest cannot send it again later. */
export function signatureOf(body: string, secret: string, unixSeconds: number): string {
  const digest = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex');
  return `t=${unixSeconds},v1=${digest}`;
}

/** Slack says why in a word such as `no_service`. Any other text may be anything. */
const refused = (status: number, body = ''): NotTaken => ({
  why: /^[a-z_]{1,40}$/.test(body) ? `it answered ${status} ${body}` : `it answered ${status}`,
  again: status >= 500 || status === 429,
});

/** Nothing was sent to a server that is not there. */
const NOT_THERE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];

/** Only the code: the message may name the address. */
function unanswered(error: unknown): NotTaken {
  const { name, cause } = error as { readonly name?: unknown; readonly cause?: { readonly code?: unknown } };
  if (name === 'TimeoutError') return { why: `it did not answer within ${ANSWER_WITHIN_MS / 1000} s`, again: false };
  const code = String(cause?.code ?? 'no answer');
  return { why: `the request failed (${code})`, again: NOT_THERE.includes(code) };
}
