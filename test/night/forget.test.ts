/** Real nights, and then `nightreel forget` and `nightreel gc` as people run them. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findTargets } from '../../src/config/connections.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { ObjectStore } from '../../src/storage/object-store.ts';
import { keysWith, wholeBucket } from '../retention/nights.ts';
import { NightProbe } from '../support/night-probe.ts';
import { finished, lastJson, TestHome, until } from '../support/nightreel.ts';
import { Worker } from '../support/worker.ts';

const MINUTE = 60_000;
const ID = 'quill/7 ö@example.com';
const NAME = 'Ottilie 👩‍🚀 Quillfeather';

let home: TestHome;
let probe: NightProbe;
let store: ObjectStore;
let worker: Worker;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  const { s3 } = await findTargets(readEnvironment({ NIGHTREEL_HOME: home.folder }));
  if (s3 === null) throw new Error('no object store runs');
  store = new ObjectStore(s3);
  worker = Worker.start(home, ['--workers', '1']);
}, MINUTE);

afterAll(async () => {
  await worker?.stop();
  store?.close();
  await probe?.close();
  await home?.end();
}, 2 * MINUTE);

const people = (number: number): string => `${ID},${NAME},${number},5\nbo,Bo,1,5\n${ID}2,Cy,${number},5\n`;

async function night(campaign: string, date: string, rows: string): Promise<Record<string, unknown>> {
  const csv = join(home.folder, `${campaign}-${date}.csv`);
  await writeFile(csv, `recipient_id,name,referralCount,earnings\n${rows}`);
  const run = await home.run(['run', campaign, '--csv', csv, '--date', date, '--json']);
  expect(run).toMatchObject({ code: 0 });
  return lastJson(run.stdout);
}

const traces = async (): Promise<string[]> =>
  keysWith(await wholeBucket(store), NAME, `"${ID}"`, `\n${ID},`, 'quill%2F7%20%C3%B6%40example.com.json');

test(
  'after two nights a person is found nowhere in the bucket, and the others still have their videos',
  async () => {
    await night('story', '2026-03-02', people(7));
    await night('story', '2026-03-03', people(8));
    // Two pages, two lists, one pointer.
    expect(await traces()).toHaveLength(5);

    const dry = await home.run(['forget', ID, '--dry-run', '--json']);
    expect(dry).toMatchObject({ code: 0 });
    const done = await home.run(['forget', ID, '--json']);
    expect(done).toMatchObject({ code: 0 });
    expect(lastJson(done.stdout)).toEqual({ ...lastJson(dry.stdout), dryRun: false });
    expect(lastJson(done.stdout)).toMatchObject({
      ...{ recipientId: ID, campaign: null, found: true, sharedVideos: 0, unknownScenes: 0, unreadable: [] },
      // The name, and the two numbers.
      ...{
        versioned: false,
        objects: { pointers: 1, videos: 2, posters: 2, scenes: 3, manifests: 2, outcomes: 2, reports: 4, lists: 2 },
      },
    });
    expect(await traces()).toEqual([]);
    const left = await probe.pointers();
    expect(left.map(({ recipientId }) => recipientId).sort()).toEqual(['bo', `${ID}2`].sort());
    const videos = await probe.keys('videos/');
    for (const { variantKey } of left) expect(videos).toContain(`videos/${variantKey.slice(0, 2)}/${variantKey}.mp4`);

    const again = await home.run(['forget', ID]);
    expect(again).toMatchObject({ code: 0, stdout: `${ID}: nothing in the bucket names them.\n` });
  },
  6 * MINUTE,
);

test(
  'a night after it renders for the others what went with the person, and a repair of an old one finds its way',
  async () => {
    // Number 8 was in a scene of both; the scene went.
    const again = await night('story', '2026-03-04', `dee,Dee,8,5\nbo,Bo,1,5\n`);
    expect(again).toMatchObject({ variants: 2, cached: 1, rendered: 1, failed: 0 });
    const repair = await home.run(['backfill', '--batch', 'story/2026-03-03/1', '--json']);
    expect(repair).toMatchObject({ code: 0 });
    expect(lastJson(repair.stdout)).toMatchObject({ variants: 2, failed: 0 });
    expect(await traces()).toEqual([]);
  },
  2 * MINUTE,
);

test(
  'while a batch runs nobody is forgotten; gc looks, and removes nothing that is young',
  async () => {
    const { workflowId } = await probe.startCsvNight(
      { campaign: 'card', businessDate: '2026-03-05' },
      [{ id: 'bo', name: 'Bo' }],
      {
        held: true,
      },
    );
    const refused = await home.run(['forget', 'bo']);
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(`${workflowId} still runs`) });
    expect(await home.run(['forget', 'bo', '--dry-run'])).toMatchObject({ code: 0 });
    await probe.update(workflowId, 'resumeBatch');
    await until(
      async () => ((await probe.statuses(`WorkflowId = '${workflowId}'`)).includes('COMPLETED') ? true : null),
      workflowId,
    );

    // It ended just now: workers may still have its pages in memory. Whoever does not want to wait for that leaves.
    const waiting = home.start(['forget', 'bo']);
    waiting.stderr?.once('data', () => waiting.kill('SIGINT'));
    const left = await finished(waiting);
    expect(left).toMatchObject({ code: 130, stdout: '', stderr: expect.stringMatching(/^A batch ended just now/) });
    expect(left.stderr).toContain('Stopped in the middle; the same command goes on.');

    const there = await probe.keys('');
    const gc = await home.run(['gc', '--delete', '--json']);
    expect(gc).toMatchObject({ code: 0 });
    expect(lastJson(gc.stdout)).toMatchObject({ removes: true, keptBatches: 4, heldBy: [], unknownScenes: [] });
    expect(await probe.keys('')).toEqual(there);
    expect((await home.run(['gc'])).stdout).toMatch(/Nothing was removed; --delete does that\.\n$/);
  },
  2 * MINUTE,
);

test('what cannot be meant is refused in a sentence', async () => {
  for (const [args, sentence] of [
    [['forget', ''], /the recipient ID is empty/],
    [['forget', 'bo', '--campaign', 'none'], /No campaign 'none', neither in campaigns\/ nor in the bucket/],
    [['gc', '--older-than', '0d'], /a number of days from 1 up/],
    [['gc', '--keep-batches', '90'], /a number of days from 1 up/],
  ] as const) {
    expect(await home.run(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(sentence) });
  }
});
