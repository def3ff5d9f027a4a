/** An alarm as a Slack message of Block Kit, and as lines for a terminal. Pure. */

import { longDate, utc } from '../format.ts';
import type { Alarm } from './alarm.ts';
import { context, escaped, failureBlocks, LIMITS, link, mrkdwn, type SlackMessage } from './slack-blocks.ts';

const TITLES: Readonly<Record<Alarm['kind'], string>> = {
  paused: 'Paused',
  resumed: 'Goes on',
  atRisk: 'At risk',
  late: 'Late',
  unfinished: 'Not done',
  failed: 'Failed',
  missing: 'Not run',
};

/** That a batch goes on is one line: whoever resumed it knows. */
export function alarmMessage(alarm: Alarm): SlackMessage {
  const { kind, text, details, at, campaign, businessDate, failures, commands, links } = alarm;
  const ui = links.ui === null ? null : link(links.ui, 'Temporal');
  const linked = ui === null ? [] : [ui];
  const plain = escaped(text, LIMITS.text);
  if (kind === 'resumed') return { text: plain, blocks: [context(plain, ...linked)] };
  const title = `${TITLES[kind]}: ${campaign}, ${longDate(businessDate)}`;
  return {
    text: plain,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: escaped(title, LIMITS.header) } },
      { type: 'section', text: mrkdwn(plain) },
      // A message that was tried again comes late.
      context(escaped([utc(at), details.join(' ')].join(' · '), LIMITS.text)),
      ...failureBlocks(failures),
      ...(commands.length === 0 ? [] : [code(commands)]),
      ...(linked.length === 0 ? [] : [context(...linked)]),
    ],
  };
}

const code = (lines: readonly string[]) => {
  const fence = '```';
  return {
    type: 'section',
    text: mrkdwn(`${fence}${escaped(lines.join('\n'), LIMITS.text - 2 * fence.length)}${fence}`),
  } as const;
};
