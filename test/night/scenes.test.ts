/** Nights whose videos are joined from scenes, on real parts. */

import { type ChildProcess, execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NightProbe } from '../support/night-probe.ts';
import { TestHome } from '../support/nightreel.ts';

const MINUTE = 60_000;

let home: TestHome;
let probe: NightProbe;
let serving: ChildProcess;

beforeAll(async () => {
  home = await TestHome.create();
  await home.run(['up']);
  probe = await NightProbe.connect(home);
  serving = serve();
}, MINUTE);

afterAll(async () => {
  if (serving !== undefined) await stop(serving);
  await probe?.close();
  await home?.end();
}, 2 * MINUTE);

function serve(...more: string[]): ChildProcess {
  const started = home.start(['serve', '--workers', '2', ...more]);
  started.stdout?.resume();
  started.stderr?.resume();
  return started;
}

async function stop(running: ChildProcess): Promise<void> {
  running.kill('SIGTERM');
  await once(running, 'close');
}

interface Person {
  readonly name: string;
  readonly count: number;
}

/** A night over these people; what it came to. */
async function night(businessDate: string, people: readonly Person[], campaign = 'story') {
  const lines = people.map(({ name, count }, n) => `r${n},${name},${count},${n}\n`);
  const csv = `recipient_id,name,referralCount,earnings\n${lines.join('')}`;
  const csvKey = `inputs/${createHash('sha256').update(csv).digest('hex')}.csv`;
  await probe.put(csvKey, csv);
  const workflowId = `batch/${campaign}/${businessDate}`;
  await probe.startWorkflow('nightlyBatch', workflowId, { campaign, businessDate, csvKey });
  const summary = (await probe.resultOf(workflowId)) as Record<string, number>;
  const { counts } = (await probe.json(`batches/${campaign}/${businessDate}/1/plan.json`)) as {
    counts: Record<string, number>;
  };
  return { summary, counts };
}

const scenesOf = (date: string) => probe.workflowIds(`WorkflowType = 'renderScene' AND BatchDate = '${date}'`);
const person = (name: string, count: number): Person => ({ name, count });
// Two names, three counts, one goodbye; `earnings` differs for all, and shows nowhere.
const FIRST = [person('Ada', 1), person('Ada', 2), person('Bob', 1), person('Bob', 3)];

/** Digests of a video's frames as they decode. */
async function framesOf(key: string): Promise<string[]> {
  const file = join(home.folder, `${createHash('sha256').update(key).digest('hex')}.mp4`);
  await writeFile(file, await probe.bytes(key));
  const { stdout, stderr } = await promisify(execFile)('ffmpeg', [
    ...['-v', 'warning', '-xerror', '-i', file, '-map', '0:v', '-f', 'framemd5', '-'],
  ]);
  expect(stderr).toBe('');
  return stdout.split('\n').flatMap((line) => (line.startsWith('0,') ? [line.split(',').at(-1)?.trim() ?? ''] : []));
}

describe('a first night', () => {
  let result: Awaited<ReturnType<typeof night>>;
  let videos: Map<string, string[]>;

  beforeAll(async () => {
    result = await night('2026-03-02', FIRST);
    const manifest = await probe.manifestOf('story/2026-03-02/1');
    const frames = manifest.map(async ({ key, params }) => {
      const name = `${params['name']} ${params['referralCount']}`;
      return [name, await framesOf(`videos/${key.slice(0, 2)}/${key}.mp4`)] as const;
    });
    videos = new Map(await Promise.all(frames));
  }, 2 * MINUTE);

  test('counts what is shared: 16 parts, 7 of them different, and every video is there', () => {
    expect(result.summary).toMatchObject({ variants: 4, rendered: 4, failed: 0, pointers: 4 });
    expect(result.counts).toMatchObject({ sceneSlots: 16, distinctScenes: 7, storedScenes: 0 });
  });

  test('renders scenes that several need first, as workflows of their own, once each', async () => {
    // Both names, the count that two share, the goodbye and the soundtrack; the two other counts are one video's own.
    expect(await scenesOf('2026-03-02')).toHaveLength(5);
    expect(await probe.keys('scenes/')).toHaveLength(7);
  });

  test('gives everybody a whole video in which only what is theirs differs', () => {
    const [adaOne, adaTwo, bobOne] = ['Ada 1', 'Ada 2', 'Bob 1'].map((name) => videos.get(name) ?? []);
    expect([adaOne?.length, adaTwo?.length, bobOne?.length]).toEqual([30, 30, 30]);
    const same = (a: string[] = [], b: string[] = []) => a.map((digest, index) => digest === b[index]);
    expect(same(adaOne, adaTwo).slice(0, 12)).toEqual(Array(12).fill(true));
    expect(same(adaOne, adaTwo).slice(12, 24)).toEqual(Array(12).fill(false));
    expect(same(adaOne, adaTwo).slice(24)).toEqual(Array(6).fill(true));
    expect(same(adaOne, bobOne).slice(0, 12)).toEqual(Array(12).fill(false));
    expect(same(adaOne, bobOne).slice(12)).toEqual(Array(18).fill(true));
  });

  test('says of every video what making it took: of one that was only joined no browser and no frames', async () => {
    const outcomes = await probe.outcomesOf('story/2026-03-02/1');
    const measures = outcomes.flatMap((outcome) => (outcome.outcome === 'rendered' ? (outcome.measures ?? []) : []));
    expect(measures).toHaveLength(4);
    // One more scene each had to be captured for the two whose count nobody shares.
    expect(measures.map(({ frames }) => frames).sort((a, b) => a - b)).toEqual([0, 0, 12, 12]);
    for (const { frames, stages, cpuMs, bytes } of measures) {
      const rendering = frames > 0 ? ['acquire', 'params', 'capture', 'encode', 'verify'] : [];
      expect(Object.keys(stages)).toEqual([...rendering, 'assemble', 'upload']);
      expect([cpuMs, bytes].every((figure) => figure !== undefined && figure > 0)).toBe(true);
    }
  });

  test('brings a poster with every video, and no name into any history', async () => {
    expect((await probe.keys('videos/')).filter((key) => key.endsWith('.jpg'))).toHaveLength(4);
    const histories = await probe.histories();
    expect(histories.length).toBeGreaterThan(10);
    expect(histories.filter(({ text }) => /\b(Ada|Bob)\b/.test(text))).toEqual([]);
  });
});

