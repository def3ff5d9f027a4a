import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { VariantOutcome } from '../../src/contracts/batch.ts';
import { FAILURES, type FailureClass } from '../../src/contracts/failures.ts';
import type { BusinessDate } from '../../src/contracts/ids.ts';
import { type Digest, digestOf } from '../../src/reporting/digest/digest.ts';
import { slackMessage } from '../../src/reporting/digest/slack.ts';
import { digestText } from '../../src/reporting/digest/text.ts';
import { type BatchReport, reportJson } from '../../src/reporting/report-json.ts';
import { cached, failed, planOf, rendered } from './night.ts';

interface Night {
  readonly outcomes: readonly VariantOutcome[];
  readonly wallMs?: number;
  readonly notStarted?: number;
  readonly failedBefore?: number | null;
  readonly date?: string;
  readonly plan?: Partial<ReturnType<typeof planOf>>;
  readonly counts?: Parameters<typeof planOf>[0];
}

function reportOf({ outcomes, wallMs = 2_280_000, notStarted = 0, failedBefore, date, plan, counts }: Night) {
  const planned = planOf({ recipients: outcomes.length + 21, rejected: 2, variants: outcomes.length, ...counts });
  const batch = { ...planned.batch, ...(date !== undefined && { businessDate: date as BusinessDate }) };
  return reportJson({
    plan: { ...planned, batch, ...plan },
    ...{ outcomes, notStarted, failedBefore, wallMs, closedAt: '2026-11-24T04:48:10Z' },
    videoUrl: (key) => `https://films.example/${key}.mp4`,
    posterUrl: (key) => `https://films.example/${key}.jpg`,
  });
}

const UI = 'https://temporal.example/namespaces/video';
const digestOfNight = (report: BatchReport, earlier: readonly BatchReport[] = []): Digest =>
  digestOf({
    ...{ report, earlier },
    reportUrl: `https://films.example/${report.summary.report}`,
    uiLink: (query) => `${UI}/workflows?query=${encodeURIComponent(query)}`,
  });

const many = (rendering: number, ms: number, ...failures: readonly (readonly [FailureClass, number])[]) => [
  ...Array.from({ length: rendering }, (_, n) => rendered(n, ms)),
  ...failures.flatMap(([failureClass, number], kind) =>
    Array.from({ length: number }, (_, n) => failed(10_000 * (kind + 1) + n, failureClass, 'Ada Lovelace <ada@x.y>')),
  ),
];

const threeClasses = reportOf({
  outcomes: many(4_832, 4_200, ['FontMissing', 7], ['ParamsInvalid', 1], ['BrowserCrashed', 4]),
});
const before = [
  reportOf({ date: '2026-11-20', outcomes: many(4_600, 4_100, ['BrowserCrashed', 1]) }),
  reportOf({ date: '2026-11-19', outcomes: many(3_000, 3_000) }),
  reportOf({ date: '2026-11-18', outcomes: many(6_100, 4_150, ['BrowserCrashed', 2]) }),
];

test('the message about a batch with failures in three classes is the golden one', async () => {
  const golden = await readFile(join(import.meta.dirname, 'digest-of-three-classes.json'), 'utf8');
  expect(slackMessage(digestOfNight(threeClasses, before))).toEqual(JSON.parse(golden));
});

test('a terminal shows the same', () => {
  const text = digestText(digestOfNight(threeClasses, before)).replaceAll('\u202f', ' ');
  expect(text.split('\n').slice(0, 9)).toEqual([
    '4,832 variants rendered in 38 minutes, 12 failed',
    'referral/2026-11-23/1 · Monday 23 November 2026',
    '',
    '  Variants           4,844 → usually 4,601',
    '  Render time, p95   4.2 s → usually 4.1 s',
    '  Failure rate       0.25 % ↑ usually 0.02 %',
    '  Usually: the median of the 3 nights before.',
    '',
    '  7 × FontMissing · The template’s author acts',
  ]);
  expect(text).toContain(`    ${UI}/workflows?query=CampaignId%20%3D%20'referral'`);
  expect(text).toContain('  report    https://films.example/batches/referral/2026-11-23/1/report.html\n');
});

