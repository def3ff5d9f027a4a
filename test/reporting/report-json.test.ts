import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { histogram } from '../../src/reporting/histogram.ts';
import { reportJson, reportSchema } from '../../src/reporting/report-json.ts';
import { reportJsonSchema } from '../../src/reporting/report-schema.ts';
import { percentile, summarise } from '../../src/reporting/summary.ts';
import { busyNight, cached, failed, keyOf, nightsBefore, ordinaryNight, planOf, rendered } from './night.ts';

const urls = {
  closedAt: '2026-11-24T04:48:10Z',
  videoUrl: (key: string) => `https://films.example/${key}.mp4`,
  posterUrl: (key: string) => `https://films.example/${key}.jpg`,
};

describe('the summary', () => {
  const { batch } = planOf();

  test('counts every variant once and has its keys in the order that scripts read', () => {
    const outcomes = [rendered(1, 4_000, 2), rendered(2, 6_000), cached(3, 5), failed(4, 'FontMissing', 'No font.')];
    const summary = summarise({ batch, counts: { recipients: 9, rejected: 1 }, outcomes, wallMs: 61_249 });
    expect(Object.entries(summary)).toEqual([
      ['batchId', 'referral/2026-11-23/1'],
      ['campaign', 'referral'],
      ['businessDate', '2026-11-23'],
      ['recipients', 9],
      ['rejected', 1],
      ['variants', 4],
      ['cached', 1],
      ['rendered', 2],
      ['failed', 1],
      ['pointers', 8],
      ['wallSeconds', 61.2],
      ['renderMsP50', 4_000],
      ['renderMsP95', 6_000],
      ['failureRate', 0.25],
      ['report', 'batches/referral/2026-11-23/1/report.html'],
    ]);
  });

  test('of a night on which nothing changed has no times and no failures', () => {
    const summary = summarise({ batch, counts: { recipients: 0, rejected: 0 }, outcomes: [], wallMs: 0 });
    expect(summary).toMatchObject({ variants: 0, failureRate: 0, renderMsP50: null, renderMsP95: null });
  });
});

describe('a percentile', () => {
  test('is the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => n + 1);
    expect([0, 0.5, 0.95, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 95, 99, 100]);
    expect(percentile([7], 0.95)).toBe(7);
    expect(percentile([1, 2], 0.5)).toBe(1);
    expect(percentile([], 0.5)).toBeNull();
  });

  test('is a value of the list that at least this share of the list does not exceed', () => {
    const list = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1 });
    fc.assert(
      fc.property(list, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const ascending = values.toSorted((a, b) => a - b);
        const value = percentile(ascending, share);
        expect(ascending).toContain(value);
        expect(ascending.filter((each) => each <= (value ?? 0)).length).toBeGreaterThanOrEqual(
          share * ascending.length,
        );
      }),
    );
  });
});

test('a histogram has at most 32 bins of one round width that hold every time exactly once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 900_000 }), { minLength: 1 }), (values) => {
      const bins = histogram(values.toSorted((a, b) => a - b));
      expect(bins.length).toBeLessThanOrEqual(32);
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
      for (const { fromMs, toMs, count } of bins) {
        expect(String(toMs - fromMs)).toMatch(/^[125]0+$/);
        expect(values.filter((ms) => ms >= fromMs && ms < toMs)).toHaveLength(count);
      }
    }),
  );
  expect(histogram([])).toEqual([]);
});

