/** Nights of a campaign whose people watch in different places, on real parts. */

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RECIPIENTS_INLINE } from '../../src/planning/manifest.ts';
import { type VariantIdentity, variantKeyOf } from '../../src/planning/variant-key.ts';
import { NightProbe } from '../support/night-probe.ts';
import { lastJson, TestHome } from '../support/nightreel.ts';
import { Worker } from '../support/worker.ts';
import { runSql } from '../warehouse/support.ts';

const MINUTE = 60_000;
const CROWD = RECIPIENTS_INLINE + 20;

interface Person {
  readonly id: string;
  readonly name: string;
  /** NULL where there is none. */
  readonly channel?: string;
}

/** Ada's video is read in an e-mail and watched on the web, Cleo's on the phone. */
const PEOPLE: readonly Person[] = [
  { id: 'mail', name: 'Ada', channel: 'email' },
  { id: 'web', name: 'Ada', channel: 'web' },
  { id: 'phone', name: 'Cleo', channel: 'phone' },
  { id: 'nowhere', name: 'Ada' },
  { id: 'fax', name: 'Cleo', channel: 'fax' },
];
const WITHOUT_DESTINATION = 2;

let home: TestHome;
let probe: NightProbe;
let worker: Worker;
/** Keys of the videos that are to be there. */
let ada: { readonly web: string; readonly email: string };
let cleo: { readonly phone: string; readonly web: string };

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  worker = Worker.start(home, ['--workers', '1']);
}, MINUTE);

afterAll(async () => {
  await worker?.stop();
  await probe?.close();
  await home?.end();
}, 2 * MINUTE);

/** The table, as these people are now. */
async function write(people: readonly Person[]): Promise<void> {
  const rows = people.map(({ id, name, channel }) => `('${id}', '${name}', 1, ${channel ? `'${channel}'` : 'NULL'})`);
  await runSql(
    join(home.folder, 'warehouse.duckdb'),
    'CREATE OR REPLACE TABLE watchers (id VARCHAR, name VARCHAR, n INTEGER, channel VARCHAR)',
    `INSERT INTO watchers VALUES ${rows.join(', ')}`,
  );
}

async function night(date: string, people: readonly Person[], ...more: string[]) {
  await write(people);
  return lastJson((await home.run(['run', 'channels', '--date', date, '--json', ...more])).stdout);
}

/** The same people as a list given by hand: all of them are planned, whatever they were shown. */
async function nightByHand(date: string, people: readonly Person[]) {
  const csv = join(home.folder, 'people.csv');
  const rows = people.map(({ id, name, channel = '' }) => `${id},${name},1,1,${channel}\n`);
  await writeFile(csv, `recipient_id,name,referralCount,earnings,channel\n${rows.join('')}`);
  return await night(date, people, '--csv', csv);
}

const moved = (id: string, channel: string, people = PEOPLE): Person[] =>
  people.map((person) => (person.id === id ? { ...person, channel } : person));
const objectOf = (key: string): string => `videos/${key.slice(0, 2)}/${key}.mp4`;
const videos = async (): Promise<string[]> => (await probe.keys('videos/')).filter((key) => key.endsWith('.mp4'));
const pointerOf = (id: string) => probe.json(`users/${id}.json`);

/** Keys as docs/storage.md says that they are made, of what the first night was planned with. */
async function keysOf(name: string) {
  const { engine, template } = (await probe.json('batches/channels/2026-03-02/1/plan.json')) as {
    engine: { digest: string };
    template: { digest: string };
  };
  const params = { name, referralCount: 1, earnings: 1 };
  return (rendition: VariantIdentity['rendition'], scaledFrom?: VariantIdentity['rendition']) =>
    variantKeyOf({ engineDigest: engine.digest, templateDigest: template.digest, params, rendition, scaledFrom });
}

