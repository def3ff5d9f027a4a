/** What a night takes, without writing anything: what changed, who gets which video, and what of it is stored already. */

import type { BatchPlan, PlanBatchInput, Results } from '../contracts/batch.ts';
import { Failure } from '../contracts/failures.ts';
import { type BatchRef, type BusinessDate, type CampaignId, objectKeys } from '../contracts/ids.ts';
import type { NightLimits } from '../contracts/steering.ts';
import type { Params, RenditionId } from '../contracts/video.ts';
import { Ledger } from '../storage/ledger.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { WhenWithdrawn } from '../storage/pointers.ts';
import type { Template } from '../templates/template.ts';
import type { SourceRow, WarehouseReader } from '../warehouse/reader.ts';
import type { DeltaStrategy } from '../warehouse/source.ts';
import { compareWatermarks, isAfterWatermark } from '../warehouse/watermark.ts';
import { plansOf } from './batches.ts';
import { readState } from './campaign-state.ts';
import { deliveredByLedger, deliveredByPointers } from './delivered.ts';
import { type DeltaPlan, type DeltaPlanInput, planDelta } from './delta-plan.ts';
import { type DestinationMap, Destinations, type KeyOfVideo } from './destinations.ts';
import type { CampaignState } from './manifest.ts';
import { openBatches, peopleOfBatches } from './open-batches.ts';
import type { PlannedVariants } from './planned-variants.ts';
import { partsOf } from './scene-key.ts';
import { planScenes, type ScenePlan } from './scene-plan.ts';
import { type Assembly, variantKeyOf } from './variant-key.ts';
import { type PlannedWindow, planWindow } from './window.ts';

/** What the plan must know of a campaign. */
export interface PlannedCampaign {
  readonly id: CampaignId;
  readonly template: string;
  /** The one that everyone gets; with destinations, the largest of them. */
  readonly rendition: RenditionId;
  /** Who gets which renditions; absent: everyone the same. */
  readonly destinations?: DestinationMap | undefined;
  readonly pointerKey: string;
  /** Where viewers read its videos; null or absent: where they read all. */
  readonly publicUrl?: string | null;
  readonly lanes: BatchPlan['lanes'];
  readonly rejectLimit: number;
  /** How the source's changes are found. */
  readonly delta: DeltaStrategy;
  /** Whether what became of everyone is written as a table. */
  readonly results: Results;
  /** Whether the source can say who is gone or wants no video. */
  readonly asksConsent: boolean;
  /** What becomes of the pointers of people who are gone or want no video. */
  readonly whenWithdrawn: WhenWithdrawn;
  /** Whether scenes that the template declares are rendered once and joined, or every video is rendered whole. */
  readonly scenes: 'auto' | 'off';
  /** Where a campaign that has never run begins: with everyone, or with what changed since the night before. */
  readonly firstNight: 'everyone' | 'changes';
  /** What the night is allowed; absent: everything. */
  readonly limits?: (night: PlannedNight, asOf: string) => NightLimits;
  /** Places a business date and the instant `asOf` in the campaign's time zone. */
  calendar(businessDate: BusinessDate | undefined, asOf: string): PlannedNight;
  /** The campaign's source, or the CSV under `csvKey` in its place; `about` tells the warehouse what it is read for. */
  openSource(template: Template, csvKey: string | null, about?: string): WarehouseReader;
}

export interface PlannedNight {
  readonly businessDate: BusinessDate;
  /** The business date of `asOf` itself. */
  readonly today: BusinessDate;
  readonly night: string;
  readonly previousNight: string;
}

/** Whose night it is. */
export interface NightQuestion {
  readonly campaign: PlannedCampaign;
  readonly template: Template;
  readonly night: PlannedNight;
}

/** How a night is asked for: the part of a batch's input that decides what is read. */
export type NightInput = Pick<PlanBatchInput, 'asOf' | 'csvKey' | 'recipientLimit'> & {
  readonly engine: { readonly digest: string };
  /** What the warehouse is told it is read for. */
  readonly about?: string;
};

export interface NightDelta {
  readonly sourceKind: WarehouseReader['kind'];
  readonly window: PlannedWindow;
  /** IDs of people whose video failed earlier and who are looked up again. */
  readonly carriedOver: readonly string[];
  /** Batches that have not closed and whose people are looked at again, for a source that is read whole. */
  readonly open: readonly BatchRef[];
  readonly assembly: Assembly;
  /** Absent: everyone gets the same rendition. */
  readonly destinations?: Destinations | undefined;
  readonly delta: DeltaPlan;
}

/** Reads what changed. */
export async function readNight(
  store: ObjectStore,
  { campaign, template, night }: NightQuestion,
  input: NightInput,
  signal: AbortSignal,
): Promise<NightDelta> {
  const assembly = assemblyOf(campaign, template);
  // Before the state is read: a batch that closes in between is in both, not in neither.
  const open = campaign.delta.strategy === 'snapshot' ? await openBatches(store, campaign.id, signal) : [];
  const { state } = await readState(store, campaign.id, signal);
  const window = planWindow({
    state: startingState(state, campaign, night),
    businessDate: night.businessDate,
    asOf: input.asOf,
    priorPlans: await plansOf(store, campaign.id, night.businessDate, signal),
    today: night.today,
    night: night.night,
    previousNight: night.previousNight,
    ...(campaign.delta.strategy === 'watermark' && {
      lagMs: campaign.delta.lagMinutes * 60_000,
      overlapMs: campaign.delta.overlapMinutes * 60_000,
    }),
  });
  const takesUp = input.csvKey === undefined && window.moves;
  const carriedOver = takesUp ? state.carryOver.map(({ recipientId }) => recipientId) : [];
  const keyOf: KeyOfVideo = (params, rendition, scaledFrom) =>
    variantKeyOf({
      engineDigest: input.engine.digest,
      templateDigest: template.digest,
      ...{ params, rendition, scaledFrom, assembly },
    });
  const destinations = campaign.destinations && new Destinations(campaign.destinations, keyOf);
  const question = { store, campaign, template, keyOf, destinations, state, window, carriedOver, open };
  const { delta, sourceKind } = await readDelta(question, input, signal);
  return { sourceKind, window, carriedOver, open, assembly, destinations, delta };
}