describe('the report', () => {
  const report = reportJson({ ...ordinaryNight(), ...urls, notStarted: 0, wallMs: 2_890_000 });

  test('fits its own schema, before and after it was text', () => {
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  test('holds nobody’s ID', () => {
    expect(JSON.stringify(report)).not.toContain('@example.com');
  });

  test('groups failures by class, the most frequent first, with who acts and at most three examples', () => {
    expect(
      report.failures.map(({ failureClass, actor, count, examples }) => [failureClass, actor, count, examples.length]),
    ).toEqual([
      ['FontMissing', 'author', 11, 3],
      ['BrowserCrashed', 'nobody', 4, 3],
    ]);
    expect(report.failures[0]?.sentence).toContain('Embed the font');
  });

  test('shows eight videos spread over the night, rendered ones before stored ones', () => {
    expect(report.samples).toHaveLength(8);
    expect(new Set(report.samples.map(({ key }) => key)).size).toBe(8);
    const small = [cached(1), failed(2, 'FontMissing', ''), rendered(3, 900), cached(4)];
    const { samples } = reportJson({ plan: planOf(), outcomes: small, notStarted: 0, wallMs: 1, ...urls });
    expect(samples.map(({ key }) => key)).toEqual([keyOf(3), keyOf(1), keyOf(4)]);
    expect(samples[0]?.video).toBe(`https://films.example/${keyOf(3)}.mp4`);
  });
});

describe('what a report of now says besides', () => {
  const earlier = nightsBefore();
  const uiLink = (query: string) => `https://temporal.example/?query=${encodeURIComponent(query)}`;
  const report = reportJson({ ...busyNight(), ...urls, notStarted: 0, wallMs: 2_890_000, earlier, uiLink });

  test('fits its own schema and the published one, and so does a report of before', async () => {
    const text = JSON.stringify(report);
    expect(reportSchema.parse(JSON.parse(text))).toEqual(report);
    const published = JSON.parse(await readFile(join(import.meta.dirname, '../../docs/report.schema.json'), 'utf8'));
    // Run scripts/build-report-schema.ts after a change.
    expect(published).toEqual(JSON.parse(reportJsonSchema()));
    const { stages, throughput, slowest, cost, figures, nights, ...before } = JSON.parse(text);
    for (const failure of before.failures) {
      delete failure.repair;
      delete failure.ui;
    }
    const validate = new Ajv2020({ strict: false }).compile(published);
    for (const one of [JSON.parse(text), before]) expect([validate(one), validate.errors]).toEqual([true, null]);
    expect(validate({ ...before, version: 2 })).toBe(false);
    expect(reportSchema.parse(before)).toMatchObject({ cost: null, nights: [], slowest: [], stages: { measured: 0 } });
    expect([stages, throughput, slowest, cost, figures, nights].every(Boolean)).toBe(true);
  });

  test('has the three numbers beside the median of the ten nights before, newest first', () => {
    expect(report.nights.map(({ businessDate }) => businessDate)).toEqual(
      earlier.map(({ summary }) => summary.businessDate),
    );
    const [lower = 0, upper = 0] = earlier
      .map(({ summary }) => summary.variants)
      .sort((a, b) => a - b)
      .slice(4);
    const usual = Math.round((lower + upper) / 2);
    expect(report.figures[0]).toEqual({ name: 'variants', value: 3_934, usual, trend: 'up' });
  });

  test('tells of each class what to run, and where its variants are', () => {
    expect(report.failures.map(({ failureClass, repair }) => [failureClass, repair?.way])).toEqual([
      ['FontMissing', 'run'],
      ['BrowserCrashed', 'backfill'],
      ['ParamsInvalid', 'run'],
      ['StorageUnavailable', 'backfill'],
      ['TemplateCrashed', 'run'],
    ]);
    expect(decodeURIComponent(report.failures[0]?.ui ?? '')).toContain(
      "CampaignId = 'referral' AND BatchDate = '2026-11-23' AND FailureClass = 'FontMissing'",
    );
  });

  test('of a list given by hand is compared with no night', () => {
    const plan = { ...planOf(), csvKey: `inputs/${'a'.repeat(64)}.csv` };
    const list = reportJson({ plan, outcomes: [rendered(1, 10)], ...urls, notStarted: 0, wallMs: 1, earlier });
    expect([list.nights, list.figures.map(({ usual }) => usual)]).toEqual([[], [null, null, null]]);
  });
});