test(
  'each video is rendered in the renditions that somebody needs and in no other, and pointers list them',
  async () => {
    const tonight = { recipients: 3, rejected: WITHOUT_DESTINATION, variants: 2, failed: 0 };
    expect(await night('2026-03-02', PEOPLE)).toMatchObject({ ...tonight, rendered: 2, cached: 0, pointers: 3 });

    const [ofAda, ofCleo] = [await keysOf('Ada'), await keysOf('Cleo')];
    ada = { web: ofAda('web-1080p'), email: ofAda('email-480p', 'web-1080p') };
    cleo = { phone: ofCleo('phone-720p'), web: ofCleo('web-1080p') };
    expect(await videos()).toEqual([ada.web, ada.email, cleo.phone].map(objectOf).sort());

    const web = { variantKey: ada.web, width: 1920, height: 1080 };
    const email = { variantKey: ada.email, width: 854, height: 480 };
    const phone = { variantKey: cleo.phone, width: 1280, height: 720 };
    const [mailed, watched, carried] = await Promise.all(['mail', 'web', 'phone'].map(pointerOf));
    expect(mailed).toMatchObject({ ...email, renditions: { 'email-480p': email, 'web-1080p': web } });
    expect(watched).toMatchObject({ ...web, renditions: { 'web-1080p': web } });
    expect(watched?.['url']).toBe(`https://films.example.com/${objectOf(ada.web)}`);
    expect(await probe.text('batches/channels/2026-03-02/1/report.html')).toContain(
      'https://films.example.com/videos/',
    );
    expect(carried).toMatchObject({ ...phone, renditions: { 'phone-720p': phone } });
    const listed = [mailed, watched, carried].map((pointer) => Object.keys(pointer?.['renditions'] as object).length);
    expect(listed).toEqual([2, 1, 1]);
    for (const { key, sha256 } of [
      { key: ada.email, sha256: mailed?.['sha256'] },
      { key: ada.web, sha256: watched?.['sha256'] },
    ]) {
      const bytes = await probe.bytes(objectOf(key));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    }
  },
  3 * MINUTE,
);

