import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'puppeteer';
import type { FailureClass } from '../../src/contracts/failures.ts';
import { objectKeys, type VariantKey } from '../../src/contracts/ids.ts';
import { policyOf, reportHtml } from '../../src/reporting/report-html.ts';
import { reportJson } from '../../src/reporting/report-json.ts';
import { TestWebhook } from '../support/webhook.ts';
import { cached, failed, ordinaryNight, planOf, rendered } from './night.ts';
import { ReportPages } from './report-pages.ts';

let pages: ReportPages;

beforeAll(async () => {
  pages = await ReportPages.start();
});
afterAll(async () => {
  await pages?.[Symbol.asyncDispose]();
});

type Input = Parameters<typeof reportJson>[0];
type Night = Pick<Input, 'plan' | 'outcomes'> & Partial<Input>;

const pageOf = (night: Night, base: string): Promise<string> =>
  reportHtml(
    reportJson({
      notStarted: 0,
      wallMs: 2_890_000,
      ...night,
      closedAt: '2026-11-24T04:48:10Z',
      videoUrl: (key) => `${base}/${objectKeys.video(key)}`,
      posterUrl: (key) => `${base}/${objectKeys.poster(key)}`,
    }),
  );

/** The commands by which the report repairs, in order. */
const commandsOf = async (night: Night): Promise<string[]> =>
  [...(await pageOf(night, 's3://films')).matchAll(/<code>(nightreel (?!why)[^<]*)<\/code>/g)].map(
    ([, command]) => command ?? '',
  );

const textOf = (page: Page): Promise<string> => page.evaluate('document.body.innerText') as Promise<string>;

