import { describe, expect, test } from '@jest/globals';
import { RENDITION_IDS, type RenditionId } from '../../src/contracts/video.ts';
import { paramsDigest } from '../../src/planning/canonical-params.ts';
import { planDelta } from '../../src/planning/delta-plan.ts';
import { type DestinationMap, Destinations, type KeyOfVideo, shownDigest } from '../../src/planning/destinations.ts';
import {
  type ManifestPage,
  manifestPages,
  parseManifestPage,
  parseRecipientPage,
  RECIPIENTS_INLINE,
  RECIPIENTS_PER_PAGE,
  videosFor,
} from '../../src/planning/manifest.ts';
import { variantKeyOf } from '../../src/planning/variant-key.ts';
import { pageWithout, recipientPageWithout } from '../../src/retention/without-person.ts';
import type { SourceRow } from '../../src/warehouse/reader.ts';
import { at, campaign, date, keyOf, row, stream, validateParams } from './support.ts';

const MAP: DestinationMap = {
  column: 'channel',
  renditions: { email: ['email-480p', 'web-1080p'], phone: ['phone-720p'], tablet: ['phone-720p'], web: ['web-1080p'] },
};
const keyOfVideo: KeyOfVideo = (params, rendition, scaledFrom) =>
  variantKeyOf({ engineDigest: 'e', templateDigest: 't', params, rendition, scaledFrom });
const destinations = new Destinations(MAP, keyOfVideo);
const orPhone = new Destinations({ ...MAP, otherwise: ['phone-720p'] }, keyOfVideo);

const key = (n: number, rendition: RenditionId, scaledFrom?: RenditionId) => keyOfVideo({ n }, rendition, scaledFrom);
const watcher = (id: string, n: number, destination: unknown, seconds = 1): SourceRow => ({
  ...row(id, seconds, n),
  destination,
});

type Input = Parameters<typeof planDelta>[0];
const planned = (rows: readonly SourceRow[], more: Partial<Input> = {}) =>
  planDelta({
    ...{ rows: stream(rows), range: { since: null, until: at(100) }, ordered: true, end: null },
    ...{ validateParams, keyOf, destinations, ...more },
  });

/** What is planned, with everything in it at once. */
async function variantsOf(rows: readonly SourceRow[], more: Partial<Input> = {}) {
  using plan = await planned(rows, more);
  const variants = [...plan.variants].map(({ recipients, destinations: of = [], ...rest }) => {
    return { ...rest, people: [...recipients], destinations: [...of] };
  });
  return { variants, rejects: plan.rejects, counts: plan.counts };
}

describe('a destination', () => {
  test('is a list of renditions, whatever leads to it', () => {
    expect(destinations.lists).toEqual([['email-480p', 'web-1080p'], ['phone-720p'], ['web-1080p']]);
    expect(['email', 'phone', 'tablet', 'web'].map((value) => destinations.of(value))).toEqual([0, 1, 1, 2]);
    expect(orPhone.lists).toEqual(destinations.lists);
  });

  test('is none for an empty cell, another value and the name of a member that every object has, or the one for all others', () => {
    for (const cell of [null, undefined, '', 'fax', 'Email', 'constructor', 7]) {
      expect(destinations.of(cell)).toBeNull();
      expect(orPhone.of(cell)).toBe(1);
    }
    const numbered = new Destinations({ column: 'c', renditions: { 7: ['web-1080p'] } }, keyOfVideo);
    expect(numbered.of(7)).toBe(0);
  });
});

describe('the videos of some params', () => {
  test('are the renditions that somebody needs, each once, the largest first', () => {
    const all = [0, 1, 2].reduce((bits, destination) => bits | destinations.bitsOf(destination), 0);
    const renditions = (bits: number) => destinations.videosOf({ n: 1 }, bits).map(({ rendition }) => rendition);
    expect(renditions(all)).toEqual(['web-1080p', 'phone-720p', 'email-480p']);
    expect(renditions(destinations.bitsOf(0))).toEqual(['web-1080p', 'email-480p']);
    expect(renditions(destinations.bitsOf(1) | destinations.bitsOf(2))).toEqual(['web-1080p', 'phone-720p']);
  });

  test('have keys that say how the pixels came about; the largest has the key that it has alone', () => {
    const bits = destinations.bitsOf(0) | destinations.bitsOf(1);
    expect(destinations.videosOf({ n: 1 }, bits).map((video) => video.key)).toEqual([
      variantKeyOf({ engineDigest: 'e', templateDigest: 't', params: { n: 1 }, rendition: 'web-1080p' }),
      key(1, 'phone-720p', 'web-1080p'),
      key(1, 'email-480p', 'web-1080p'),
    ]);
    const everyWay = RENDITION_IDS.flatMap((one) => [undefined, ...RENDITION_IDS].map((from) => key(1, one, from)));
    expect(new Set(everyWay).size).toBe(everyWay.length);
  });
});