test('who has no destination is rejected with the reason, and their channel is not told', async () => {
  const lines = (await probe.text('batches/channels/2026-03-02/1/rejects.jsonl')).trim().split('\n');
  const reasons = new Map(
    lines.map((line) => {
      const { recipientId, reason } = JSON.parse(line) as { recipientId: string; reason: string };
      return [recipientId, reason];
    }),
  );
  expect(reasons.get('nowhere')).toMatch(/^column 'channel' is empty/);
  expect(reasons.get('fax')).toMatch(/^column 'channel' holds none of the campaign's destinations/);
  expect(reasons.size).toBe(WITHOUT_DESTINATION);
});

test(
  'the largest has the bytes that it has when it is rendered alone',
  async () => {
    const params = JSON.stringify({ name: 'Ada', referralCount: 1, earnings: 1 });
    const out = join(home.folder, 'alone.mp4');
    const { stdout } = await home.run(['render', 'card', '--params', params, '--out', out, '--json']);
    const [alone] = lastJson(stdout)['videos'] as { sha256: string }[];
    expect(alone?.sha256).toBe((await pointerOf('web'))['sha256']);
  },
  MINUTE,
);

test(
  'a second night renders nothing: nobody changed, and of a list given by hand all is there',
  async () => {
    const before = await probe.versions('videos/');
    expect(await night('2026-03-03', PEOPLE)).toMatchObject({ recipients: 0, variants: 0, rendered: 0 });
    const byHand = { recipients: 3, variants: 2, rendered: 0, cached: 2, pointers: 3 };
    expect(await nightByHand('2026-03-04', PEOPLE)).toMatchObject(byHand);
    expect(await probe.versions('videos/')).toEqual(before);
    expect(await pointerOf('mail')).toMatchObject({ businessDate: '2026-03-04', variantKey: ada.email });
  },
  3 * MINUTE,
);

test(
  'who moves to another place gets what is watched there: rendered where it is new, linked where it is stored',
  async () => {
    const onTheWeb = moved('phone', 'web');
    const tonight = { recipients: 1, variants: 1, pointers: 1, failed: 0 };
    expect(await night('2026-03-05', onTheWeb)).toMatchObject({ ...tonight, rendered: 1, cached: 0 });
    const pointer = await pointerOf('phone');
    expect(pointer).toMatchObject({ variantKey: cleo.web, height: 1080 });
    expect(Object.keys(pointer['renditions'] as object)).toEqual(['web-1080p']);
    expect(await videos()).toEqual([ada.web, ada.email, cleo.phone, cleo.web].map(objectOf).sort());

    const allOnTheWeb = moved('mail', 'web', onTheWeb);
    expect(await night('2026-03-06', allOnTheWeb)).toMatchObject({ ...tonight, rendered: 0, cached: 1 });
    expect(await pointerOf('mail')).toMatchObject({ variantKey: ada.web });
    const asked = lastJson((await home.run(['recipient', 'channels', 'mail', '--json'])).stdout);
    expect(asked).toMatchObject({ batch: { outcome: 'cached', variantKey: ada.web } });
  },
  4 * MINUTE,
);

test(
  'of a variant of which one rendition is gone only that one is stored anew, the same as before',
  async () => {
    const { sha256 } = await metadataOf(ada.email);
    await probe.remove(objectOf(ada.email));
    const before = await probe.versions('videos/');
    const byHand = { variants: 2, rendered: 1, cached: 1, failed: 0, pointers: 3 };
    expect(await nightByHand('2026-03-09', PEOPLE)).toMatchObject(byHand);
    const after = await probe.versions('videos/');
    expect(after).toMatchObject(before);
    expect(Object.keys(after).filter((key) => !(key in before))).toEqual([objectOf(ada.email)]);
    expect(await metadataOf(ada.email)).toMatchObject({ sha256 });
    const asked = lastJson((await home.run(['recipient', 'channels', 'mail', '--json'])).stdout);
    expect(asked).toMatchObject({ batch: { outcome: 'rendered', variantKey: ada.email } });
  },
  3 * MINUTE,
);

test(
  'of a crowd everyone gets what is watched where they are, and nothing that goes through Temporal grows or names anybody',
  async () => {
    const crowd = Array.from({ length: CROWD }, (_, n) => {
      return { id: `crowd-${n}`, name: 'Everyone', channel: n % 2 === 0 ? 'email' : 'phone' };
    });
    const tonight = { recipients: CROWD, variants: 1, rendered: 1, pointers: CROWD };
    expect(await nightByHand('2026-03-10', crowd)).toMatchObject(tonight);
    expect(await probe.keys('batches/channels/2026-03-10/1/recipients/')).toHaveLength(1);
    const shown = await Promise.all([CROWD - 2, CROWD - 1].map((n) => pointerOf(`crowd-${n}`)));
    expect(shown.map((pointer) => Object.keys(pointer['renditions'] as object).sort())).toEqual([
      ['email-480p', 'web-1080p'],
      ['phone-720p'],
    ]);
    expect(shown.map(({ height }) => height)).toEqual([480, 720]);
    expect(Math.max(...(await probe.payloadSizes()))).toBeLessThan(4_000);
    const histories = await probe.histories();
    expect(histories.length).toBeGreaterThan(10);
    expect(histories.filter(({ text }) => /\b(Ada|Cleo|Everyone|crowd-\d+)\b/.test(text))).toEqual([]);
  },
  4 * MINUTE,
);

test(
  'what a night will cost is asked with the renditions that it needs, and what changed with the destinations',
  async () => {
    const people = [...PEOPLE, { id: 'new', name: 'Dora', channel: 'email' }];
    await write(people);
    const delta = lastJson((await home.run(['delta', 'channels', '--json'])).stdout);
    expect(delta).toMatchObject({ counts: { rejected: WITHOUT_DESTINATION } });
    const { stdout } = await home.run(['estimate', 'channels', '--sample', '1', '--json']);
    const estimate = lastJson(stdout);
    expect(estimate).toMatchObject({ scenes: null, rejected: WITHOUT_DESTINATION });
    expect(Number(estimate['variants']) - Number(estimate['cached'])).toBe(1);
  },
  2 * MINUTE,
);

/** What stands beside a video. */
async function metadataOf(key: string): Promise<Readonly<Record<string, string>>> {
  return (await probe.object(objectOf(key))).metadata;
}
