/** What is said of a night before it has closed: golden messages to Slack, and the sentences. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { BatchEvent } from '../../src/contracts/alarms.ts';
import { type Alarm, eventAlarm, nightAlarm, type OpenNight } from '../../src/reporting/digest/alarm.ts';
import { alarmMessage } from '../../src/reporting/digest/alarm-slack.ts';
import { planOf } from './night.ts';

const UI = 'https://temporal.example/namespaces/video';
const links = {
  uiLink: (query: string) => `${UI}/workflows?query=${encodeURIComponent(query)}`,
  workflowLink: (workflowId: string) => `${UI}/workflows/${encodeURIComponent(workflowId)}`,
};
const { batch } = planOf();
const DEADLINE = { at: '2026-11-24T11:00:00Z', whenLate: 'finish' } as const;

const event = (over: Partial<BatchEvent>): BatchEvent => ({
  kind: 'paused',
  number: 1,
  at: '2026-11-24T04:10:00Z',
  paused: null,
  variants: 4_844,
  tally: { cached: 10, rendered: 106, failed: 14, pointers: 120 },
  failures: { FontMissing: 1, TemplateCrashed: 13 },
  outlook: { perSecond: 0.2, expectedEnd: '2026-11-24T12:40:00Z', deadline: DEADLINE.at, atRisk: true },
  deadline: DEADLINE,
  ...over,
});
const alarmOf = (over: Partial<BatchEvent>): Alarm =>
  eventAlarm(batch, event(over), 'batch/referral-2026-11-24T04:00:00Z', links);

const BREAKER = {
  by: 'breaker',
  reason: '13 of 120 variants failed with TemplateCrashed, more than 5 %.',
} as const;
const PERSON = { by: 'person', reason: 'the logo is <wrong>' } as const;

const night = (over: Partial<OpenNight>): Alarm =>
  nightAlarm(
    {
      ...{ campaign: batch.campaign, businessDate: batch.businessDate, dueAt: '2026-11-24T04:00:00Z' },
      ...{ state: 'missing', runs: [], running: null },
      ...over,
    },
    '2026-11-24T11:15:00Z',
    links,
  );

const golden = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(join(import.meta.dirname, `alarm-${name}.json`), 'utf8'));

test.each([
  ['paused', alarmOf({ paused: BREAKER })],
  ['at-risk', alarmOf({ kind: 'atRisk' })],
  ['missing', night({})],
])('the message that says %s is the golden one', async (name, alarm) => {
  expect(alarmMessage(alarm)).toEqual(await golden(name));
});

describe('it says', () => {
  test.each<[string, Partial<BatchEvent>, string, readonly string[]]>([
    [
      'that a batch which the breaker holds stops when it is due, whatever its campaign says',
      { paused: BREAKER },
      'referral/2026-11-23/1 paused: 13 of 120 variants failed with TemplateCrashed, more than 5 %.',
      ['Nothing more is started. It waits for resumeBatch, or stops at 2026-11-24 11:00 UTC.'],
    ],
    [
      'that one which a person holds waits longer where its campaign finishes late',
      { paused: PERSON },
      'referral/2026-11-23/1 paused by a person: the logo is <wrong>.',
      ['Nothing more is started. It waits for resumeBatch.'],
    ],
    [
      'who had paused what goes on',
      { kind: 'resumed', paused: BREAKER },
      'referral/2026-11-23/1 goes on after a pause by the breaker, which counts anew.',
      [],
    ],
    [
      'when it ends at its pace, and what happens when it is due',
      { kind: 'atRisk', deadline: { ...DEADLINE, whenLate: 'stop' } },
      'referral/2026-11-23/1 is at risk: at its pace it ends 2026-11-24 12:40 UTC, and is due 2026-11-24 11:00 UTC.',
      ['When due it stops.'],
    ],
    [
      'that it is late, and goes on',
      { kind: 'late' },
      'referral/2026-11-23/1 is late: it was due 2026-11-24 11:00 UTC.',
      ['It goes on, at its pace until 2026-11-24 12:40 UTC.'],
    ],
  ])('%s', (_, over, text, details) => {
    const alarm = alarmOf(over);
    expect(alarm.text).toBe(text);
    expect(alarm.details).toEqual([...details, '130 of 4,844 variants are settled, 14 failed.']);
  });

  test('of a night what ended it, or what it is about', () => {
    const failed = night({ state: 'failed', runs: [{ workflowId: 'batch/referral-x', status: 'FAILED' }] });
    expect(failed).toMatchObject({
      text: 'referral: the night of Monday 23 November 2026 ended without a report.',
      details: ['batch/referral-x: FAILED.'],
      commands: [
        'nightreel run referral --date 2026-11-23',
        'temporal workflow describe --workflow-id batch/referral-x',
      ],
    });
    const silent = night({ state: 'unfinished', runs: [{ workflowId: 'batch/referral-x', status: 'RUNNING' }] });
    expect(silent).toMatchObject({
      text: 'referral: the night of Monday 23 November 2026 is not done: it runs, and does not answer.',
      commands: ['nightreel status', 'temporal workflow describe --workflow-id batch/referral-x'],
    });
  });
});

test('a batch that goes on takes one line', () => {
  expect(alarmMessage(alarmOf({ kind: 'resumed', paused: PERSON })).blocks).toHaveLength(1);
});

test('whatever a person wrote is shown as it is, within Slack’s limits', () => {
  for (const reason of ['&<!channel>'.repeat(45), '😀'.repeat(250)]) {
    const { text, blocks } = alarmMessage(alarmOf({ paused: { by: 'person', reason } }));
    for (const one of [text, JSON.stringify(blocks)]) expect(one).not.toContain('<!');
    expect(text.length).toBeLessThanOrEqual(3_000);
    for (const block of blocks) expect(JSON.stringify(block).length).toBeLessThan(6_100);
  }
});