describe('the headline', () => {
  const textOf = (night: Night): readonly [string, string] => {
    const { kind, text } = digestOfNight(reportOf(night));
    return [kind, text];
  };

  test('of a night without a failure, of one that found some stored, of one variant', () => {
    expect(textOf({ outcomes: many(12, 900) })).toEqual([
      'finished',
      '12 variants rendered in 38 minutes, none failed',
    ]);
    expect(textOf({ outcomes: [rendered(0, 900), cached(1), cached(2)], wallMs: 7_520_000 })).toEqual([
      'finished',
      '1 variant rendered in 2 hours 5 minutes, 2 stored before, none failed',
    ]);
    expect(textOf({ outcomes: [cached(1), cached(2)] })[1]).toBe('Nothing to render: 2 variants stored before');
  });

  test('of a night without a variant, with and without rejected rows', () => {
    const nobody = { outcomes: [], counts: { recipients: 0, rejected: 0 } };
    expect(textOf(nobody)).toEqual(['empty', 'Nothing to render: nobody’s numbers changed']);
    expect(textOf({ outcomes: [], counts: { recipients: 0, rejected: 3 } })).toEqual([
      'empty',
      'Nothing to render, 3 rows rejected',
    ]);
    const { figures } = digestOfNight(reportOf(nobody), before);
    expect(figures.find(({ name }) => name === 'renderMsP95')).toMatchObject({ value: null, trend: null });
  });

  test('of a night that was stopped', () => {
    const outcomes = many(300, 900, ['Cancelled', 100], ['FontMissing', 2]);
    expect(textOf({ outcomes, notStarted: 100, wallMs: 42_000 })).toEqual([
      'stopped',
      'Stopped after 42 seconds: 300 of 402 variants rendered, 2 failed, 100 never started',
    ]);
  });

  test('of a night that was repaired, wholly and in part, and of one that only a backfill closed', () => {
    expect(textOf({ outcomes: many(300, 900), failedBefore: 12 })).toEqual([
      'repaired',
      'Repaired: of 12 variants that had failed, none is still missing',
    ]);
    expect(textOf({ outcomes: many(300, 900, ['FontMissing', 2]), failedBefore: 12 })[1]).toBe(
      'Repaired: of 12 variants that had failed, 2 are still missing',
    );
    expect(textOf({ outcomes: many(3, 900), wallMs: 0 })[1]).toBe('3 variants rendered, none failed');
  });
});

describe('what is usual', () => {
  const night = reportOf({ outcomes: many(100, 1_000) });
  const variantsOf = (digest: Digest) => digest.figures.find(({ name }) => name === 'variants');

  test('is the median of the last ten nights, which have their own full source', () => {
    const whole = Array.from({ length: 12 }, (_, n) => reportOf({ outcomes: many(n < 10 ? 100 : 900, 1_000) }));
    const odd = [
      reportOf({ outcomes: many(7, 1_000), plan: { csvKey: 'inputs/x.csv' } }),
      reportOf({ outcomes: many(7, 1_000), plan: { recipientLimit: 7 } }),
      reportOf({ outcomes: many(7, 1_000, ['Cancelled', 9]), notStarted: 9 }),
    ];
    const digest = digestOfNight(night, [...odd, ...whole]);
    expect(digest.nights).toBe(10);
    expect(variantsOf(digest)).toEqual({ name: 'variants', value: 100, usual: 100, trend: 'same' });
  });

  test('is the mean of the two in the middle of an even number of nights, of variants a whole number', () => {
    const usualOf = (...nights: readonly number[]) =>
      variantsOf(
        digestOfNight(
          night,
          nights.map((variants) => reportOf({ outcomes: many(variants, 1_000) })),
        ),
      )?.usual;
    expect([usualOf(90), usualOf(90, 130), usualOf(131, 90, 200, 100), usualOf(3, 1, 2)]).toEqual([90, 110, 116, 2]);
  });

  test('leaves a tenth of play', () => {
    const trend = (usual: number) =>
      variantsOf(digestOfNight(night, [reportOf({ outcomes: many(usual, 1_000) })]))?.trend;
    expect([trend(90), trend(91), trend(111), trend(112)]).toEqual(['up', 'same', 'same', 'down']);
  });

  test('is not said of a list given by hand, nor of a first night', () => {
    const list = digestOfNight(reportOf({ outcomes: many(5, 1_000), plan: { csvKey: 'inputs/x.csv' } }), before);
    for (const digest of [list, digestOfNight(night)]) {
      expect(variantsOf(digest)).toMatchObject({ usual: null, trend: null });
      expect(JSON.stringify(slackMessage(digest))).toContain('There is no earlier night to compare with.');
    }
  });
});

