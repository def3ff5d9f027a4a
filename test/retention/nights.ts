/** Nights whose videos nobody renders: planned, published and closed by the project's own writers, in a real bucket. */

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { nightCalendar } from '../../src/config/business-date.ts';
import type { VariantOutcome } from '../../src/contracts/batch.ts';
import { type BatchRef, batchIdOf, isBusinessDate, objectKeys } from '../../src/contracts/ids.ts';
import type { RenditionId, StoredVideo } from '../../src/contracts/video.ts';
import { paramsDigest } from '../../src/planning/canonical-params.ts';
import { videosFor, videosOf } from '../../src/planning/manifest.ts';
import { ManifestReader } from '../../src/planning/manifest-reader.ts';
import { planBatch } from '../../src/planning/plan-batch.ts';
import type { PlannedCampaign } from '../../src/planning/read-night.ts';
import { partsOf } from '../../src/planning/scene-key.ts';
import { closeBatch } from '../../src/reporting/close-batch.ts';
import { recordOutcomes } from '../../src/reporting/outcomes.ts';
import { putInput } from '../../src/storage/inputs.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { publishPointers } from '../../src/storage/publish-pointers.ts';
import { putVideo } from '../../src/storage/videos.ts';
import { withdrawnPeople, withdrawPointers } from '../../src/storage/withdrawals.ts';
import { csvColumns, openCsvWarehouse } from '../../src/warehouse/csv.ts';
import { sourceSchema } from '../../src/warehouse/source.ts';
import { cardCampaign, ENGINE, templates } from '../support/planned-card.ts';
import { never, temporaryFolder } from '../warehouse/support.ts';