describe('the plan of people who watch in different places', () => {
  test('makes one variant of equal params, in the renditions of all of its people', async () => {
    const { variants, counts } = await variantsOf([
      watcher('a', 7, 'email'),
      watcher('b', 8, 'phone', 2),
      watcher('c', 7, 'phone', 3),
      watcher('d', 7, 'email', 4),
    ]);
    const sevens = [
      { key: key(7, 'web-1080p'), rendition: 'web-1080p' },
      { key: key(7, 'phone-720p', 'web-1080p'), rendition: 'phone-720p' },
      { key: key(7, 'email-480p', 'web-1080p'), rendition: 'email-480p' },
    ];
    const eights = [{ key: key(8, 'phone-720p'), rendition: 'phone-720p' }];
    expect(variants).toEqual([
      {
        ...{ key: key(7, 'web-1080p'), params: { n: 7 }, videos: sevens },
        ...{ people: ['a', 'c', 'd'], destinations: [0, 1, 0] },
      },
      { key: key(8, 'phone-720p'), params: { n: 8 }, videos: eights, people: ['b'], destinations: [1] },
    ]);
    expect(counts).toMatchObject({ recipients: 4, variants: 2 });
  });

  test('goes by the row that decides for a person', async () => {
    const { variants } = await variantsOf([watcher('a', 7, 'email'), watcher('a', 7, 'phone', 2)]);
    expect(variants).toMatchObject([{ people: ['a'], destinations: [1], videos: [{ rendition: 'phone-720p' }] }]);
  });

  test('rejects who has no destination, and says which column and not what stands there', async () => {
    const rows = [watcher('a', 7, null), watcher('b', 7, 'carrier pigeon', 2), watcher('c', -1, null, 3)];
    const { rejects, counts } = await variantsOf(rows);
    expect(counts).toMatchObject({ recipients: 0, rejected: 3, variants: 0 });
    expect(rejects.map(({ recipientId, reason }) => [recipientId, reason.split(',')[0]])).toEqual([
      ['a', "column 'channel' is empty"],
      ['b', "column 'channel' holds none of the campaign's destinations"],
      ['c', 'must be a number from 0'],
    ]);
    expect(JSON.stringify(rejects)).not.toContain('pigeon');
    const { variants } = await variantsOf(rows, { destinations: orPhone });
    expect(variants).toMatchObject([{ people: ['a', 'b'], destinations: [1, 1] }]);
  });

  test('who left needs no destination', async () => {
    using plan = await planned([{ ...watcher('a', 7, null), withdrawn: true }]);
    expect(plan).toMatchObject({ withdrawn: ['a'], rejects: [] });
  });

  test('somebody who was shown the same, and in the same place, is unchanged; in another place they are not', async () => {
    const shown = shownDigest(paramsDigest({ n: 7 }), ['email-480p', 'web-1080p']);
    const known: Input['known'] = {
      isEcho: () => true,
      delivered: {
        unchanged: async (wanted, found) => {
          for (const [id, digest] of wanted) if (digest === shown) found(id);
        },
      },
    };
    const rows = [watcher('a', 7, 'email'), watcher('b', 7, 'web', 2), watcher('c', 8, 'email', 3)];
    const { variants, counts } = await variantsOf(rows, { known });
    expect(counts).toMatchObject({ unchanged: 1, recipients: 2 });
    expect(variants.map(({ people }) => people)).toEqual([['b'], ['c']]);
    expect(variants[0]?.videos?.map(({ rendition }) => rendition)).toEqual(['web-1080p']);
  });
});

test('what somebody is shown differs with the params, the first rendition and the others, and not with their order', () => {
  const digest = (n: number, ...list: RenditionId[]) => shownDigest(paramsDigest({ n }), list);
  const different = [
    shownDigest(paramsDigest({ n: 1 }), null),
    digest(1, 'web-1080p'),
    digest(2, 'web-1080p'),
    digest(1, 'web-1080p', 'email-480p'),
    digest(1, 'email-480p', 'web-1080p'),
    digest(1, 'web-1080p', 'email-480p', 'phone-720p'),
  ];
  expect(new Set(different).size).toBe(different.length);
  expect(digest(1, 'web-1080p', 'phone-720p', 'email-480p')).toBe(different[5]);
  expect(different[0]).toBe(paramsDigest({ n: 1 }));
});