test('a digest holds nothing of what a variant’s failure said', () => {
  const digest = digestOfNight(threeClasses, before);
  for (const shown of [digest, slackMessage(digest)]) expect(JSON.stringify(shown)).not.toMatch(/Ada|ada@x/);
});

describe('whatever a digest holds', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc
      .integer({ min: 0, max: 9_000 })
      .chain((length) => fc.constantFrom('&', '<', '😀', 'é>').map((c) => c.repeat(length))),
  );
  const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
  const url = fc.oneof(
    text,
    text.map((path) => `https://x.example/${path}`),
  );
  const figure = fc.record({
    name: fc.constantFrom('variants' as const, 'renderMsP95' as const, 'failureRate' as const),
    value: fc.option(number),
    usual: fc.option(number),
    trend: fc.constantFrom('up' as const, 'down' as const, 'same' as const, null),
  });
  const failure = fc.record({
    failureClass: fc.constantFrom(...(Object.keys(FAILURES) as FailureClass[])),
    actor: fc.constantFrom('author' as const, 'data' as const, 'operator' as const, 'nobody' as const),
    sentence: text,
    count: number,
    ui: fc.option(url),
  });
  const digests: fc.Arbitrary<Digest> = fc
    .record({
      text: text.filter((headline) => headline !== ''),
      campaign: text,
      recipients: number,
      rejected: number,
      attempt: number,
      nights: number,
      figures: fc.array(figure, { minLength: 3, maxLength: 3 }),
      failures: fc.array(failure, { maxLength: 60 }),
      links: fc.record({ report: url, ui: fc.option(url) }),
    })
    .map(({ campaign, recipients, rejected, ...given }) => ({
      ...digestOfNight(threeClasses),
      ...given,
      summary: { ...threeClasses.summary, campaign, recipients, rejected },
    }));

  test('Slack’s limits hold, and nothing but links is marked up', () => {
    fc.assert(
      fc.property(digests, (digest) => {
        const message = slackMessage(digest);
        expect(message.blocks.length).toBeLessThanOrEqual(50);
        const texts = [message.text, ...message.blocks.flatMap(textsOf)];
        for (const one of texts) {
          expect(one.length).toBeGreaterThan(0);
          expect(one.length).toBeLessThanOrEqual(3_000);
          expect(one.isWellFormed() || !isWellFormed(digest)).toBe(true);
          const rest = one.replace(/<https?:[^<>|]*\|(Report|Temporal|Look at them)>/g, '');
          expect(rest).not.toMatch(/[<>]|&(?!(amp|lt|gt);)/);
        }
      }),
      { numRuns: 300 },
    );
  });

  const isWellFormed = (digest: Digest): boolean => JSON.stringify(digest) === JSON.stringify(digest).toWellFormed();

  /** All texts of a block, each within the limit of its kind. */
  function textsOf(block: object): string[] {
    const {
      type,
      text: own,
      fields = [],
      elements = [],
    } = block as {
      readonly type: string;
      readonly text?: { readonly text: string };
      readonly fields?: readonly { readonly text: string }[];
      readonly elements?: readonly { readonly text: string }[];
    };
    if (type === 'header') expect(own?.text.length).toBeLessThanOrEqual(150);
    for (const field of fields) expect(field.text.length).toBeLessThanOrEqual(2_000);
    expect(fields.length).toBeLessThanOrEqual(10);
    expect(elements.length).toBeLessThanOrEqual(10);
    return [...(own === undefined ? [] : [own]), ...fields, ...elements].map((one) => one.text);
  }
});
