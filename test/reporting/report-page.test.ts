/** What a person relies on who opens last night's report: every number on it is report.json's, and it can be read anywhere. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'puppeteer';
import type { VariantKey } from '../../src/contracts/ids.ts';
import { objectKeys } from '../../src/contracts/ids.ts';
import { reportHtml } from '../../src/reporting/report-html.ts';
import { type BatchReport, reportJson } from '../../src/reporting/report-json.ts';
import { busyNight, failed, nightsBefore, ordinaryNight, planOf, rendered, withMeasures } from './night.ts';
import { type OpenReport, ReportPages, type View } from './report-pages.ts';
import { readNumber, valueAt } from './shown-numbers.ts';

/** Kept as an artefact of the test run; git ignores it. */
const ARTEFACTS = join(import.meta.dirname, '../../artefacts/report');

let pages: ReportPages;

beforeAll(async () => {
  pages = await ReportPages.start();
  await mkdir(ARTEFACTS, { recursive: true });
});
afterAll(async () => {
  await pages?.[Symbol.asyncDispose]();
});

const EVIL = `<img src=x onerror="document.title='owned'"> & "quotes" ' </style><script>1</script> \${7 * 7}`;

const estimate = {
  ...{ campaign: 'referral', businessDate: '2026-11-23', at: '2026-11-23T18:00:00Z' },
  ...{ variants: 2_790, cpuSeconds: 21_000 },
};

type Input = Partial<Parameters<typeof reportJson>[0]> & Pick<Parameters<typeof reportJson>[0], 'plan' | 'outcomes'>;

const NIGHTS: Readonly<Record<string, () => Input>> = {
  'a busy night': () => ({
    ...busyNight(),
    ...{ earlier: nightsBefore(), estimate },
    uiLink: (query) => `https://temporal.example/workflows?query=${encodeURIComponent(query)}`,
  }),
  'a night without measures': ordinaryNight,
  'an empty night': () => ({ plan: planOf(), outcomes: [] }),
  'a night that rendered scenes for several videos': () => ({
    plan: planOf({ recipients: 2, variants: 2, distinctScenes: 5, sharedScenes: 3 }),
    outcomes: withMeasures([rendered(1, 4_000), rendered(2, 3_000)]),
  }),
  'a night whose shared scenes were measured': () => ({
    plan: planOf({ recipients: 2, variants: 2, distinctScenes: 5, sharedScenes: 3 }),
    outcomes: withMeasures([rendered(1, 4_000), rendered(2, 3_000)]),
    scenes: { rendered: 3, measured: 3, cpuMs: 7_500 },
  }),
  'a night of one video': () => ({ plan: planOf({ recipients: 1 }), outcomes: [rendered(1, 4_000)], wallMs: 42_000 }),
  'a stopped night whose failures quote HTML': () => ({
    plan: planOf({ recipients: 5, rejected: 1 }),
    outcomes: [failed(1, 'TemplateCrashed', EVIL), failed(2, 'Cancelled', EVIL), rendered(3, 900)],
    notStarted: 1,
    interruptions: { pauses: [{ by: 'person', reason: EVIL }], stopped: { by: 'deadline', running: 'finish' } },
  }),
};

const reportOf = (name: string): BatchReport =>
  reportJson({
    ...{ notStarted: 0, wallMs: 2_890_000, closedAt: '2026-11-24T04:48:10Z' },
    videoUrl: (key) => `${pages.base}/${objectKeys.video(key)}`,
    posterUrl: (key) => `${pages.base}/${objectKeys.poster(key)}`,
    ...(NIGHTS[name]?.() ?? { plan: planOf(), outcomes: [] }),
  });

