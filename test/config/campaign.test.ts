import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listCampaigns, loadCampaign } from '../../src/config/campaign.ts';
import { temporaryFolder } from '../warehouse/support.ts';

const repository = join(import.meta.dirname, '../..');
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let referral: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder.path, 'campaigns'));
  referral = await readFile(join(repository, 'campaigns/referral.yaml'), 'utf8');
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const load = async (text: string) => {
  await writeFile(join(folder.path, 'campaigns/x.yaml'), text);
  return await loadCampaign(folder.path, 'x');
};

test('the campaign of this repository runs on weeknights at 23:00 in New York', async () => {
  expect(await listCampaigns(repository)).toContain('referral');
  const campaign = await loadCampaign(repository, 'referral');
  expect(campaign).toMatchObject({
    id: 'referral',
    template: 'referral',
    source: { type: 'duckdb', table: 'referrers', params: { name: 'first_name', earnings: 'earnings_usd' } },
    rendition: 'phone-720p',
    pointerKey: 'users/{recipientId}.json',
    publicUrl: null,
    lanes: { count: 2, window: 8 },
    schedule: { days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], at: '23:00', timeZone: 'America/New_York', catchupHours: 6 },
  });
  expect(campaign.source).not.toHaveProperty('path');
  expect(() => {
    (campaign.lanes as { count: number }).count = 9;
  }).toThrow(TypeError);
});

test('what may be left out has one default each', async () => {
  const campaign = await load(
    `title: T\ntemplate: t\nrendition: email-480p\nsource: { type: csv, path: users.csv }\nschedule: { days: [Sun], at: '06:30', timeZone: Asia/Tokyo }\n`,
  );
  expect(campaign).toEqual({
    id: 'x',
    title: 'T',
    template: 't',
    rendition: 'email-480p',
    source: {
      type: 'csv',
      path: 'users.csv',
      columns: { recipientId: 'recipient_id', updatedAt: 'updated_at' },
      delta: { strategy: 'watermark', lagMinutes: 0, overlapMinutes: 0 },
    },
    pointerKey: 'users/{recipientId}.json',
    publicUrl: null,
    lanes: { count: 2, window: 8 },
    firstNight: 'everyone',
    scenes: 'auto',
    rejectLimit: 0.1,
    results: 'none',
    whenWithdrawn: 'remove',
    breaker: { share: 0.05, atLeast: 100 },
    deadline: null,
    schedule: { days: ['Sun'], at: '06:30', timeZone: 'Asia/Tokyo', catchupHours: 6 },
  });
});

test('the breaker can be set or taken out, and a deadline says what happens when it passes', async () => {
  const withLines = (lines: string) => load(`${referral}\n${lines}\n`);
  const whole = await load(referral);
  expect(whole.deadline).toEqual({ at: '06:00', whenLate: 'finish' });
  expect(whole.breaker).toEqual({ share: 0.05, atLeast: 100 });
  expect((await withLines('breaker: off')).breaker).toBeNull();
  expect((await withLines('breaker: { share: 0.5 }')).breaker).toEqual({ share: 0.5, atLeast: 100 });
  for (const wrong of ['breaker: { share: 0 }', 'breaker: { share: 2 }', 'breaker: { share: 0.1, atLeast: 0 }']) {
    await expect(withLines(wrong)).rejects.toMatchObject({ failureClass: 'CampaignInvalid' });
  }
  const bare = (lines: string) => load(`${referral.replace(/^deadline:\n(?: .*\n)*/m, '')}\n${lines}\n`);
  expect((await bare("deadline: { at: '06:00' }")).deadline).toEqual({ at: '06:00', whenLate: 'finish' });
  expect((await bare("deadline: { at: '06:00', whenLate: stop }")).deadline).toEqual({ at: '06:00', whenLate: 'stop' });
  await expect(bare('deadline: { at: six }')).rejects.toThrow(/time of day/);
});

test('an unknown campaign is answered with those that there are', async () => {
  await load(referral);
  for (const id of ['y', '../x', 'X']) {
    await expect(loadCampaign(folder.path, id)).rejects.toMatchObject({
      failureClass: 'CampaignInvalid',
      message: `no campaign '${id}'; there are: x`,
    });
  }
  await expect(loadCampaign(join(folder.path, 'campaigns'), 'y')).rejects.toThrow(
    "no campaign 'y'; there are none in campaigns/",
  );
});

