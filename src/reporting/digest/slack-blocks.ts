/** What Slack messages are made of. Pure. Within Slack's limits, whatever is shown. */

import type { IncomingWebhookSendArguments } from '@slack/webhook';
import { count, WHO_ACTS } from '../format.ts';
import type { Digest } from './digest.ts';

export type SlackMessage = Required<Pick<IncomingWebhookSendArguments, 'text' | 'blocks'>>;
export type Blocks = SlackMessage['blocks'];

/** https://docs.slack.dev/reference/block-kit/blocks: characters of a header, a section's text, a field; of a message's text 40,000. */
export const LIMITS = { header: 150, text: 3_000, field: 2_000 } as const;
export const MAX_SENTENCE = 1_000;
/** A longer link is left out: cut off it leads nowhere. */
const MAX_LINK = 1_500;
/** Of the classes that failed; the others are counted. */
const MAX_CLASSES = 5;

export function failureBlocks(classes: Digest['failures']): Blocks {
  if (classes.length === 0) return [];
  const rest = classes.slice(MAX_CLASSES);
  return [
    { type: 'divider' },
    ...classes.slice(0, MAX_CLASSES).map(({ failureClass, actor, sentence, count: number, ui }) => {
      const look = ui === null ? null : link(ui, 'Look at them');
      const head = `*${count(number)} × ${failureClass}* · ${WHO_ACTS[actor]}`;
      const text = [head, escaped(sentence, MAX_SENTENCE), ...(look === null ? [] : [look])].join('\n');
      return { type: 'section', text: mrkdwn(text) } as const;
    }),
    ...(rest.length === 0 ? [] : [context(restText(rest))]),
  ];
}

function restText(rest: Digest['failures']): string {
  const variants = rest.reduce((sum, { count: number }) => sum + number, 0);
  return `And ${count(variants)} of ${rest.length === 1 ? 'another class' : `${count(rest.length)} other classes`}.`;
}

/** Slack makes links of web addresses only; another one is shown as it is. Null: it is too long. */
export function link(url: string, label: string): string | null {
  const text = escapedWhole(url.replaceAll('|', '%7C'));
  if (text.length > MAX_LINK) return null;
  return /^https?:/.test(url) ? `<${text}|${label}>` : `${label}: ${text}`;
}

export const mrkdwn = (text: string) => ({ type: 'mrkdwn', text }) as const;
export const context = (...texts: readonly string[]) => ({ type: 'context', elements: texts.map(mrkdwn) }) as const;

/** https://docs.slack.dev/messaging/formatting-message-text#escaping: these three, and no others. */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escapedWhole = (text: string): string => text.replace(/[&<>]/g, (character) => ENTITIES[character] ?? '');

/** Escaped, and no longer than `limit` then: cut off between two characters, with an ellipsis. */
export function escaped(text: string, limit: number): string {
  const whole = escapedWhole(text);
  if (whole.length <= limit) return whole;
  let cut = '';
  for (const character of text) {
    const next = escapedWhole(character);
    if (cut.length + next.length >= limit) break;
    cut += next;
  }
  return `${cut}…`;
}