/** What programs read of it: the text that lies in the bucket. */
async function open(name: string, view: View = {}): Promise<OpenReport & { readonly json: BatchReport }> {
  const report = reportOf(name);
  const key = objectKeys.reportJson(planOf().batch);
  await pages.storeFilms(report.samples.map((sample) => sample.key as VariantKey));
  await pages.store.put(key, JSON.stringify(report), { contentType: 'application/json' });
  const opened = await pages.open(await reportHtml(report), view);
  return { ...opened, json: JSON.parse((await pages.store.getText(key)) ?? '') };
}

const inPage = async <T>(page: Page, script: string): Promise<T> => (await page.evaluate(script)) as T;

/** Text of every number that says where in report.json it stands, folded tables included. */
const shownNumbers = (page: Page): Promise<[string, string][]> =>
  inPage(page, `[...document.querySelectorAll('[data-field]')].map((each) => [each.dataset.field, each.textContent])`);

const NAMES = Object.keys(NIGHTS);

describe('the numbers on the page', () => {
  test.each(NAMES)('of %s equal those of report.json', async (name) => {
    const { page, json } = await open(name);
    const wrong = (await shownNumbers(page)).flatMap(([field, text]): (readonly [string, string, number | null])[] => {
      const value = valueAt(json, field);
      if (value === null) return /^(not measured|–)$/.test(text) ? [] : [[field, text, value] as const];
      const { number, step } = readNumber(text, field);
      return Math.abs(number - value) <= step * 0.500001 ? [] : [[field, text, value] as const];
    });
    expect(wrong).toEqual([]);
    await page.close();
  });

  test.each(NAMES)('of %s are all of them told', async (name) => {
    const { page, json } = await open(name);
    const fields = new Set((await shownNumbers(page)).map(([field]) => field));
    const expected = [
      ...['recipients', 'rejected', 'variants', 'cached', 'rendered', 'failed', 'pointers'].map(
        (one) => `summary.${one}`,
      ),
      'summary.failureRate',
      ...(json.summary.variants === 0 ? [] : ['summary.wallSeconds']),
      ...(json.summary.renderMsP95 === null ? [] : ['summary.renderMsP95', 'summary.renderMsP50', 'renderMs.max']),
      ...json.failures.map((_, n) => `failures.${n}.count`),
      ...json.nights.flatMap((_, n) => [`nights.${n}.variants`, `nights.${n}.renderMsP95`, `nights.${n}.failureRate`]),
      ...json.stages.stages.flatMap((_, n) => [`stages.stages.${n}.msP50`, `stages.stages.${n}.msP95`]),
      ...json.throughput.bins.flatMap((_, n) => [`throughput.bins.${n}.perMinute`, `throughput.bins.${n}.concurrent`]),
      ...json.slowest.flatMap((_, n) => [`slowest.${n}.renderMs`, `slowest.${n}.cpuMs`]),
      ...['compute.money', 'storage.moneyPerMonth', 'requests.money', 'egress.moneyPerView'].map(
        (one) => `cost.${one}`,
      ),
      ...(json.cost?.scenes
        ? ['cost.scenes.measured', 'cost.scenes.rendered', 'cost.scenes.cpuMs']
        : json.cost?.sharedScenes
          ? ['cost.sharedScenes']
          : []),
      ...['published.computePerVariant', 'published.bandwidthPerVariant', 'published.nightOf5000'].map(
        (one) => `cost.${one}`,
      ),
    ];
    expect(expected.filter((field) => !fields.has(field))).toEqual([]);
    await page.close();
  });

  test.each(NAMES)(
    'of %s are nowhere else: what is not report.json’s own is a key, a date, a command or a share of them',
    async (name) => {
      const { page, json } = await open(name);
      const stray = await inPage<string[]>(
        page,
        `(() => {
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = [];
        while (texts.nextNode()) {
          const { parentElement, data } = texts.currentNode;
          if (parentElement.closest('[data-field], code, time, h1, dl, svg, .message, .remark, .source')) continue;
          if (/\\d/.test(data.replaceAll('p95', ''))) found.push(data);
        }
        return found;
      })()`,
      );
      expect(stray).toEqual([]);
      const remarks = await inPage<string[]>(
        page,
        `[...document.querySelectorAll('.funnel .remark')].map((each) => each.textContent)`,
      );
      const { variants, cached, rendered: made, failed: lost, recipients, pointers } = json.summary;
      const shares = [cached, made, lost].map((count, n) => [remarks[n + 3] ?? '', count / variants] as const);
      if (recipients > variants && variants > 0) shares.push([remarks[2] ?? '', 1 - variants / recipients]);
      for (const [text, share] of variants === 0 ? [] : shares) {
        const { number, step } = readNumber(text, 'share');
        expect(Math.abs(number - share)).toBeLessThanOrEqual(step * 0.500001);
      }
      if (pointers < recipients) expect(readNumber(remarks[6] ?? '', 'count').number).toBe(recipients - pointers);
      await page.close();
    },
  );
});

