import { describe, expect, test } from '@jest/globals';
import {
  manifestPages,
  NEW_CAMPAIGN,
  parseManifestPage,
  parsePlanDocument,
  parseRecipientPage,
  parseStoredState,
  RECIPIENTS_INLINE,
  RECIPIENTS_PER_PAGE,
  VARIANTS_PER_PAGE,
} from '../../src/planning/manifest.ts';
import { campaign, date, keyOf } from './support.ts';

const variants = (count: number, recipients: (index: number) => number = () => 1) =>
  Array.from({ length: count }, (_, n) => ({
    key: keyOf({ n }),
    params: { n },
    recipients: new Set(Array.from({ length: recipients(n) }, (_unused, person) => `${n}/${person}`)),
  }));
const cut = (...args: Parameters<typeof variants>) => [...manifestPages(variants(...args), 'phone-720p')];

describe('manifest pages', () => {
  test('hold every variant once, in order, indexed within their page', () => {
    const pages = cut(VARIANTS_PER_PAGE * 2 + 1).map(({ page }) => page);
    expect(pages.map(({ page, variants: held }) => [page, held.length])).toEqual([
      [1, 200],
      [2, 200],
      [3, 1],
    ]);
    expect(pages.flatMap(({ variants: held }) => held.map(({ params }) => params['n']))).toEqual([
      ...Array(401).keys(),
    ]);
    expect(pages[1]?.variants.map(({ index }) => index)).toEqual([...Array(200).keys()]);
    expect(cut(0)).toEqual([]);
  });

  test('who share a video with very many stand on pages of their own, and everyone stands somewhere once', () => {
    const sharers = [3, RECIPIENTS_INLINE, RECIPIENTS_INLINE + 1, 2 * RECIPIENTS_PER_PAGE, 1, RECIPIENTS_PER_PAGE + 1];
    const [draft, ...more] = cut(sharers.length, (n) => sharers[n] ?? 0);
    expect(more).toEqual([]);
    const held = draft?.page.variants ?? [];
    expect(held.map(({ recipients }) => recipients.length)).toEqual([3, RECIPIENTS_INLINE, 0, 0, 1, 0]);
    expect(held.map(({ recipientPages }) => recipientPages)).toEqual([
      ...[null, null, { first: 1, count: 1 }, { first: 2, count: 2 }, null, { first: 4, count: 2 }],
    ]);
    const pages = [...(draft?.recipientPages() ?? [])];
    expect(draft?.recipientPageCount).toBe(pages.length);
    expect(pages.map(({ page, recipients }) => [page, recipients.length])).toEqual([
      [1, RECIPIENTS_INLINE + 1],
      [2, RECIPIENTS_PER_PAGE],
      [3, RECIPIENTS_PER_PAGE],
      [4, RECIPIENTS_PER_PAGE],
      [5, 1],
    ]);
    expect(pages.map(({ key }) => key)).toEqual([2, 3, 3, 5, 5].map((n) => held[n]?.key));
    const everyone = [...held, ...pages].flatMap(({ recipients }) => recipients);
    expect(new Set(everyone).size).toBe(everyone.length);
    expect(everyone).toHaveLength(sharers.reduce((sum, one) => sum + one, 0));
    expect(parseRecipientPage(JSON.stringify(pages[1]), 'page')).toEqual(pages[1]);
  });

  test('end before they hold more people than one activity writes pointers for', () => {
    const pages = cut(40, () => RECIPIENTS_INLINE).map(({ page }) => page);
    const people = pages.map(({ variants: held }) => held.flatMap(({ recipients }) => recipients).length);
    expect(people).toEqual([RECIPIENTS_PER_PAGE, RECIPIENTS_PER_PAGE, RECIPIENTS_PER_PAGE, RECIPIENTS_PER_PAGE]);
  });

  test('come back as they were written, with the stored video of what is cached', () => {
    const video = {
      rendition: 'phone-720p' as const,
      width: 1280,
      height: 720,
      durationMs: 12_000,
      sizeBytes: 5,
      sha256: 'a'.repeat(64),
    };
    const [draft] = cut(2);
    const page = {
      page: 1,
      variants: (draft?.page.variants ?? []).map((variant, n) => ({
        ...variant,
        cached: n === 1 ? { variantKey: variant.key, ...video } : null,
        joinable: n === 0,
      })),
    };
    expect(parseManifestPage(JSON.stringify(page), 'page')).toEqual(page);
  });

  test('a damaged page is refused by name and place, without quoting it', () => {
    const page = cut(1)[0]?.page;
    const broken = JSON.stringify({ ...page, variants: [{ ...page?.variants[0], key: 'Secret' }] });
    expect(() => parseManifestPage(broken, 'manifest/000001.json')).toThrow(
      expect.objectContaining({
        failureClass: 'Internal',
        message: expect.stringMatching(/000001\.json.*variants\.0\.key/),
      }),
    );
    for (const text of [broken, '{"Secret', '[]']) {
      expect(() => parseManifestPage(text, 'x')).toThrow(/^(?!.*Secret)/);
    }
  });
});

