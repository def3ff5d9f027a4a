/** Planning one batch: what changed → who gets which video → pages of a manifest in the object store. */

import pMap from 'p-map';
import type { BatchPlan, PlanBatchInput } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import {
  type BatchRef,
  type BusinessDate,
  batchIdOf,
  type CampaignId,
  objectKeys,
  type VariantKey,
} from '../contracts/ids.ts';
import type { RenditionId, StoredVideo } from '../contracts/video.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { pinTemplate } from '../storage/pinned-templates.ts';
import { headVideo } from '../storage/videos.ts';
import type { TemplateLibrary } from '../templates/library.ts';
import type { Template } from '../templates/template.ts';
import type { WarehouseReader } from '../warehouse/reader.ts';
import { plansOf, readState } from './batches.ts';
import { type DeltaPlan, planDelta } from './delta-plan.ts';
import {
  type CampaignState,
  manifestPages,
  type PlanDocument,
  parsePlanDocument,
  scenePages,
  VARIANTS_PER_PAGE,
} from './manifest.ts';
import { partsOf } from './scene-key.ts';
import { planScenes } from './scene-plan.ts';
import { type Assembly, variantKeyOf } from './variant-key.ts';
import { type PlannedWindow, planWindow } from './window.ts';

/** HEAD requests at a time. */
const CACHE_CHECKS = 32;

/** What the plan must know of a campaign. */
export interface PlannedCampaign {
  readonly id: CampaignId;
  readonly template: string;
  readonly rendition: RenditionId;
  readonly pointerKey: string;
  readonly lanes: BatchPlan['lanes'];
  readonly rejectLimit: number;
  /** Whether scenes that the template declares are rendered once and joined, or every video is rendered whole. */
  readonly scenes: 'auto' | 'off';
  /** Where a campaign that has never run begins: with everyone, or with what changed since the night before. */
  readonly firstNight: 'everyone' | 'changes';
  /** Places a business date and the instant `asOf` in the campaign's time zone. */
  calendar(businessDate: BusinessDate | undefined, asOf: string): PlannedNight;
  /** The campaign's source, or the CSV under `csvKey` in its place. */
  openSource(template: Template, csvKey: string | null): WarehouseReader;
}

export interface PlannedNight {
  readonly businessDate: BusinessDate;
  /** The business date of `asOf` itself. */
  readonly today: BusinessDate;
  readonly night: string;
  readonly previousNight: string;
}

export interface PlanDeps {
  readonly store: ObjectStore;
  readonly templates: TemplateLibrary;
  readonly loadCampaign: (id: CampaignId) => Promise<PlannedCampaign>;
}

/**
 * Plans the batch and writes its manifest; `plan.json` comes last and commits it. A retry under the same `runId` takes
 * up the same attempt: a plan that is whole is returned, one that was cut off is made again.
 */
export async function planBatch(
  { store, templates, loadCampaign }: PlanDeps,
  input: PlanBatchInput,
  signal: AbortSignal,
): Promise<BatchPlan> {
  const campaign = await loadCampaign(input.campaign);
  const night = campaign.calendar(input.businessDate, input.asOf);
  if (night.businessDate > night.today) {
    // It would close as the newest night, and every real one until then would count as an older one.
    throw new Failure('CampaignInvalid', `${night.businessDate} has not come yet; today is ${night.today} there.`);
  }
  const batch = await claimAttempt(store, campaign.id, night.businessDate, input.runId, signal);
  const whole = await store.getText(objectKeys.plan(batch), signal);
  if (whole !== null) return batchPlanOf(parsePlanDocument(whole, objectKeys.plan(batch)));

  const template = await templates.read(campaign.template);
  await pinTemplate(store, template, signal);
  const { state } = await readState(store, campaign.id, signal);
  const csvKey = input.csvKey ?? null;
  const window = planWindow({
    state: startingState(state, campaign, night),
    businessDate: night.businessDate,
    asOf: input.asOf,
    priorPlans: await plansOf(store, campaign.id, night.businessDate, signal),
    today: night.today,
    night: night.night,
    previousNight: night.previousNight,
  });
  const carriedOver = csvKey === null && window.moves ? state.carryOver.map(({ recipientId }) => recipientId) : [];
  const assembly = campaign.scenes === 'auto' && template.scenes.length > 0 ? 'scenes' : 'whole';
  const delta = await readDelta({ campaign, template, assembly, window, carriedOver }, input, signal);
  const rejects = delta.rejects.map((reject) => `${JSON.stringify(reject)}\n`).join('');
  await store.put(objectKeys.rejects(batch), rejects, { contentType: 'application/x-ndjson' }, signal);
  assertDataQuality(campaign, batch, delta);

  const { rendition } = campaign;
  const stored = await storedVideos(store, delta, rendition, signal);
  const identity = { engineDigest: input.engine.digest, template, rendition };
  const scenes = await planScenes(
    {
      variants:
        assembly === 'whole' ? [] : delta.variants.filter(({ key }) => !stored.has(key)).map(({ params }) => params),
      partsOf: (params) => partsOf(identity, params),
      isStored: async (key) => (await store.head(objectKeys.scene(key), signal)) !== null,
    },
    signal,
  );
  // A page is worked on by one lane: a small night is cut finer, so that every lane has some of it.
  const perPage = (count: number): number => Math.min(VARIANTS_PER_PAGE, Math.ceil(count / campaign.lanes.count));
  const put = (key: string, page: object) =>
    store.put(key, JSON.stringify(page), { contentType: 'application/json' }, signal);
  const counted = { pages: 0, scenePages: 0 };
  for (const page of scenePages(scenes.shared, perPage(scenes.shared.length))) {
    await put(objectKeys.scenePage(batch, page.page), page);
    counted.scenePages = page.page;
  }
  const known = { cached: (key: VariantKey) => stored.get(key) ?? null, isJoinable: scenes.isJoinable };
  for (const page of manifestPages(delta.variants, rendition, known, perPage(delta.variants.length))) {
    await put(objectKeys.manifestPage(batch, page.page), page);
    counted.pages = page.page;
  }

  const plan: PlanDocument = {
    batch,
    template: { id: template.id, digest: template.digest },
    engine: input.engine,
    rendition,
    assembly,
    pointerKey: campaign.pointerKey,
    lanes: campaign.lanes,
    window: { since: window.since, until: window.until },
    watermark: csvKey === null && window.moves ? delta.watermark : null,
    counts: { ...delta.counts, cached: stored.size, ...scenes.counts },
    ...counted,
    csvKey,
    recipientLimit: input.recipientLimit ?? null,
    carriedOver,
    createdAt: new Date().toISOString(),
  };
  await store.putImmutable(objectKeys.plan(batch), JSON.stringify(plan), { contentType: 'application/json' }, signal);
  return batchPlanOf(plan);
}