describe('the report in a browser', () => {
  test.each([
    ['links', () => pages.base],
    ['links of a store that is not public', () => 's3://films'],
  ])('plays its videos from the bucket by their %s, and asks nobody else for anything', async (_, base) => {
    const films = [rendered(1, 4_000), cached(2)];
    await pages.storeFilms(films.map(({ key }) => key));
    const { page, requests } = await pages.open(await pageOf({ plan: planOf(), outcomes: films }, base()));
    const played: unknown = await page.evaluate(`(async () => {
      const video = document.querySelector('video');
      video.muted = true;
      await video.play();
      await new Promise((moved) => video.addEventListener('timeupdate', () => video.currentTime > 0 && moved()));
      return [video.videoWidth, video.videoHeight];
    })()`);
    expect(played).toEqual([320, 180]);
    const paths = requests.map((url) => url.replace(`${pages.base}/`, ''));
    for (const { key } of films) expect(paths).toContain(objectKeys.poster(key));
    // Besides, Chromium draws the buttons of its player from data URLs.
    expect(paths.filter((path) => !/^(videos\/|batches\/|data:)/.test(path))).toEqual([]);
    await page.close();
  });

  test('loads nothing from elsewhere, whatever comes to stand in it', async () => {
    await using elsewhere = await TestWebhook.start();
    const text = await pageOf({ plan: planOf(), outcomes: [rendered(1, 4_000)] }, pages.base);
    const { page, complaints } = await pages.open(
      text.replace(
        '</main>',
        `<img src="${elsewhere.url('/a.png')}"><video src="${elsewhere.url('/a.mp4')}" preload="auto"></video></main>`,
      ),
    );
    for (const directive of ['img-src', 'media-src']) {
      expect(complaints).toContainEqual(
        expect.stringMatching(new RegExp(`violates the following Content Security Policy directive: "${directive}`)),
      );
    }
    expect(elsewhere.posts).toEqual([]);
    await page.close();
  });

  test('names in its policy the origins of its films and pictures, its own, and no other', () => {
    const sample = (base: string) => ({
      ...({ key: 'aa' as VariantKey, outcome: 'rendered', renderMs: 1 } as const),
      ...{ video: `${base}/a.mp4`, poster: `${base}/a.jpg` },
    });
    const own = "img-src 'self' data:; media-src 'self';";
    expect(policyOf({ samples: [] })).toContain(own);
    expect(policyOf({ samples: [sample('s3://films')] })).toContain(own);
    expect(
      policyOf({ samples: [sample('https://films.example:8443/deep'), sample('https://films.example:8443')] }),
    ).toContain("img-src 'self' https://films.example:8443 data:; media-src 'self' https://films.example:8443;");
  });

  test('leads from the slowest and from each example to its workflows, or says what to type', async () => {
    const uiLink = (query: string) => `https://temporal.example/?query=${encodeURIComponent(query)}`;
    const outcomes = [
      rendered(1, 9_000),
      rendered(2, 4_000),
      failed(3, 'FontMissing', 'a'),
      failed(4, 'FontMissing', 'b'),
    ];
    const night = { plan: planOf(), outcomes };
    const linked = await pageOf({ ...night, uiLink }, pages.base);
    const bare = await pageOf(night, pages.base);
    for (const { key } of outcomes) {
      const link = uiLink(`CampaignId = 'referral' AND BatchDate = '2026-11-23' AND VariantKey = '${key}'`);
      const href = link.replaceAll("'", '&#39;');
      expect(linked).toContain(`<a href="${href}" title="in Temporal"><code title="${key}">`);
      expect(bare).toContain(`<code>nightreel why ${key.slice(0, 12)} --batch referral/2026-11-23/1</code>`);
    }
    expect(bare).not.toContain('in Temporal');
  });

  test('says the night in three numbers, and what to do about failures', async () => {
    const { page } = await pages.open(await pageOf(ordinaryNight(), pages.base));
    const text = (await textOf(page)).replaceAll('\u202f', ' ');
    for (const said of ['Monday', '23 November 2026', '3,934', '6.2 s', '0.38 %', 'FontMissing', 'Embed the font']) {
      expect(text).toContain(said);
    }
    expect(text).toContain(
      'FontMissing: once put right, run the night again: nightreel run referral --date 2026-11-23',
    );
    expect(text).toContain(
      'BrowserCrashed: once the cause is gone, render what is missing: nightreel backfill referral --date 2026-11-23 --attempt 1',
    );
    await page.close();
  });

  const RUN = 'nightreel run referral --date 2026-11-23';
  const BACKFILL = 'nightreel backfill referral --date 2026-11-23 --attempt 3';
  test.each<[readonly FailureClass[], readonly string[]]>([
    [[], []],
    [['OutputInvalid'], [RUN]],
    [['ParamsInvalid'], [RUN]],
    [['EngineMismatch', 'TemplateChanged'], [RUN]],
    [['ToolMissing'], [BACKFILL]],
    [['WorkerLost'], [BACKFILL]],
    [
      ['StorageDenied', 'TemplateCrashed'],
      [RUN, BACKFILL],
    ],
  ])('after failures %j offers %j', async (classes, commands) => {
    const plan = planOf();
    const outcomes = [rendered(9, 4_000), ...classes.map((failureClass, n) => failed(n, failureClass, 'why'))];
    expect(await commandsOf({ plan: { ...plan, batch: { ...plan.batch, attempt: 3 } }, outcomes })).toEqual(commands);
  });

  test('offers to run an uploaded list, or the first so many, as they were run', async () => {
    const outcomes = [failed(1, 'FontMissing', 'why')];
    const csv = { ...planOf(), csvKey: `inputs/${'a'.repeat(64)}.csv` };
    expect(await commandsOf({ plan: csv, outcomes })).toEqual([`${RUN} --csv FILE`]);
    expect(await commandsOf({ plan: { ...planOf(), recipientLimit: 40 }, outcomes })).toEqual([
      `${RUN} --recipients 40`,
    ]);
  });

  test.each([400, 1_400])('fits a window of %d pixels', async (width) => {
    const { page } = await pages.open(await pageOf(ordinaryNight(), pages.base), { width });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.close();
  });

  test('shows what a message holds as text, whatever it holds', async () => {
    const evil = `<img src=x onerror="document.title='owned'"> & "quotes" ' </style><script>1</script>`;
    const { page } = await pages.open(
      await pageOf({ plan: planOf(), outcomes: [failed(1, 'TemplateCrashed', evil)] }, pages.base),
    );
    expect(await textOf(page)).toContain(evil);
    expect(await page.title()).toBe('referral · 2026-11-23 · Nightreel');
    expect(await page.$$('img, script')).toHaveLength(0);
    await page.close();
  });

  test('of an empty night says so', async () => {
    const { page } = await pages.open(await pageOf({ plan: planOf(), outcomes: [] }, pages.base));
    expect(await textOf(page)).toContain('Nobody’s numbers changed');
    await page.close();
  });

  test('of a night whose rows were all rejected says that, and not that nothing changed', async () => {
    const { page } = await pages.open(await pageOf({ plan: planOf({ rejected: 3 }), outcomes: [] }, pages.base));
    const text = await textOf(page);
    expect(text).toContain('There was nothing to render, and 3 rows were rejected.');
    expect(text).not.toContain('Nobody’s numbers changed');
    await page.close();
  });

  test('of a night of which nobody knows how long it took does not say', async () => {
    const night = { plan: planOf(), outcomes: [rendered(1, 4_000)], wallMs: 0 };
    const { page } = await pages.open(await pageOf(night, pages.base));
    const text = await textOf(page);
    expect(text).toContain('1 videos were rendered, and none failed.');
    expect(text).not.toContain('It took');
    await page.close();
  });
});