test('plan and state documents come back as they were written', () => {
  const since = { updatedAt: '2026-11-20T04:00:00.123456789Z', recipientId: 'a/b' };
  const until = '2026-11-24T04:00:00Z';
  const plan = {
    batch: { campaign, businessDate: date('2026-11-23'), attempt: 2 },
    template: { id: 'referral', digest: 'b'.repeat(64) },
    engine: {
      digest: 'c'.repeat(64),
      engineRevision: 1,
      captureRoute: 'xvfb',
      pixels: 'c0ffee',
      chromium: '1',
      ffmpeg: '5',
      x264: '164',
      muxer: 'm',
      fonts: 'f',
      settings: 's',
    },
    rendition: 'phone-720p',
    assembly: 'scenes',
    pointerKey: 'users/{recipientId}.json',
    whenWithdrawn: 'neutral',
    asksConsent: true,
    results: 'parquet',
    strategy: 'snapshot',
    lanes: { count: 2, window: 8 },
    limits: { breaker: { share: 0.05, atLeast: 100 }, deadline: { at: until, whenLate: 'stop' } },
    window: { since, until },
    watermark: { updatedAt: until, recipientId: null },
    counts: {
      ...{ rows: 3, recipients: 2, rejected: 1, duplicates: 0, carriedOver: 0, variants: 2, cached: 1 },
      ...{ unchanged: 5, withdrawn: 2, vanished: 1 },
      ...{ sceneSlots: 12, distinctScenes: 8, storedScenes: 3, sharedScenes: 2 },
    },
    pages: 1,
    recipientPages: 3,
    scenePages: 1,
    csvKey: null,
    recipientLimit: 40,
    settles: [{ campaign, businessDate: date('2026-11-23'), attempt: 1 }],
    carriedOver: ['x'],
    createdAt: until,
  };
  expect(parsePlanDocument(JSON.stringify(plan), 'plan.json')).toEqual(plan);
  const state = {
    ledger: 'state/ledgers/x.jsonl.gz',
    watermark: since,
    carryOver: [
      { recipientId: 'x', businessDate: '2026-11-23', attempt: 2, reason: 'BrowserCrashed' },
      { recipientId: 'y', businessDate: '2026-11-20', attempt: 1, reason: 'rejected' },
    ],
    lastBatch: { businessDate: '2026-11-23', attempt: 2, since: null, until },
  };
  expect(parseStoredState(JSON.stringify(state), 'state')).toEqual(state);
  expect(parseStoredState(JSON.stringify(NEW_CAMPAIGN), 'state')).toEqual(NEW_CAMPAIGN);
  expect(() => parseStoredState('{"watermark":null}', 'state/referral.json')).toThrow('state/referral.json');
  expect(() =>
    parseStoredState(JSON.stringify({ ...state, carryOver: [{ ...state.carryOver[0], reason: 'Bad' }] }), 's'),
  ).toThrow();
});