/** What of a plan goes through Temporal. */
export const batchPlanOf = (plan: PlanDocument): BatchPlan => ({
  batch: plan.batch,
  rendition: plan.rendition,
  templateDigest: plan.template.digest,
  engineDigest: plan.engine.digest,
  counts: plan.counts,
  pages: plan.pages,
  scenePages: plan.scenePages,
  lanes: plan.lanes,
});

/**
 * The number of this attempt at the business date: the first that no other run holds. The claim is an object that only
 * one can create, so two runs of the same night never write into one folder.
 */
async function claimAttempt(
  store: ObjectStore,
  campaign: CampaignId,
  businessDate: BusinessDate,
  runId: string,
  signal: AbortSignal,
): Promise<BatchRef> {
  for (let attempt = 1; ; attempt += 1) {
    const batch: BatchRef = { campaign, businessDate, attempt };
    const key = objectKeys.claim(batch);
    const claim = JSON.stringify({ runId });
    if ((await store.putImmutable(key, claim, { contentType: 'application/json' }, signal)) === 'stored') return batch;
    if ((await store.getText(key, signal)) === claim) return batch;
  }
}

/** A campaign that begins with changes starts as if it had closed the night before with nobody left over. */
function startingState(
  state: CampaignState,
  campaign: PlannedCampaign,
  { previousNight }: PlannedNight,
): CampaignState {
  const isNew = state.watermark === null && state.lastBatch === null;
  if (!isNew || campaign.firstNight === 'everyone') return state;
  return { ...state, watermark: { updatedAt: previousNight, recipientId: null } };
}

async function readDelta(
  { campaign, template, assembly, window, carriedOver }: DeltaQuestion,
  { csvKey, recipientLimit, engine }: PlanBatchInput,
  signal: AbortSignal,
): Promise<DeltaPlan> {
  const source = campaign.openSource(template, csvKey ?? null);
  try {
    // A file that somebody gives by hand is meant as a whole, whatever stamps it has.
    const range = csvKey === undefined ? { since: window.since, until: window.until } : WHOLE_FILE;
    return await planDelta({
      rows: source.readChanges(range, signal),
      range,
      ordered: source.ordered,
      carryOver: carriedOver.length === 0 ? undefined : source.readRecipients(carriedOver, window.until, signal),
      validateParams: (params) => template.validateParams(params),
      keyOf: (params) =>
        variantKeyOf({
          engineDigest: engine.digest,
          templateDigest: template.digest,
          params,
          rendition: campaign.rendition,
          assembly,
        }),
      recipientLimit,
    });
  } finally {
    await source[Symbol.asyncDispose]();
  }
}

interface DeltaQuestion {
  readonly campaign: PlannedCampaign;
  readonly template: Template;
  readonly assembly: Assembly;
  readonly window: PlannedWindow;
  readonly carriedOver: readonly string[];
}

const WHOLE_FILE = { since: null, until: '9999-12-31T23:59:59Z' } as const;

/** Fewer rows than this say nothing about the data as a whole. */
const ROWS_FOR_A_VERDICT = 20;

/** Judges tonight's changes alone: people who were rejected before come back every night until their data are mended. */
function assertDataQuality({ rejectLimit }: PlannedCampaign, batch: BatchRef, { changes }: DeltaPlan): void {
  if (changes.rows < ROWS_FOR_A_VERDICT || changes.rejected <= changes.rows * rejectLimit) return;
  throw new Failure(
    'DataQuality',
    `${changes.rejected} of ${changes.rows} changed rows of ${batchIdOf(batch)} were rejected, more than the campaign's limit of ${rejectLimit * 100} %. Nothing was rendered. Look at ${objectKeys.rejects(batch)} and the source, or raise rejectLimit.`,
  );
}

async function storedVideos(
  store: ObjectStore,
  { variants }: DeltaPlan,
  rendition: RenditionId,
  signal: AbortSignal,
): Promise<Map<string, StoredVideo>> {
  const stored = new Map<string, StoredVideo>();
  await pMap(
    variants,
    async ({ key }) => {
      const video = await headVideo(store, key, rendition, signal).catch(asNotCached);
      if (video !== null) stored.set(key, video);
    },
    { concurrency: CACHE_CHECKS, signal },
  );
  return stored;
}

/** An object that is in the way of one variant is that variant's failure, not the night's: its render will say so. */
function asNotCached(error: unknown): null {
  if (error instanceof Failure && error.failureClass === 'StorageDenied') return null;
  throw error;
}