/** Visible drawings: for each what it is called, and its box. */
interface Drawing {
  readonly title: string;
  readonly left: number;
  readonly right: number;
  readonly height: number;
  readonly marks: number;
  /** Of the smallest text in it, as it is drawn, in pixels. */
  readonly smallest: number | null;
}

const drawings = (page: Page): Promise<Drawing[]> =>
  inPage(
    page,
    `[...document.querySelectorAll('svg[role=img]')].filter((svg) => svg.checkVisibility()).map((svg) => {
      const { left, right, height, width } = svg.getBoundingClientRect();
      const scale = width / svg.viewBox.baseVal.width;
      const sizes = [...svg.querySelectorAll('text')].map((text) => Number.parseFloat(getComputedStyle(text).fontSize) * scale);
      return {
        title: svg.querySelector('title')?.textContent ?? '',
        left, right, height,
        marks: svg.querySelectorAll('.mark-rect path, .mark-rect rect').length,
        smallest: sizes.length === 0 ? null : Math.min(...sizes),
      };
    })`,
  );

const VIEWS = [400, 1_400].flatMap((width) => (['light', 'dark'] as const).map((scheme) => [width, scheme] as const));

describe.each(VIEWS)('at %d pixels, %s', (width, scheme) => {
  test.each(NAMES)('%s is complete, asks only the bucket, and fits', async (name) => {
    const { page, requests, complaints, json } = await open(name, { width, scheme });
    await page.screenshot({
      path: join(ARTEFACTS, `${name.replaceAll(' ', '-')}-${width}-${scheme}.png`) as `${string}.png`,
      fullPage: true,
    });
    expect(complaints).toEqual([]);
    // Chromium draws the buttons of its player from data URLs.
    expect(requests.filter((url) => !url.startsWith(`${pages.base}/`) && !url.startsWith('data:'))).toEqual([]);

    const drawn = await drawings(page);
    const expected = [
      ...(json.nights.length > 0 ? ['nights before', 'nights before', 'nights before'] : []),
      ...(json.renderMs.histogram.length > 0 ? ['Histogram'] : []),
      ...(json.stages.stages.length > 0 ? ['Median and p95'] : []),
      ...(json.throughput.bins.length > 0 ? ['Videos per minute'] : []),
    ];
    expect(drawn.map(({ title }, n) => title.includes(expected[n] ?? 'nothing'))).toEqual(expected.map(() => true));
    expect(await page.$$('.undrawn')).toHaveLength(0);
    for (const { left, right, height, marks, smallest } of drawn) {
      expect(marks).toBeGreaterThan(0);
      expect(left).toBeGreaterThanOrEqual(0);
      expect(right).toBeLessThanOrEqual(width);
      expect(height).toBeGreaterThan(30);
      if (smallest !== null) expect(smallest).toBeGreaterThanOrEqual(10);
    }

    const overflowing = await inPage<string[]>(
      page,
      `[...document.querySelectorAll('body *:not(svg *)')].filter((each) => {
        if (!each.checkVisibility() || each.closest('caption')) return false;
        return each.getBoundingClientRect().right > ${width} + 0.5 || (each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display === 'block' && each.clientWidth > 0 && each.tagName !== 'VIDEO');
      }).map((each) => each.outerHTML.slice(0, 120))`,
    );
    expect(await inPage(page, 'document.documentElement.scrollWidth')).toBe(width);
    expect(overflowing).toEqual([]);
    await page.close();
  });

  test('all text of a busy night stands out from its background by 4.5 to 1 or more', async () => {
    const { page } = await open('a busy night', { width, scheme });
    const [ground, faint] = await inPage<[string, string[]]>(
      page,
      `(() => {
        document.querySelectorAll('details').forEach((each) => { each.open = true; });
        const numbers = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
        const luminance = (color) => {
          const [r, g, b] = numbers(color).map((each) => each / 255).map((each) => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const behind = (element) => {
          for (let each = element; each !== null; each = each.parentElement) {
            const color = getComputedStyle(each).backgroundColor;
            const [, , , alpha = 1] = numbers(color);
            if (alpha > 0) return color;
          }
          return 'rgb(255, 255, 255)';
        };
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const faint = [];
        let looked = 0;
        while (texts.nextNode()) {
          const element = texts.currentNode.parentElement;
          if (texts.currentNode.data.trim() === '' || !element.checkVisibility() || element.closest('title, caption')) continue;
          const style = getComputedStyle(element);
          const [a, b] = [luminance(element.closest('svg') ? style.fill : style.color), luminance(behind(element))].sort((x, y) => y - x);
          looked += 1;
          if (!((a + 0.05) / (b + 0.05) >= 4.5)) faint.push(texts.currentNode.data + ' ' + style.color + ' ' + style.fill + ' on ' + behind(element));
        }
        return [looked > 300 ? getComputedStyle(document.body).backgroundColor : 'too little text: ' + looked, faint];
      })()`,
    );
    expect(ground).toBe(scheme === 'dark' ? 'rgb(19, 19, 18)' : 'rgb(250, 249, 246)');
    expect(faint).toEqual([]);
    await page.close();
  });
});