function assemblyOf({ id, scenes, destinations }: PlannedCampaign, template: Template): Assembly {
  if (scenes === 'off' || template.scenes.length === 0) return 'whole';
  if (destinations === undefined) return 'scenes';
  // A scene is rendered in one rendition: joined from scenes, nothing would be scaled from frames that are there.
  throw new Failure(
    'CampaignInvalid',
    `Campaign '${id}' has destinations, and its template '${template.id}' has scenes: videos for several destinations are rendered whole. Write scenes: off in the campaign.`,
  );
}

export interface ScenesQuestion {
  readonly template: Template;
  readonly rendition: RenditionId;
  readonly assembly: Assembly;
  readonly engineDigest: string;
  readonly variants: PlannedVariants;
  /** By rank: 1 where the video is stored already. */
  readonly stored: Uint8Array;
}

/** Looks up which scenes of the videos that are not stored are. */
export async function scenesOf(
  store: ObjectStore,
  { template, rendition, assembly, engineDigest, variants, stored }: ScenesQuestion,
  signal: AbortSignal,
): Promise<ScenePlan> {
  const identity = { engineDigest, template, rendition };
  const missing = {
    *[Symbol.iterator](): Generator<Params, void, undefined> {
      for (let rank = 0; rank < variants.size; rank += 1) if (stored[rank] === 0) yield variants.at(rank).params;
    },
  };
  return await planScenes(
    {
      variants: assembly === 'whole' ? [] : missing,
      partsOf: (params) => partsOf(identity, params),
      isStored: async (key) => (await store.head(objectKeys.scene(key), signal)) !== null,
    },
    signal,
  );
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
  question: DeltaQuestion,
  input: NightInput,
  signal: AbortSignal,
): Promise<Pick<NightDelta, 'delta' | 'sourceKind'>> {
  const { campaign, template, keyOf, destinations, window, carriedOver } = question;
  const { csvKey, recipientLimit } = input;
  const source = campaign.openSource(template, csvKey ?? null, input.about);
  try {
    const delta = await planDelta({
      // A file that somebody gives by hand is meant as a whole, whatever stamps it has.
      ...(csvKey === undefined
        ? await rowsOf(question, source, signal)
        : { rows: source.readAll(signal), range: WHOLE_FILE, ordered: false, end: null }),
      carryOver: carriedOver.length === 0 ? undefined : source.readRecipients(carriedOver, window.until, signal),
      validateParams: (params) => template.validateParams(params),
      keyOf: (params) => keyOf(params, campaign.rendition),
      destinations,
      recipientLimit,
    });
    return { delta, sourceKind: source.kind };
  } finally {
    await source[Symbol.asyncDispose]();
  }
}

/** What is read and how it is taken, by the campaign's strategy. */
async function rowsOf(
  { store, campaign, state, window, open }: DeltaQuestion,
  source: WarehouseReader,
  signal: AbortSignal,
): Promise<Pick<DeltaPlanInput, 'rows' | 'range' | 'ordered' | 'end' | 'known'>> {
  const { since, until, readFrom } = window;
  const range = { since, until };
  const end = { updatedAt: until, recipientId: null };
  switch (campaign.delta.strategy) {
    case 'snapshot': {
      const doubtful = await peopleOfBatches(store, open, signal);
      const delivered = deliveredByLedger(await Ledger.read(store, state.ledger, signal), doubtful);
      return { rows: source.readAll(signal), range, ordered: false, end, known: { isEcho: () => true, delivered } };
    }
    case 'changes': {
      const rows = source.readChangeLog?.({ since: since?.updatedAt ?? null, until }, signal);
      if (rows === undefined) {
        throw new Failure('CampaignInvalid', `a ${source.kind} source keeps no changes; take another delta strategy`);
      }
      return { rows, range, ordered: false, end };
    }
    case 'watermark': {
      const ordered = source.capabilities.watermark;
      const rows = source.readChanges({ since: readFrom, until }, signal);
      const plain = { rows, range, ordered, end: ordered ? end : null };
      if (compareWatermarks(readFrom, since) === 0) return plain;
      const isEcho = ({ updatedAt, recipientId }: SourceRow) =>
        updatedAt !== null && !isAfterWatermark({ updatedAt, recipientId }, since);
      return { ...plain, known: { isEcho, delivered: deliveredByPointers(store, campaign, signal) } };
    }
  }
}

interface DeltaQuestion {
  readonly store: ObjectStore;
  readonly state: CampaignState;
  readonly campaign: PlannedCampaign;
  readonly template: Template;
  readonly keyOf: KeyOfVideo;
  readonly destinations: Destinations | undefined;
  readonly window: PlannedWindow;
  readonly carriedOver: readonly string[];
  readonly open: readonly BatchRef[];
}

const WHOLE_FILE = { since: null, until: '9999-12-31T23:59:59Z' } as const;
