/** Sending over HTTP what people are told. The addresses are secrets: they stand in no message and no log line. */

import { createHmac } from 'node:crypto';
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

export type Channel = 'slack' | 'own';

export interface Webhooks {
  /** Address of a Slack app's incoming webhook. */
  readonly slack: string | null;
  /** Any other address, which gets the digest as JSON, signed with the secret. */
  readonly own: { readonly url: string; readonly secret: string } | null;
  readonly answerWithinMs?: number;
}

/** Sends once; null: it was taken. */
type Send = (message: Message) => Promise<NotTaken | null>;

export interface NotTaken {
  readonly why: string;
  /** `no`: surely nothing arrived. `unknown`: it was sent, and no answer came. */
  readonly arrived: 'no' | 'unknown';
  /** Whether it may be taken later as it is. Never of what may have arrived. */
  readonly again: boolean;
  /** How long the other side asks to be left alone; null: it did not say. */
  readonly afterMs: number | null;
}

/** Longer than Node.js tries to connect (10 s): until then nothing was sent, and that is known. */
export const ANSWER_WITHIN_MS = 15_000;

/** What is set, by name. */
export function sendersOf({
  slack,
  own,
  answerWithinMs = ANSWER_WITHIN_MS,
}: Webhooks): readonly { readonly channel: Channel; readonly send: Send }[] {
  return [
    ...(slack === null
      ? []
      : [
          { channel: 'slack' as const, send: ({ slack: message }: Message) => toSlack(slack, message, answerWithinMs) },
        ]),
    ...(own === null
      ? []
      : [{ channel: 'own' as const, send: ({ own: message }: Message) => signed(own, message, answerWithinMs) }]),
  ];
}

async function toSlack(url: string, message: SlackMessage, timeout: number): Promise<NotTaken | null> {
  let answer: Response | null = null;
  /** The library keeps of an error that is not its realm's `Error` the text alone; under Jest those of `fetch` are not. */
  const kept: FetchFunction = async (address, init) => {
    try {
      answer = await fetch(address, { ...init, redirect: 'manual' });
      return answer;
    } catch (cause) {
      throw new Error('no answer', { cause });
    }
  };
  try {
    await new IncomingWebhook(url, { timeout, fetch: kept }).send(message);
    return null;
  } catch (error) {
    if (error instanceof IncomingWebhookHTTPError) return refused(error.statusCode, answer, error.body);
    if (!(error instanceof IncomingWebhookRequestError)) throw error;
    return byAnswer(answer) ?? unanswered(error.original.cause ?? error.original, timeout);
  }
}

/** What the status says, where only the text behind it did not arrive. Undefined: there was no answer. */
function byAnswer(answer: Response | null): NotTaken | null | undefined {
  if (answer === null) return undefined;
  return answer.ok ? null : refused(answer.status, answer);
}

async function signed(
  { url, secret }: NonNullable<Webhooks['own']>,
  message: Message['own'],
  timeout: number,
): Promise<NotTaken | null> {
  const body = JSON.stringify(message);
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-Nightreel-Signature': signatureOf(body, secret, Math.floor(Date.now() / 1000)),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeout),
    });
  } catch (error) {
    return unanswered(error, timeout);
  }
  await answer.body?.cancel();
  return answer.ok ? null : refused(answer.status, answer);
}

/** The time is signed as well, so that whoever recorded a digest cannot send it again later. */
export function signatureOf(body: string, secret: string, unixSeconds: number): string {
  const digest = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex');
  return `t=${unixSeconds},v1=${digest}`;
}

/** What stands between gives this answer when whoever is behind it gave none. */
const GATEWAY_TIMEOUT = 504;

/** Slack says why in a word such as `no_service`. Any other text may be anything. */
function refused(status: number, answer: Response | null, body = ''): NotTaken {
  const why = /^[a-z_]{1,40}$/.test(body) ? `it answered ${status} ${body}` : `it answered ${status}`;
  if (status === GATEWAY_TIMEOUT) return { why, ...UNKNOWN };
  const afterMs = retryAfterMs(answer?.headers.get('retry-after') ?? null);
  return { why, arrived: 'no', again: status >= 500 || status === 429, afterMs };
}

/** Seconds, or a date: RFC 9110, 10.2.3. */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/** Nothing is sent to a server that is not there. */
const NOT_THERE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'];
/** Nor to one whose certificate does not say who it is. */
const NOT_TRUSTED = /^ERR_TLS|^ERR_SSL|CERT/;

/** Only the code: the message may name the address. */
function unanswered(error: unknown, timeout: number): NotTaken {
  const { name, cause } = error as { readonly name?: unknown; readonly cause?: { readonly code?: unknown } };
  if (name === 'TimeoutError') return { why: `it did not answer within ${timeout / 1000} s`, ...UNKNOWN };
  const code = String(cause?.code ?? 'no answer');
  const why = `the request failed (${code})`;
  const again = NOT_THERE.includes(code);
  return again || NOT_TRUSTED.test(code) ? { why, arrived: 'no', again, afterMs: null } : { why, ...UNKNOWN };
}

const UNKNOWN = { arrived: 'unknown', again: false, afterMs: null } as const;
