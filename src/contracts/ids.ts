/**
 * Names and identifiers that both sides of Temporal share. Pure strings, no I/O: workflow code imports this file.
 */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** sha256 hex (64 digits) of engine fingerprint, template digest, canonical params and rendition: names one MP4. */
export type VariantKey = Branded<'VariantKey'>;
/** sha256 hex (64 digits) of engine fingerprint, template digest, scene, its declared params and rendition: names one encoded scene. */
export type SceneKey = Branded<'SceneKey'>;
/** The id of a campaign: the file name in `campaigns/` without `.yaml`. Lower case, digits and dashes. */
export type CampaignId = Branded<'CampaignId'>;
/** A calendar day in the campaign's time zone, `YYYY-MM-DD`. */
export type BusinessDate = Branded<'BusinessDate'>;

const CAMPAIGN_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
const BUSINESS_DATE = /^\d{4}-\d{2}-\d{2}$/;
const HEX_64 = /^[0-9a-f]{64}$/;
const BATCH_ID = /^([^/]+)\/(\d{4}-\d{2}-\d{2})\/([1-9]\d{0,5})$/;

export const isCampaignId = (value: string): value is CampaignId => CAMPAIGN_ID.test(value);
export const isVariantKey = (value: string): value is VariantKey => HEX_64.test(value);
export const isSceneKey = (value: string): value is SceneKey => HEX_64.test(value);

/** True for a real calendar day: `2026-02-30` is not one. */
export function isBusinessDate(value: string): value is BusinessDate {
  if (!BUSINESS_DATE.test(value)) return false;
  const time = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}

/** Which batch: one campaign, one business date, one attempt at it (1, 2, … for a night that is run again). */
export interface BatchRef {
  readonly campaign: CampaignId;
  readonly businessDate: BusinessDate;
  readonly attempt: number;
}

/** `referral/2026-11-23/1`: how people and machines name a batch. */
export const batchIdOf = ({ campaign, businessDate, attempt }: BatchRef): string =>
  `${campaign}/${businessDate}/${attempt}`;

/** The batch that `batchIdOf` names so; null for text that names none. */
export function parseBatchId(text: string): BatchRef | null {
  const [, campaign = '', businessDate = '', attempt] = BATCH_ID.exec(text) ?? [];
  if (!isCampaignId(campaign) || !isBusinessDate(businessDate)) return null;
  return { campaign, businessDate, attempt: Number(attempt) };
}

/** Workflow ids: what a person reads in the Temporal Web UI. */
export const workflowIds = {
  batch: (campaign: string, businessDate: string) => `batch/${campaign}/${businessDate}`,
  /** Of a night that its schedule started; `dueAt` in ISO 8601 UTC. */
  scheduled: (campaign: string, dueAt: string) =>
    `batch/${campaign}-${new Date(dueAt).toISOString().replace('.000Z', 'Z')}`,
  lane: (batch: BatchRef, lane: number) => `lane/${batchIdOf(batch)}/${lane}`,
  variant: (batch: BatchRef, key: VariantKey) => `variant/${batch.campaign}/${batch.businessDate}/${key}`,
  sceneLane: (batch: BatchRef, lane: number) => `scene-lane/${batchIdOf(batch)}/${lane}`,
  scene: (batch: BatchRef, key: SceneKey) => `scene/${batchIdOf(batch)}/${key}`,
  backfill: (batch: BatchRef) => `backfill/${batchIdOf(batch)}`,
  schedule: (campaign: string) => `nightly/${campaign}`,
  watch: (campaign: string) => `watch/${campaign}`,
} as const;

/** Zero-padded page number as used in object keys: 1 → `000001`. */
export const pageName = (page: number): string => String(page).padStart(6, '0');