describe('manifest pages with destinations', () => {
  /** Of so many people, every third reads e-mails. */
  async function draftOf(people: number) {
    using plan = await planned(
      Array.from({ length: people }, (_, n) => watcher(`p${n}`, 7, n % 3 === 0 ? 'email' : 'phone', n / 1_000)),
    );
    const [draft, ...more] = manifestPages(plan.variants, 'web-1080p');
    if (draft === undefined || more.length > 0) throw new Error('one page was expected');
    return { page: draft.page, recipientPages: [...draft.recipientPages()] };
  }
  const again = (page: ManifestPage) => parseManifestPage(JSON.stringify(page), 'page');

  test('say for each of the people where they watch, beside their names', async () => {
    const { page } = await draftOf(5);
    expect(page.variants).toMatchObject([
      {
        ...{ key: key(7, 'web-1080p'), rendition: 'web-1080p', cached: null },
        ...{ recipients: ['p0', 'p1', 'p2', 'p3', 'p4'], destinations: [0, 1, 1, 0, 1] },
      },
    ]);
    expect(again(page)).toEqual(page);
  });

  test('of a crowd say it on the pages of the people, and grow by nothing', async () => {
    const { page, recipientPages } = await draftOf(RECIPIENTS_PER_PAGE + 2);
    expect(RECIPIENTS_PER_PAGE).toBeGreaterThan(RECIPIENTS_INLINE);
    expect(page.variants).toMatchObject([{ recipients: [], destinations: [] }]);
    expect(JSON.stringify(page).length).toBeLessThan(1_500);
    const all = recipientPages.flatMap(({ recipients, destinations: of = [] }) =>
      recipients.map((id, n) => [id, of[n]]),
    );
    expect(all).toEqual(Array.from({ length: RECIPIENTS_PER_PAGE + 2 }, (_, n) => [`p${n}`, n % 3 === 0 ? 0 : 1]));
    expect(recipientPages).toHaveLength(2);
    for (const people of recipientPages) expect(parseRecipientPage(JSON.stringify(people), 'page')).toEqual(people);
  });

  test('are refused when somebody on them has no destination', async () => {
    const { page, recipientPages } = await draftOf(RECIPIENTS_INLINE + 1);
    const [line] = page.variants;
    if (line === undefined) throw new Error('there is a line');
    expect(() => again({ ...page, variants: [{ ...line, recipients: ['a', 'b'], destinations: [0] }] })).toThrow(
      /page/,
    );
    expect(() => parseRecipientPage(JSON.stringify({ ...recipientPages[0], destinations: [] }), 'page')).toThrow(
      /page/,
    );
  });

  test('keep everyone with their destination when somebody is taken out', async () => {
    const { page } = await draftOf(5);
    const without = pageWithout(page, 'p0', new Set());
    expect(without.variants).toMatchObject([{ recipients: ['p1', 'p2', 'p3', 'p4'], destinations: [1, 1, 0, 1] }]);
    const people = { page: 1, key: key(7, 'web-1080p'), recipients: ['p0', 'p1', 'p2'], destinations: [0, 1, 1] };
    expect(recipientPageWithout(people, 'p1')).toMatchObject({ recipients: ['p0', 'p2'], destinations: [0, 1] });
  });

  test('lead from a destination to its videos, in its order; what does not fit together is damaged', async () => {
    const { page } = await draftOf(5);
    const [line] = page.variants;
    if (line === undefined) throw new Error('there is a line');
    const plan = {
      batch: { campaign, businessDate: date('2026-11-23'), attempt: 1 },
      destinations: destinations.lists.map((list) => [...list]),
    };
    const shown = (destination: number | null) =>
      videosFor(plan, line, destination).map((video) => [video.rendition, video.key]);
    expect(shown(0)).toEqual([
      ['email-480p', key(7, 'email-480p', 'web-1080p')],
      ['web-1080p', key(7, 'web-1080p')],
    ]);
    expect(shown(1)).toEqual([['phone-720p', key(7, 'phone-720p', 'web-1080p')]]);
    for (const destination of [3, null]) {
      expect(() => shown(destination)).toThrow(expect.objectContaining({ failureClass: 'ManifestDamaged' }));
    }
    const { videos: _, ...bare } = line;
    expect(() => videosFor(plan, bare, 0)).toThrow(expect.objectContaining({ failureClass: 'ManifestDamaged' }));
    expect(videosFor({ batch: plan.batch }, bare, null).map((video) => video.key)).toEqual([line.key]);
  });
});