test(
  'a second night renders only what is new, and joins without a browser what is not',
  async () => {
    const before = await probe.versions('scenes/');
    // Ada and the count of 3 were shown, but never together: that takes no browser. Cleo and her count are new.
    const { summary, counts } = await night('2026-03-03', [person('Ada', 3), person('Cleo', 9)]);
    expect(summary).toMatchObject({ variants: 2, rendered: 2, failed: 0 });
    expect(counts).toMatchObject({ sceneSlots: 8, distinctScenes: 6, storedScenes: 4 });
    expect(await scenesOf('2026-03-03')).toEqual([]);
    const after = await probe.versions('scenes/');
    expect(after).toMatchObject(before);
    expect(Object.keys(after).length - Object.keys(before).length).toBe(2);
    const activities = await probe.activitiesOf(`WorkflowType = 'renderVariant' AND BatchDate = '2026-03-03'`);
    expect(activities.sort()).toEqual(['assembleVariant', 'publishPointers', 'publishPointers', 'renderVariant']);
  },
  2 * MINUTE,
);

test(
  'scenes that are cut off or altered in the store are rendered again, and nobody sees them',
  async () => {
    const keys = await probe.keys('scenes/');
    for (const [index, key] of keys.entries()) {
      const bytes = Buffer.from(await probe.bytes(key));
      if (index % 2 === 0) await probe.put(key, bytes.subarray(0, bytes.byteLength - 7));
      else {
        bytes[40] = (bytes[40] ?? 0) ^ 1;
        await probe.put(key, bytes);
      }
    }
    // Other workers: these have the scenes in memory.
    await stop(serving);
    serving = serve();
    const { summary } = await night('2026-03-04', [person('Ada', 9), person('Cleo', 1)]);
    expect(summary).toMatchObject({ variants: 2, rendered: 2, failed: 0 });
    const [first] = await probe.manifestOf('story/2026-03-04/1');
    expect(await framesOf(`videos/${first?.key.slice(0, 2)}/${first?.key}.mp4`)).toHaveLength(30);
  },
  3 * MINUTE,
);

test(
  'a scene that does not fit the others is refused, and its video rendered whole',
  async () => {
    const pages = (await probe.keys('batches/story/2026-03-02/1/scenes/')).map((key) => probe.json(key));
    const planned = (await Promise.all(pages)).flatMap(
      ({ scenes }) => scenes as { key: string; scene: string | null; params: Person }[],
    );
    const objectOf = (id: string, name: string): string => {
      const { key = '' } = planned.find(({ scene, params }) => scene === id && params.name === name) ?? {};
      return `scenes/${key.slice(0, 2)}/${key}.clip`;
    };
    // Sound in itself, and half as long as the scene in whose place it lies.
    await probe.put(objectOf('hello', 'Bob'), await probe.bytes(objectOf('goodbye', 'Friend')));
    const { summary } = await night('2026-03-06', [person('Bob', 9)]);
    expect(summary).toMatchObject({ variants: 1, rendered: 1, failed: 0 });
    const [bob] = await probe.manifestOf('story/2026-03-06/1');
    const frames = await framesOf(`videos/${bob?.key.slice(0, 2)}/${bob?.key}.mp4`);
    expect(frames).toHaveLength(30);
    expect(new Set(frames.slice(0, 12)).size).toBeGreaterThan(6);
  },
  3 * MINUTE,
);

test(
  'a scene that fails is the failure of those who need it, by its class, and of nobody else',
  async () => {
    const people = [person('Thrower', 1), person('Thrower', 2), person('Ada', 2)];
    const { summary } = await night('2026-03-05', people);
    expect(summary).toMatchObject({ variants: 3, rendered: 1, failed: 2 });
    const failed = await probe.workflowIds(
      `WorkflowType = 'renderVariant' AND BatchDate = '2026-03-05' AND FailureClass = 'TemplateCrashed'`,
    );
    expect(failed).toHaveLength(2);
  },
  3 * MINUTE,
);

test(
  'where no worker joins, render workers do',
  async () => {
    await stop(serving);
    serving = serve('--roles', 'orchestrator,warehouse,render,storage');
    // All of its scenes are stored.
    const { summary } = await night('2026-03-09', [person('Ada', 1), person('Cleo', 2)]);
    expect(summary).toMatchObject({ variants: 2, rendered: 1, cached: 1, failed: 0 });
    const activities = await probe.activitiesOf(`WorkflowType = 'renderVariant' AND BatchDate = '2026-03-09'`);
    expect(activities.sort()).toEqual(['assembleVariant', 'publishPointers', 'renderVariant']);
  },
  3 * MINUTE,
);
