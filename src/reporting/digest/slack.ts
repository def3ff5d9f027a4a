/** A digest as a Slack message of Block Kit. Pure. Within Slack's limits, whatever the digest holds. */

import { count, longDate } from '../format.ts';
import type { Digest } from './digest.ts';
import { figureText, usualText } from './figures.ts';
import {
  type Blocks,
  context,
  escaped,
  failureBlocks,
  LIMITS,
  link,
  MAX_SENTENCE,
  mrkdwn,
  type SlackMessage,
} from './slack-blocks.ts';

export function slackMessage(digest: Digest): SlackMessage {
  const { summary, text } = digest;
  return {
    // What notifications show, and what is read aloud.
    text: escaped(`${summary.campaign} ${summary.businessDate}: ${text}`, LIMITS.text),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: escaped(text, LIMITS.header) } },
      context(subtitle(digest)),
      { type: 'section', fields: digest.figures.map((figure) => mrkdwn(boldThen(figureText(figure)))) },
      context(escaped(usualText(digest), LIMITS.text)),
      ...(digest.notes.length === 0 ? [] : [context(escaped(digest.notes.join(' '), LIMITS.text))]),
      ...failureBlocks(digest.failures),
      ...links(digest),
    ],
  };
}

function subtitle({ summary, attempt }: Digest): string {
  const { campaign, businessDate, recipients, rejected } = summary;
  const facts = [
    longDate(businessDate),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    `${count(recipients)} ${recipients === 1 ? 'recipient' : 'recipients'}`,
    ...(rejected > 0 ? [`${count(rejected)} ${rejected === 1 ? 'row' : 'rows'} rejected`] : []),
  ];
  return `*${escaped(campaign, MAX_SENTENCE)}* · ${escaped(facts.join(' · '), MAX_SENTENCE)}`;
}

const boldThen = ({ label, text }: { readonly label: string; readonly text: string }): string =>
  `*${escaped(label, MAX_SENTENCE)}*\n${escaped(text, MAX_SENTENCE)}`;

function links({ links: { report, ui } }: Digest): Blocks {
  const all = [link(report, 'Report'), ui === null ? null : link(ui, 'Temporal')].filter((one) => one !== null);
  return all.length === 0 ? [] : [context(...all)];
}
