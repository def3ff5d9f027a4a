/** Documents as every version of Nightreel wrote them, read by what reads them now. docs/versions.md names them. */

import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadCampaign } from '../../src/config/campaign.ts';
import { type BatchRef, type BusinessDate, type CampaignId, objectKeys } from '../../src/contracts/ids.ts';
import { parseStoredState } from '../../src/planning/manifest.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { readOutcomes } from '../../src/reporting/outcomes.ts';
import { readReport } from '../../src/reporting/write-report.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { publishPointer, readPointer } from '../../src/storage/pointers.ts';
import { readTemplateFile } from '../../src/templates/template-file.ts';
import { TestS3 } from '../support/s3.ts';
import { temporaryFolder } from '../warehouse/support.ts';

const FORMATS = join(import.meta.dirname, '../fixtures/formats');
const WRITTEN = ['2026-11-23', '2026-11-26', '0.1.0'];
const OBJECTS = ['plan', 'manifest-page', 'recipient-page', 'scene-page', 'pointer', 'neutral-pointer', 'report'];

let server: TestS3;
let store: ObjectStore;
beforeAll(async () => {
  server = await TestS3.start();
  store = server.store();
});
afterAll(async () => {
  store?.close();
  await server?.[Symbol.asyncDispose]();
});

const batchOf = (attempt: number): BatchRef => ({
  campaign: 'referral' as CampaignId,
  businessDate: '2026-11-23' as BusinessDate,
  attempt,
});

const fileOf = (written: string, name: string): Promise<string> => readFile(join(FORMATS, written, name), 'utf8');
const has = async (written: string, name: string): Promise<boolean> =>
  (await readdir(join(FORMATS, written))).includes(name);

/** Puts a document of a batch where it belongs, changed or as it is. */
async function put(key: string, text: string): Promise<void> {
  await store.put(key, text, { contentType: 'application/json' });
}

test('the documents of every version are here, and of no other', async () => {
  expect((await readdir(FORMATS)).sort()).toEqual([...WRITTEN].sort());
});

describe.each(WRITTEN.map((written, at) => ({ written, batch: batchOf(at + 1) })))(
  'what was written by $written',
  ({ written, batch }) => {
    const manifests = () => new ManifestReader(store);

    test('is read: the plan and the pages of its manifest', async () => {
      await put(objectKeys.plan(batch), await fileOf(written, 'plan.json'));
      await put(objectKeys.manifestPage(batch, 1), await fileOf(written, 'manifest-page.json'));
      expect(await manifests().plan(batch)).toMatchObject({ counts: { variants: 3 }, rendition: 'phone-720p' });
      const { variants } = await manifests().page(batch, 1);
      if (await has(written, 'recipient-page.json')) {
        await put(objectKeys.recipientPage(batch, 1), await fileOf(written, 'recipient-page.json'));
        await put(objectKeys.scenePage(batch, 1), await fileOf(written, 'scene-page.json'));
        expect((await manifests().scenePage(batch, 1)).scenes).toHaveLength(2);
      }
      const people = variants.map((variant) => Array.fromAsync(manifests().recipientsOf(batch, variant)));
      expect(await Promise.all(people)).toEqual([['r1', 'r2'], ['r3', 'r4', 'r5', 'r6', 'r7'], ['r8']]);
      expect(variants.map(({ cached }) => cached !== null)).toEqual([false, true, false]);
    });

    test('is read: what became of its variants, its report, and where the campaign stands', async () => {
      await put(objectKeys.outcomePage(batch, 'lane-1', 1), await fileOf(written, 'outcomes.jsonl'));
      await put(objectKeys.reportJson(batch), await fileOf(written, 'report.json'));
      const outcomes = [...(await readOutcomes(store, batch)).values()].map(({ outcome }) => outcome);
      expect(outcomes.sort()).toEqual(['cached', 'failed', 'rendered']);
      const report = await readReport(store, batch);
      expect(report).toMatchObject({ version: 1, summary: { rendered: 1, cached: 1, failed: 1, pointers: 7 } });
      const state = parseStoredState(await fileOf(written, 'campaign-state.json'), 'state');
      expect(state).toMatchObject({ carryOver: [{ recipientId: 'r8' }], lastBatch: { businessDate: '2026-11-23' } });
    });

    test('is read: pointers, and one of a newer batch stays before those of an older', async () => {
      const name = `users/${written}.json`;
      await put(name, await fileOf(written, 'pointer.json'));
      const pointer = await readPointer(store, name);
      if (pointer === null || 'withdrawn' in pointer) throw new Error('it is a pointer to a video');
      expect(pointer).toMatchObject({ recipientId: 'r3', durationMs: 12_000, attempt: 1 });
      expect(await publishPointer(store, name, pointer)).toBe('unchanged');
      const older = { ...pointer, businessDate: '2026-11-20' as BusinessDate };
      expect(await publishPointer(store, name, older)).toBe('superseded');
      if (!(await has(written, 'neutral-pointer.json'))) return;
      await put(name, await fileOf(written, 'neutral-pointer.json'));
      expect(await readPointer(store, name)).toMatchObject({ recipientId: 'r9', withdrawn: true });
    });

    test('is read: the campaign file and template.json', async () => {
      await using project = await temporaryFolder();
      await mkdir(join(project.path, 'campaigns'));
      await cp(join(FORMATS, written, 'campaign.yaml'), join(project.path, 'campaigns/referral.yaml'));
      const campaign = await loadCampaign(project.path, 'referral');
      expect(campaign).toMatchObject({ template: 'referral', rendition: expect.any(String), firstNight: 'changes' });
      expect((await readTemplateFile(join(FORMATS, written))).file).toMatchObject({ id: 'referral', fps: 30 });
    });
  },
);

test('a document of a later format is refused with what to do, and a later pointer stays', async () => {
  const batch = batchOf(9);
  const later = async (name: string): Promise<string> =>
    JSON.stringify({ ...JSON.parse(await fileOf('0.1.0', `${name}.json`)), version: 2 });
  const keys = [
    objectKeys.plan(batch),
    ...[objectKeys.manifestPage, objectKeys.recipientPage, objectKeys.scenePage].map((key) => key(batch, 1)),
    ...['users/later.json', 'users/later-neutral.json', objectKeys.reportJson(batch)],
  ];
  for (const [at, name] of OBJECTS.entries()) await put(keys[at] ?? '', await later(name));
  const [outcome] = (await fileOf('0.1.0', 'outcomes.jsonl')).split('\n');
  await put(objectKeys.outcomePage(batch, 'lane-1', 1), `${outcome?.replace('{', '{"version":2,')}\n`);

  const manifests = new ManifestReader(store);
  const sharers = { key: 'a'.repeat(64) as never, recipients: [], recipientPages: { first: 1, count: 1 } };
  const reads = [
    () => manifests.plan(batch),
    () => manifests.page(batch, 1),
    () => Array.fromAsync(manifests.recipientsOf(batch, sharers)),
    () => manifests.scenePage(batch, 1),
    () => readPointer(store, 'users/later.json'),
    () => readPointer(store, 'users/later-neutral.json'),
    () => readReport(store, batch),
    () => readOutcomes(store, batch),
    async () => parseStoredState(await later('campaign-state'), 'state'),
  ];
  for (const read of reads) await expect(read()).rejects.toThrow(/is of format 2, .* Deploy that one here, too/);

  const mine = JSON.parse(await fileOf('0.1.0', 'pointer.json'));
  await expect(publishPointer(store, 'users/later.json', { ...mine, attempt: 7 })).rejects.toThrow('is of format 2');
  expect(await store.getText('users/later.json')).toContain('"version":2');
});