/** Where things lie in the bucket; the layout is documented in docs/architecture.md. */
export const objectKeys = {
  video: (key: VariantKey) => `videos/${key.slice(0, 2)}/${key}.mp4`,
  poster: (key: VariantKey) => `videos/${key.slice(0, 2)}/${key}.jpg`,
  scene: (key: SceneKey) => `scenes/${key.slice(0, 2)}/${key}.clip`,
  state: (campaign: string) => `state/${campaign}.json`,
  ledger: (batch: BatchRef, digest: string) => `state/ledgers/${batchIdOf(batch)}/${digest}.jsonl.gz`,
  openBatches: (campaign: string) => `state/open/${campaign}/`,
  openBatch: (batch: BatchRef) => `state/open/${batchIdOf(batch)}`,
  tombstone: (campaign: string, recipientDigest: string) =>
    `withdrawn/${campaign}/${recipientDigest.slice(0, 2)}/${recipientDigest}.json`,
  batchesOfCampaign: (campaign: string) => `batches/${campaign}/`,
  batchesOf: (campaign: string, businessDate: string) => `batches/${campaign}/${businessDate}/`,
  batch: (batch: BatchRef) => `batches/${batchIdOf(batch)}/`,
  claim: (batch: BatchRef) => `${objectKeys.batch(batch)}claim.json`,
  plan: (batch: BatchRef) => `${objectKeys.batch(batch)}plan.json`,
  manifestPage: (batch: BatchRef, page: number) => `${objectKeys.batch(batch)}manifest/${pageName(page)}.json`,
  recipientPage: (batch: BatchRef, page: number) => `${objectKeys.batch(batch)}recipients/${pageName(page)}.json`,
  scenePage: (batch: BatchRef, page: number) => `${objectKeys.batch(batch)}scenes/${pageName(page)}.json`,
  rejects: (batch: BatchRef) => `${objectKeys.batch(batch)}rejects.jsonl`,
  carriedOver: (batch: BatchRef) => `${objectKeys.batch(batch)}carried-over.jsonl`,
  withdrawn: (batch: BatchRef) => `${objectKeys.batch(batch)}withdrawn.jsonl`,
  outcomes: (batch: BatchRef) => `${objectKeys.batch(batch)}outcomes/`,
  outcomePage: (batch: BatchRef, writer: string, page: number) =>
    `${objectKeys.outcomes(batch)}${writer}/${pageName(page)}.jsonl`,
  reportJson: (batch: BatchRef) => `${objectKeys.batch(batch)}report.json`,
  reportHtml: (batch: BatchRef) => `${objectKeys.batch(batch)}report.html`,
  /** What a night was reckoned to cost before it ran. */
  estimate: (campaign: string, businessDate: string) => `estimates/${campaign}/${businessDate}.json`,
  /** What was posted of a batch, and where to. */
  digest: (batch: BatchRef, channel: string) => `${objectKeys.batch(batch)}digest/${channel}.json`,
  /** The same of what it told while it ran. */
  events: (batch: BatchRef, kind: string) => `${objectKeys.batch(batch)}digest/${kind}-`,
  event: (batch: BatchRef, kind: string, id: string, channel: string) =>
    `${objectKeys.events(batch, kind)}${id}/${channel}.json`,
  /** The same of a night that had not closed in the morning. */
  watch: (campaign: string, businessDate: string, channel: string) =>
    `state/watch/${campaign}/${businessDate}/${channel}.json`,
  failures: (batch: BatchRef) => `${objectKeys.batch(batch)}failures/`,
  /** Of one variant all that failed attempts left, or of one scene. */
  failuresOfVariant: (batch: BatchRef, key: VariantKey) => `${objectKeys.failures(batch)}${key}/`,
  failuresOfScene: (batch: BatchRef, key: SceneKey) => `${objectKeys.failures(batch)}scenes/${key}/`,
  /** Who asked for a backfill, and when; `name` sorts by time. */
  backfillAsked: (campaign: string, name: string) => `audit/${campaign}/${name}.json`,
  results: (batch: BatchRef) => `results/${batchIdOf(batch)}.parquet`,
  input: (sha256: string, type: 'csv' | 'keys') => `inputs/${sha256}.${type}`,
  pinnedTemplate: (digest: string) => `templates/${digest}`,
} as const;
