/** Which line of which batch somebody means who has some digits of a key, and what the bucket tells of it. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { whyText } from '../../src/cli/run-why.ts';
import type { VariantOutcome } from '../../src/contracts/batch.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { batchIdOf, objectKeys, parseBatchId, type VariantKey } from '../../src/contracts/ids.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { recordOutcomes } from '../../src/reporting/outcomes.ts';
import { FAILED_ATTEMPT, type FailureLine } from '../../src/reporting/why/failure-line.ts';
import { failuresOf, putFailureLine } from '../../src/reporting/why/failure-lines.ts';
import { findPlanned, type Planned, parseReference, type Reference } from '../../src/reporting/why/find-planned.ts';
import { explain, silentAttempts } from '../../src/reporting/why/why.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { night, type Person, snapshotCampaign } from '../retention/nights.ts';
import { TestS3 } from '../support/s3.ts';

let server: TestS3;
let store: ObjectStore;
let deps: { readonly store: ObjectStore; readonly manifests: ManifestReader };
let people: readonly Person[];

const twins: readonly Person[] = [1, 2].map((n) => ({ id: `twin-${n}`, name: 'Twin', n: 2 }));

beforeAll(async () => {
  server = await TestS3.start();
  store = server.store();
  deps = { store, manifests: new ManifestReader(store) };
  const film = snapshotCampaign('film', () => people, store);
  const story = snapshotCampaign('story', () => people, store, { template: 'story', scenes: 'auto' });
  people = [...twins, { id: 'ann', name: 'Ann', n: 1 }];
  await night(store, film, 2, people, { failing: ['ann'] });
  await night(store, story, 3, people);
  people = [{ id: 'ann', name: 'Ann', n: 1 }];
  await night(store, film, 4, people, { onlyPlanned: true });
});
afterAll(async () => {
  store?.close();
  await server?.[Symbol.asyncDispose]();
});

const find = async (text: string, batch?: Reference['batch']): Promise<Planned> => {
  const reference = parseReference(text);
  if (reference === null) throw new TypeError(`'${text}' names nothing`);
  return await findPlanned(deps, { ...reference, batch: batch ?? reference.batch });
};

async function keyOf(name: string, batchId: string): Promise<string> {
  const batch = parseBatchId(batchId);
  if (batch === null) throw new TypeError(batchId);
  for (let page = 1; page <= (await deps.manifests.plan(batch)).pages; page += 1) {
    const { variants } = await deps.manifests.page(batch, page);
    const found = variants.find(({ params }) => params['name'] === name);
    if (found !== undefined) return found.key;
  }
  throw new Error(`no ${name}`);
}

test('a key or its first digits mean the newest batch that has it, an ID of a workflow that night', async () => {
  const ann = await keyOf('Ann', 'film/2026-11-02/1');
  expect(batchIdOf((await find(ann)).batch)).toBe('film/2026-11-04/1');
  expect(await find(ann.slice(0, 12))).toMatchObject({ key: ann, kind: 'variant' });
  expect(batchIdOf((await find(`variant/film/2026-11-02/${ann}`)).batch)).toBe('film/2026-11-02/1');
  expect(batchIdOf((await find(`variant/film/2026-11-02/${ann}/1-0123abcd`)).batch)).toBe('film/2026-11-02/1');
});

test('a scene is found as well, by its key and by its workflow', async () => {
  const page = JSON.parse((await store.getText('batches/story/2026-11-03/1/scenes/000001.json')) ?? '{}') as {
    scenes: { key: string }[];
  };
  const key = page.scenes[0]?.key ?? 'none';
  for (const text of [key, `scene/story/2026-11-03/1/${key}`]) {
    const planned = await find(text);
    expect(planned).toMatchObject({ kind: 'scene', key });
    expect(await explain(deps, planned)).toMatchObject({ people: null, videos: [], outcome: null });
  }
});

test.each([
  '',
  'abc',
  'ABCDEF',
  'g'.repeat(64),
  'variant/film',
  'batch/film/2026-11-02',
  'variant/film/2026-13-02/abcdef',
])("'%s' names nothing", (text) => {
  expect(parseReference(text)).toBeNull();
});

test('what no batch has is said with where it was looked for; so is what several begin with', async () => {
  await expect(find('0123456789ab')).rejects.toThrow('in the 3 batches in the bucket');
  const ann = await keyOf('Ann', 'film/2026-11-02/1');
  const { batch } = await find(`variant/film/2026-11-02/${ann}`);
  await expect(find('0123456789ab', batch)).rejects.toThrow('in batch film/2026-11-02/1');
  const all = { digits: '', campaign: null, businessDate: null, batch };
  await expect(findPlanned(deps, all)).rejects.toMatchObject({
    constructor: Failure,
    failureClass: 'CampaignInvalid',
    message: expect.stringContaining('2 keys of batch film/2026-11-02/1 begin with'),
  });
});

test('what became of it is told, with a number for its people', async () => {
  const [ann, twin] = await Promise.all(['Ann', 'Twin'].map((name) => keyOf(name, 'film/2026-11-02/1')));
  const failed = await explain(deps, await find(`variant/film/2026-11-02/${ann}`));
  expect(failed).toMatchObject({
    ...{ people: 1, isClosed: true, failureClass: 'BrowserCrashed', attempts: [], actor: 'nobody' },
    outcome: { outcome: 'failed', message: 'It died.' },
    videos: [{ rendition: 'email-480p', url: null }],
    reproduce: `nightreel render --variant ${ann} --batch film/2026-11-02/1 --out ${ann?.slice(0, 12)}.mp4`,
  });
  const fine = await explain(deps, await find(`variant/film/2026-11-02/${twin}`));
  expect(fine).toMatchObject({ people: 2, failureClass: null, advice: null, outcome: { pointers: 2 } });
  expect(fine.videos[0]?.url).toContain(`${twin}.mp4`);
  expect(JSON.stringify([failed, fine])).not.toMatch(/twin-|ann"|Ann|Twin/);
  expect(await explain(deps, await find(ann ?? ''))).toMatchObject({ isClosed: false, outcome: null });
});

test('a picture is where reports are', async () => {
  const planned = await find(await keyOf('Ann', 'film/2026-11-02/1'));
  const name = `${failuresOf(planned)}20261104T000000.000Z-renderVariant-01-0c7d21aa`;
  const { key, page, index, batch } = planned;
  const line: FailureLine = {
    ...{ event: FAILED_ATTEMPT, version: 1, at: '2026-11-04T00:00:00.000Z', campaign: batch.campaign },
    ...{ batch: batchIdOf(batch), kind: 'variant', key, page, index, activity: 'renderVariant', attempt: 1 },
    ...{ willRetry: false, workflowId: 'variant', runId: 'run', failureClass: 'TemplateCrashed', message: 'It threw.' },
    ...{ causes: [], stage: 'capture', lastFrame: 3, frameCount: 30, template: null, rendition: null },
    ...{ plannedEngine: null, worker: { host: 'here', pid: 1, identity: '1@here' }, engine: null, said: [] },
    ...{ screenshot: `${name}.jpg`, traceId: null, reproduce: 'nightreel render' },
  };
  await store.put(`${name}.jpg`, 'jpeg', { contentType: 'image/jpeg' });
  await putFailureLine(store, `${name}.json`, line, AbortSignal.timeout(10_000));
  const { attempts } = await explain(deps, planned);
  expect(attempts).toMatchObject([{ screenshotUrl: store.reportUrl(`${name}.jpg`) }]);
});

test('a page that is damaged is told, and the rest is looked through', async () => {
  const ann = await keyOf('Ann', 'film/2026-11-02/1');
  const batch = parseBatchId('film/2026-11-04/1');
  if (batch === null) throw new TypeError('no batch');
  const key = objectKeys.manifestPage(batch, 1);
  const whole = (await store.getText(key)) ?? '';
  await store.put(key, whole.slice(0, -20), { contentType: 'application/json' });
  try {
    const fresh = { store, manifests: new ManifestReader(store) };
    const reference = { digits: ann, campaign: null, businessDate: null, batch: null };
    const planned = await findPlanned(fresh, reference);
    expect(batchIdOf(planned.batch)).toBe('film/2026-11-02/1');
    const { damaged } = await explain(fresh, planned);
    expect(damaged).toEqual([expect.stringContaining(key)]);
    for (const nowhere of [{ digits: '0123456789ab' }, { batch }]) {
      await expect(findPlanned(fresh, { ...reference, ...nowhere })).rejects.toMatchObject({
        failureClass: 'ManifestDamaged',
        message: expect.stringContaining(`Not all could be read: ${damaged[0]}`),
      });
    }
  } finally {
    await store.put(key, whole, { contentType: 'application/json' });
  }
});

test('attempts before a failed one that left nothing are told by their numbers', () => {
  const at = (runId: string, attempt: number) => ({ runId, activity: 'renderVariant' as const, attempt });
  expect(silentAttempts([at('a', 2), at('a', 4), at('b', 1)])).toEqual([
    { activity: 'renderVariant', attempt: 1 },
    { activity: 'renderVariant', attempt: 3 },
  ]);
});

test('so are those behind the last that wrote a line, and all of a run in which none did, as Temporal counts them', () => {
  const activity = 'renderVariant';
  const counted = [
    { runId: 'a', activity, failedAttempts: 3 },
    { runId: 'b', activity, failedAttempts: 2 },
    // It writes no lines.
    { runId: 'a', activity: 'publishPointers', failedAttempts: 4 },
  ];
  expect(silentAttempts([{ runId: 'a', activity, attempt: 1 }], counted)).toEqual([
    ...[2, 3].map((attempt) => ({ activity, attempt })),
    ...[1, 2].map((attempt) => ({ activity, attempt })),
  ]);
});

test('of a render it tells where its time went, beside what is usual in the batch, and where its trace is', async () => {
  const twin = await find(await keyOf('Twin', 'film/2026-11-02/1'));
  const measures = (capture: number) => ({
    ...{ stages: { capture, encode: 700 }, cpuMs: 8_600, frames: 360, bytes: 1_400_000 },
    endedAt: Date.parse('2026-11-03T04:12:00Z'),
  });
  const batch = { ...twin.batch, attempt: 7 };
  const outcome = (index: number, key: string, capture: number) => ({
    ...{ page: 1, index, key: key as VariantKey, outcome: 'rendered', renderMs: capture + 700, pointers: 2 },
    measures: measures(capture),
  });
  const others = [1, 2, 3, 4].map((n) => outcome(n, `${n}`.repeat(64), 1_000));
  const outcomes = [outcome(0, twin.key, 6_100), ...others] as VariantOutcome[];
  await recordOutcomes(store, { batch, writer: 'lane-0', page: 1, outcomes });
  const why = await explain(deps, { ...twin, batch });
  expect(why.outcome).toMatchObject({
    renderMs: 6_800,
    measures: {
      stages: [
        { stage: 'capture', ms: 6_100, usualMs: 1_000 },
        { stage: 'encode', ms: 700, usualMs: 700 },
      ],
      ...{ cpuMs: 8_600, frames: 360, bytes: 1_400_000, endedAt: '2026-11-03T04:12:00.000Z' },
    },
  });
  const traceUrl = 'https://traces.internal/trace/0c7d21aa';
  const run = {
    ...{ workflowId: 'variant', runId: 'run', status: 'COMPLETED', startedAt: '', closedAt: null, activities: [] },
    ...{ url: 'https://temporal.internal/variant', traceId: '0c7d21aa', traceUrl },
  };
  const text = whyText(why, { problem: null, runs: [run] }, { traceUrl: null }).replaceAll(' ', ' ');
  for (const row of [
    'outcome    rendered in 6.8 s, 2 pointers',
    'stages     capture 6.1 s (usually 1 s), encode 700 ms (usually 700 ms)',
    'processor  8.6 s',
    'made       360 frames, 1.3 MB, 2026-11-03 04:12 UTC',
    `trace      ${traceUrl}`,
  ]) {
    expect(text).toContain(`  ${row}
`);
  }
});
