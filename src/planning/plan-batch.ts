/** Planning one batch: what changed → who gets which video → pages of a manifest in the object store. */

import type { BatchPlan, PlanBatchInput } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import { type BatchRef, type BusinessDate, batchIdOf, type CampaignId, objectKeys } from '../contracts/ids.ts';
import type { NightLimits } from '../contracts/steering.ts';
import { putJsonLines } from '../storage/documents.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { pinTemplate } from '../storage/pinned-templates.ts';
import { compareBatches } from '../storage/pointers.ts';
import type { TemplateLibrary } from '../templates/library.ts';
import { noteCarriedOver } from './campaign-state.ts';
import type { DeltaPlan } from './delta-plan.ts';
import { type PlanDocument, parsePlanDocument, UNLIMITED, VARIANTS_PER_PAGE } from './manifest.ts';
import { markOpen } from './open-batches.ts';
import { type PlannedCampaign, type PlannedNight, readNight, scenesOf } from './read-night.ts';
import { type ManifestTarget, type Resumable, writeManifest, writeScenes } from './write-manifest.ts';

export interface PlanDeps {
  readonly store: ObjectStore;
  readonly templates: TemplateLibrary;
  readonly loadCampaign: (id: CampaignId) => Promise<PlannedCampaign>;
}

/**
 * Plans the batch and writes its manifest; `plan.json` comes last and commits it. A retry under the same `runId` takes
 * up the same attempt: a plan that is whole is returned, one that was cut off goes on behind the pages that it had written.
 * Failure `Cancelled` at a deadline at which the campaign starts nothing more.
 */
export async function planBatch(
  { store, templates, loadCampaign }: PlanDeps,
  input: PlanBatchInput,
  signal: AbortSignal,
  progress: Resumable = {},
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

  const limits = campaign.limits?.(night, input.asOf) ?? UNLIMITED;
  const claimed: ClaimedNight = { campaign, night, batch, limits };
  return await untilDeadline(limits, signal, (within) =>
    writePlan({ store, templates }, claimed, input, within, progress),
  );
}

interface ClaimedNight {
  readonly campaign: PlannedCampaign;
  readonly night: PlannedNight;
  readonly batch: BatchRef;
  readonly limits: NightLimits;
}

/** A night that is not even planned by then would start nothing. */
async function untilDeadline<T>(
  { deadline }: NightLimits,
  signal: AbortSignal,
  work: (within: AbortSignal) => Promise<T>,
): Promise<T> {
  if (deadline === null || deadline.whenLate === 'finish') return await work(signal);
  const late = AbortSignal.timeout(Math.max(0, Date.parse(deadline.at) - Date.now()));
  try {
    return await work(AbortSignal.any([signal, late]));
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    throw new Failure(
      'Cancelled',
      `The campaign's deadline, ${deadline.at}, came while the night was planned: nothing was rendered, and the next night reads the same rows.`,
      { cause: error },
    );
  }
}

async function writePlan(
  { store, templates }: Pick<PlanDeps, 'store' | 'templates'>,
  { campaign, night, batch, limits }: ClaimedNight,
  input: PlanBatchInput,
  signal: AbortSignal,
  progress: Resumable,
): Promise<BatchPlan> {
  const template = await templates.read(campaign.template);
  await pinTemplate(store, template, signal);
  const csvKey = input.csvKey ?? null;
  const read = await readNight(store, { campaign, template, night }, { ...input, about: batchIdOf(batch) }, signal);
  const { window, carriedOver, open, assembly, destinations } = read;
  using delta = read.delta;
  await putJsonLines(store, objectKeys.rejects(batch), delta.rejects, signal);
  assertDataQuality(campaign, batch, delta);
  await putJsonLines(
    store,
    objectKeys.withdrawn(batch),
    delta.withdrawn.map((recipientId) => ({ recipientId })),
    signal,
  );

  const { rendition } = campaign;
  // A page is worked on by one lane: a small night is cut finer, so that every lane has some of it.
  const perPage = (count: number): number =>
    Math.max(1, Math.min(VARIANTS_PER_PAGE, Math.ceil(count / campaign.lanes.count)));
  const target: ManifestTarget = { store, batch, rendition, perPage: perPage(delta.variants.size) };
  const written = await writeManifest(target, delta.variants, progress, signal);
  const engineDigest = input.engine.digest;
  const looked = { template, rendition, assembly, engineDigest, variants: delta.variants, stored: written.stored };
  const scenes = await scenesOf(store, looked, signal);
  const scenePages = await writeScenes(target, written, scenes, perPage(scenes.counts.sharedScenes), signal);

  const plan: PlanDocument = {
    batch,
    template: { id: template.id, digest: template.digest },
    engine: input.engine,
    rendition,
    ...(destinations !== undefined && { destinations: destinations.lists.map((list) => [...list]) }),
    assembly,
    pointerKey: campaign.pointerKey,
    ...(campaign.publicUrl != null && { publicUrl: campaign.publicUrl }),
    whenWithdrawn: campaign.whenWithdrawn,
    results: campaign.results,
    asksConsent: campaign.asksConsent && csvKey === null,
    strategy: campaign.delta.strategy,
    lanes: campaign.lanes,
    limits,
    window: { since: window.since, until: window.until, readFrom: window.readFrom },
    watermark: csvKey === null && window.moves ? delta.watermark : null,
    counts: { ...delta.counts, cached: written.storedCount, ...scenes.counts },
    pages: written.pages,
    recipientPages: written.recipientPages,
    scenePages,
    csvKey,
    recipientLimit: input.recipientLimit ?? null,
    ...(await noteCarriedOver(store, batch, carriedOver, signal)),
    // A night that is cut short leaves some of their people for later, and an older one does not reach their pointers.
    settles: input.recipientLimit === undefined ? open.filter((other) => compareBatches(other, batch) < 0) : [],
    createdAt: new Date().toISOString(),
  };
  if (campaign.delta.strategy === 'snapshot' && csvKey === null) await markOpen(store, batch, signal);
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
  limits: plan.limits,
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

/** Fewer rows than this say nothing about the data as a whole. */
const ROWS_FOR_A_VERDICT = 20;

/** Judges tonight's changes alone: people who were rejected before come back every night until their data are mended. */
function assertDataQuality({ rejectLimit }: PlannedCampaign, batch: BatchRef, { changes, counts }: DeltaPlan): void {
  const people = counts.recipients + counts.unchanged + counts.vanished;
  if (people >= ROWS_FOR_A_VERDICT && counts.vanished > people * rejectLimit) {
    throw new Failure(
      'DataQuality',
      `${counts.vanished} of ${people} people of ${batchIdOf(batch)} are no longer in the source, more than the campaign's limit of ${rejectLimit * 100} %. Nothing was rendered and nobody's pointer was taken back. Look at the source, or raise rejectLimit.`,
    );
  }
  if (changes.rows < ROWS_FOR_A_VERDICT || changes.rejected <= changes.rows * rejectLimit) return;
  throw new Failure(
    'DataQuality',
    `${changes.rejected} of ${changes.rows} changed rows of ${batchIdOf(batch)} were rejected, more than the campaign's limit of ${rejectLimit * 100} %. Nothing was rendered. Look at ${objectKeys.rejects(batch)} and the source, or raise rejectLimit.`,
  );
}