describe('destinations', () => {
  const BARE = `title: T\ntemplate: t\nsource: { type: csv, path: users.csv }\nschedule: { days: [Sun], at: '06:30', timeZone: Asia/Tokyo }\n`;
  const WHOLE = `${BARE}destinations:\n  column: channel\n  renditions:\n    email: [email-480p, phone-720p]\n    phone: [phone-720p]\n`;

  test('say who gets which renditions, by a column of the source', async () => {
    const campaign = await load(`${WHOLE}  otherwise: [email-480p]\n`);
    expect(campaign.destinations).toEqual({
      column: 'channel',
      renditions: { email: ['email-480p', 'phone-720p'], phone: ['phone-720p'] },
      otherwise: ['email-480p'],
    });
    expect(campaign.source.columns).toEqual({
      ...{ recipientId: 'recipient_id', updatedAt: 'updated_at', destination: 'channel' },
    });
    expect(campaign.rendition).toBe('phone-720p');
    expect((await load(WHOLE)).destinations?.otherwise).toBeUndefined();
  });

  test.each([
    ['an unknown rendition', 'email-480p', 'email-481p', /line 8: destinations\.renditions\.email\.0: .*email-480p/],
    ['an empty list', '[phone-720p]\n', '[]\n', /line 9: destinations\.renditions\.phone: .*at least one/],
    ['a rendition twice', '[email-480p, ', '[phone-720p, ', /line 8: destinations\.renditions\.email: .*twice/],
    ['a destination without a name', 'phone: [', "'': [", /destinations\.renditions.*otherwise/],
    ['no column', '  column: channel\n', '', /line 6: destinations\.column/],
    ['an unknown key', '  column:', '  columns: a\n  column:', /line \d+: destinations: .*columns/],
    ['no destination', /renditions:\n(?: {4}.*\n)+/, 'renditions: {}\n', /destinations\.renditions: .*at least one/],
    ['a rendition for everyone beside them', 'title: T', 'title: T\nrendition: web-1080p', /destinations: .*keep one/],
    ['neither', /destinations:\n(?: {2}.*\n)+/, '', /must have a rendition.* or destinations/],
    [
      'the column in another place',
      'path: users.csv',
      'path: users.csv, columns: { destination: channel }',
      /source\.columns\.destination: .*destinations\.column/,
    ],
  ])('with %s are refused', async (_, from, to, message) => {
    expect(WHOLE).toMatch(from);
    const failure = await load(WHOLE.replace(from, to)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ failureClass: 'CampaignInvalid', message: expect.stringMatching(message) });
  });
});

describe('a wrong file is refused with file, line and key', () => {
  test.each([
    ['an unknown key', 'rendition:', 'renditoin: 1\nrendition:', /line \d+: .*renditoin/],
    ['an unknown nested key', '  window: 8', '  window: 8\n  speed: 9', /line 23: lanes: .*speed/],
    ['an unknown rendition', 'phone-720p', 'phone-721p', /line 4: rendition: .*phone-720p/],
    ['a missing key', 'title: Referral progress', '', /title/],
    ['an unknown time zone', 'America/New_York', 'America/Newark_York', /line \d+: schedule\.timeZone: .*IANA/],
    ['an offset as time zone', 'America/New_York', "'-05:00'", /schedule\.timeZone/],
    ['a time that is none', '"23:00"', '"25:00"', /schedule\.at: .*23:00/],
    ['a day that is none', '[Mon, Tue', '[Mon, Tues', /line \d+: schedule\.days\.1/],
    ['a day twice', '[Mon, Tue', '[Mon, Mon', /twice/],
    ['a source type that is none', 'type: duckdb', 'type: oracle', /line \d+: source\.type/],
    [
      'a pointer key without recipient',
      'users/{recipientId}.json',
      'users/all.json',
      /line 5: pointerKey: .*must have \{recipientId\}/,
    ],
    [
      'a pointer key among videos',
      'users/{recipientId}.json',
      'videos/{recipientId}.json',
      /line 5: pointerKey: .*folder of its own/,
    ],
    [
      'a pointer key without a folder',
      'users/{recipientId}.json',
      '"{recipientId}.json"',
      /line 5: pointerKey: .*folder of its own/,
    ],
    [
      'a pointer key with an empty segment',
      'users/{recipientId}.json',
      'users//{recipientId}',
      /line 5: pointerKey: .*empty/,
    ],
    [
      'a pointer key with the recipient twice',
      'users/{recipientId}.json',
      'users/{recipientId}/{recipientId}.json',
      /line 5: pointerKey: .*once/,
    ],
    ['a share above one', 'rejectLimit: 0.1', 'rejectLimit: 10', /line \d+: rejectLimit/],
    ['YAML that is none', 'lanes:', 'lanes: [', /line \d+: /],
    ['a key twice', 'rejectLimit: 0.1', 'rejectLimit: 0.1\nrejectLimit: 0.2', /line \d+: .*unique/],
  ])('%s', async (_, from, to, message) => {
    expect(referral).toContain(from);
    const failure = await load(referral.replace(from, to)).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      failureClass: 'CampaignInvalid',
      message: expect.stringMatching(/^campaigns\/x\.yaml /),
    });
    expect(failure).toMatchObject({ message: expect.stringMatching(message) });
  });

  test('an empty file', async () => {
    await expect(load('')).rejects.toThrow(/^campaigns\/x\.yaml line 1: /);
  });
});