test('what failures quote is shown as text', async () => {
  const { page } = await open('a stopped night whose failures quote HTML');
  expect(await inPage(page, `document.querySelector('li .message').textContent`)).toBe(EVIL);
  expect(await inPage(page, `document.querySelector('.lead').textContent`)).toContain(
    `Somebody paused it: ${EVIL}. Its deadline stopped it.`,
  );
  expect(await page.$$('img, script')).toHaveLength(0);
  expect(await page.title()).toBe('referral · 2026-11-23 · Nightreel');
  await page.close();
});

test('each plot has its numbers in a table with a name', async () => {
  const { page } = await open('a busy night');
  expect(await inPage(page, `[...document.querySelectorAll('table caption')].map((each) => each.textContent)`)).toEqual(
    [
      'The nights before',
      'Renders by how long they took',
      'Stages of a render',
      'Videos made in each part of the night, times in UTC',
      'The renders that took longest',
      'Cost of the night',
    ],
  );
  await page.close();
});

test('a report of 10,000 variants is smaller than 500 KB', async () => {
  const outcomes = Array.from({ length: 3 }, busyNight)
    .flatMap(({ outcomes: some }) => some)
    .slice(0, 10_000);
  const report = reportJson({
    ...{ plan: planOf({ recipients: 14_000 }), outcomes, notStarted: 0, wallMs: 2_890_000 },
    ...{ closedAt: '2026-11-24T04:48:10Z', earlier: nightsBefore(), estimate },
    videoUrl: (key) => `${pages.base}/${objectKeys.video(key)}`,
    posterUrl: (key) => `${pages.base}/${objectKeys.poster(key)}`,
  });
  expect(report.summary.variants).toBe(10_000);
  expect(Buffer.byteLength(await reportHtml(report))).toBeLessThan(500_000);
  expect(Buffer.byteLength(JSON.stringify(report, null, 2))).toBeLessThan(100_000);
});