const SCHEDULE = { days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'], at: '23:00', timeZone: 'UTC' } as const;

export interface Person {
  readonly id: string;
  readonly name: string;
  /** Their number; one below 0 is rejected. */
  readonly n: number;
  /** Where they watch; of a campaign with destinations. */
  readonly channel?: string;
}

export interface NightOptions {
  /** Whose videos fail. */
  readonly failing?: readonly string[];
  /** The list is given by hand, and lies in the bucket. */
  readonly byHand?: boolean;
  /** Stops behind the plan. */
  readonly onlyPlanned?: boolean;
}

const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export const csvOf = (people: readonly Person[]): string => {
  const rows = people.map(({ id, name, n, channel = '' }) => `${cell(id)},${cell(name)},${n},0,${channel}\n`);
  return `recipient_id,name,referralCount,earnings,channel\n${rows.join('')}`;
};

/** A campaign that is read whole each night, from what `people` gives. */
export function snapshotCampaign(
  id: string,
  people: () => readonly Person[],
  store: ObjectStore,
  over: Partial<PlannedCampaign> = {},
): PlannedCampaign {
  const source = sourceSchema.parse({ type: 'csv', path: 'people.csv', delta: { strategy: 'snapshot' } });
  return cardCampaign(id, source, {
    calendar: (businessDate, asOf) => {
      const date = businessDate ?? asOf.slice(0, 10);
      if (!isBusinessDate(date)) throw new TypeError(date);
      return { businessDate: date, ...nightCalendar(date, asOf, SCHEDULE) };
    },
    openSource: ({ paramsSchema }, csvKey) =>
      openCsvWarehouse({
        name: 'people',
        open: async () => (csvKey === null ? Readable.from([csvOf(people())]) : await opened(store, csvKey)),
        paramsSchema,
        ...(over.destinations && { columns: csvColumns(over.destinations.column) }),
      }),
    rejectLimit: 1,
    ...over,
  });
}

async function opened(store: ObjectStore, key: string): Promise<Readable> {
  const stream = await store.getStream(key);
  if (stream === null) throw new Error(`no ${key}`);
  return stream;
}

/** Plans the night of a day in November, stores what its videos would be, and closes it. */
export async function night(
  store: ObjectStore,
  campaign: PlannedCampaign,
  day: number,
  people: readonly Person[],
  { failing = [], byHand = false, onlyPlanned = false }: NightOptions = {},
): Promise<BatchRef> {
  const businessDate = `2026-11-${String(day).padStart(2, '0')}`;
  if (!isBusinessDate(businessDate)) throw new TypeError(businessDate);
  const csvKey = byHand ? await putInput(store, () => Readable.from([Buffer.from(csvOf(people))])) : undefined;
  const asked = { campaign: campaign.id, businessDate, asOf: `${businessDate}T23:00:00.000Z`, engine: ENGINE };
  const runId = `run ${campaign.id} ${day} ${byHand}`;
  const deps = { store, templates, loadCampaign: async () => campaign };
  const { batch } = await planBatch(deps, { ...asked, runId, ...(csvKey !== undefined && { csvKey }) }, never);
  if (onlyPlanned) return batch;

  const manifests = new ManifestReader(store);
  const plan = await manifests.plan(batch);
  const about = { batch, pointerKey: plan.pointerKey, whenWithdrawn: plan.whenWithdrawn, updatedAt: 'now' };
  const outcomes: VariantOutcome[] = [];
  for (let page = 1; page <= plan.pages; page += 1) {
    for (const variant of (await manifests.page(batch, page)).variants) {
      const { index, key, params, cached } = variant;
      const sharers = await Array.fromAsync(manifests.sharersOf(batch, variant));
      const recipients = sharers.map(({ recipientId }) => recipientId);
      if (recipients.some((id) => failing.includes(id))) {
        outcomes.push({ outcome: 'failed', page, index, key, failureClass: 'BrowserCrashed', message: 'It died.' });
        continue;
      }
      const films = new Map<string, StoredVideo>();
      for (const video of videosOf(variant)) {
        films.set(
          video.key,
          video.cached ?? (await putFilm(store, { batch, ...video, params, assembly: plan.assembly })),
        );
      }
      const filmsOf = (recipientId: string): readonly [StoredVideo, ...StoredVideo[]] => {
        const { destination = null } = sharers.find((sharer) => sharer.recipientId === recipientId) ?? {};
        const [first, ...linked] = videosFor(plan, variant, destination).map(({ key: own }) => filmUnder(own));
        return [first ?? filmUnder(key), ...linked];
      };
      const filmUnder = (own: string): StoredVideo => {
        const film = films.get(own);
        if (film === undefined) throw new Error(`no film ${own}`);
        return film;
      };
      const shown = { video: filmUnder(key), videosOf: filmsOf, paramsDigest: paramsDigest(params) };
      const pointers = await publishPointers(store, { ...about, recipients, ...shown });
      outcomes.push({ outcome: cached === null ? 'rendered' : 'cached', page, index, key, renderMs: 1, pointers });
    }
  }
  await withdrawPointers(store, { ...about, recipients: await withdrawnPeople(store, batch) });
  await recordOutcomes(store, { batch, writer: 'lane-0-run', page: 1, outcomes });
  await closeBatch({ store, manifests, now: () => '2026-11-24T04:00:00Z' }, { batch, wallMs: 1 }, never);
  return batch;

  async function putFilm(
    to: ObjectStore,
    film: {
      batch: BatchRef;
      key: VariantOutcome['key'];
      rendition: RenditionId;
      params: Record<string, unknown>;
      assembly: 'whole' | 'scenes';
    },
  ) {
    const template = await templates.read(campaign.template);
    const identity = { engineDigest: ENGINE.digest, template, rendition: campaign.rendition };
    for (const part of film.assembly === 'scenes' ? partsOf(identity, film.params) : []) {
      const options = { contentType: 'application/octet-stream' };
      await to.putImmutable(objectKeys.scene(part.key), `scene ${part.key}`, options);
    }
    const bytes = Buffer.from(`film ${film.key}`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const origin = { engineDigest: ENGINE.digest, templateDigest: template.digest, batchId: batchIdOf(film.batch) };
    return await putVideo(
      to,
      { bytes, poster: bytes, width: 640, height: 360, durationMs: 2_000, sha256, making: 'whole' },
      { variantKey: film.key, rendition: film.rendition, renderMs: 1, ...origin },
    );
  }
}

/** Keys and contents of everything in the bucket, unpacked where it is packed. */
export async function wholeBucket(store: ObjectStore): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { key } of store.list('')) {
    const body = (await store.get(key))?.body ?? Buffer.alloc(0);
    const raw = body.toString('utf8');
    if (key.endsWith('.gz')) texts.set(key, raw + gunzipSync(body).toString('utf8'));
    else if (key.endsWith('.parquet')) texts.set(key, raw + (await rowsOf(body)));
    else texts.set(key, raw);
  }
  return texts;
}

async function rowsOf(table: Buffer): Promise<string> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'table.parquet');
  await writeFile(file, table);
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    const rows = (await connection.runAndReadAll(`SELECT * FROM read_parquet('${file}')`)).getRowsJson();
    return rows.map((row) => JSON.stringify(row)).join('\n');
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Keys of the objects in which one of these texts stands, or whose key has one. */
export const keysWith = (bucket: ReadonlyMap<string, string>, ...texts: string[]): string[] =>
  [...bucket]
    .filter(([key, body]) => texts.some((text) => key.includes(text) || body.includes(text)))
    .map(([key]) => key);
