import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { businessDateOf, nextTimeOfDay, nightCalendar } from '../config/business-date.ts';
import { type Campaign, loadCampaign } from '../config/campaign.ts';
import type { Settings } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import type { CampaignId } from '../contracts/ids.ts';
import type { NightLimits } from '../contracts/steering.ts';
import type { PlannedCampaign } from '../planning/read-night.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { csvColumns, openCsvWarehouse } from '../warehouse/csv.ts';
import { openWarehouse } from '../warehouse/index.ts';
import type { WarehouseReader } from '../warehouse/reader.ts';
import { type SourceType, sourceIn, type WarehouseSource } from '../warehouse/source.ts';

/** A night that is made up for after its morning has no deadline any more. */
function deadlineOf({ deadline, schedule }: Campaign, night: string, asOf: string): NightLimits['deadline'] {
  if (deadline === null) return null;
  const at = nextTimeOfDay(night, { at: deadline.at, timeZone: schedule.timeZone });
  return Date.parse(at) <= Date.parse(asOf) ? null : { at, whenLate: deadline.whenLate };
}

/**
 * A campaign file with its calendar and source, as planning wants it; `sourceType`: the same table in another engine. Read anew for
 * each plan: an edit needs no restart.
 */
export async function plannedCampaign(
  settings: Settings,
  store: ObjectStore,
  id: CampaignId,
  { sourceType }: { readonly sourceType?: SourceType | undefined } = {},
): Promise<PlannedCampaign> {
  const campaign = await loadCampaign(settings.root, id);
  const { schedule } = campaign;
  const source = sourceType === undefined ? campaign.source : sourceIn(sourceType, campaign.source, settings.home);
  const openSource = await sourceOpener(settings, source);
  return {
    ...campaign,
    delta: source.delta,
    asksConsent: (source.columns.withdrawn ?? source.columns.consent) !== undefined,
    limits: ({ night }, asOf) => ({
      breaker: campaign.breaker,
      deadline: deadlineOf(campaign, night, asOf),
    }),
    calendar: (given, asOf) => {
      const businessDate = given ?? businessDateOf(asOf, schedule.timeZone);
      return { businessDate, ...nightCalendar(businessDate, asOf, schedule) };
    },
    openSource: ({ paramsSchema }, csvKey, about) =>
      csvKey === null
        ? openSource(paramsSchema, { campaign: campaign.id, ...(about && { batch: about }) })
        : openCsvWarehouse({
            name: csvKey,
            open: () => openInput(store, csvKey),
            paramsSchema,
            ...(campaign.destinations && { columns: csvColumns(campaign.destinations.column) }),
          }),
  };
}

/** Where sources are found: the project, the embedded warehouse, the variables with credentials, the store's credentials. */
export type SourcePlace = Pick<Settings, 'root' | 'warehousePath' | 'variables'> & {
  /** Null: none, so that files in a bucket cannot be read. */
  readonly s3: Settings['s3'] | null;
};

/** Opens a campaign's own source, as often as wanted; `about` is what its statements are tagged with. */
export async function sourceOpener(
  { root, warehousePath, variables, s3 }: SourcePlace,
  source: WarehouseSource,
): Promise<
  (paramsSchema: object, about: { readonly campaign: CampaignId; readonly batch?: string }) => WarehouseReader
> {
  const queryText = 'query' in source && source.query !== undefined ? await readQuery(root, source.query) : null;
  return (paramsSchema, about) =>
    openWarehouse(source, {
      defaultDuckDbPath: warehousePath,
      paramsSchema,
      environment: variables,
      ...(s3 !== null && { openObject: (object) => openObject(s3, object) }),
      tag: JSON.stringify({ app: 'nightreel', ...about }),
      ...(queryText !== null && { queryText }),
    });
}

/** An object of any bucket that the object store's credentials can read. */
async function openObject(s3: Settings['s3'], { bucket, key }: { readonly bucket: string; readonly key: string }) {
  const store = new ObjectStore({ ...s3, bucket });
  const stream = await store.getStream(key);
  if (stream === null) store.close();
  else stream.once('close', () => store.close());
  return stream;
}

async function readQuery(root: string, file: string): Promise<string> {
  try {
    return await readFile(join(root, 'campaigns', file), 'utf8');
  } catch (cause) {
    throw new Failure('CampaignInvalid', `the source's query campaigns/${file} cannot be read`, { cause });
  }
}

async function openInput(store: ObjectStore, key: string) {
  const stream = await store.getStream(key);
  if (stream !== null) return stream;
  throw new Failure('WarehouseDenied', `The uploaded file ${key} is no longer in the bucket.`);
}
