/**
 * What flows between the steps of a batch. Everything that passes through Temporal is here, and holds keys, counts and
 * page numbers only; recipients and their params live in the manifest in the object store (`planning/manifest.ts`).
 */

import type { FailureClass } from './failures.ts';
import type { BatchRef, BusinessDate, CampaignId, SceneKey, VariantKey } from './ids.ts';
import type { FailureCounts, Interruptions, NightLimits, Outlook, Steering } from './steering.ts';
import type { RenditionId, StoredVideo } from './video.ts';

/** A place in the warehouse's change order. Rows are read in the order (updatedAt, recipientId). */
export interface Watermark {
  /** ISO 8601 UTC with up to nanoseconds, kept as text: a JavaScript date would round it. */
  readonly updatedAt: string;
  /** The last recipient read at `updatedAt`; '' when all of that instant is still to be read, null when none is. */
  readonly recipientId: string | null;
}

/** Outcomes per outcome page: keeps the activity's argument small whatever the night brings. */
export const OUTCOMES_PER_PAGE = 100;

/** Where what became of everyone is written, for other systems: nowhere, or as Parquet in the bucket. */
export const RESULTS = ['none', 'parquet'] as const;
export type Results = (typeof RESULTS)[number];

/** The engine that will render a batch, as its render workers describe themselves. */
export interface EngineFingerprint {
  /** sha256 hex over everything below but the route: the first part of every variant key. */
  readonly digest: string;
  /** How frames were captured. What differs between routes, if anything does, shows in `pixels`. */
  readonly captureRoute: string;
  readonly engineRevision: number;
  /** Digest of what this machine makes of a known page. */
  readonly pixels: string;
  readonly chromium: string;
  readonly ffmpeg: string;
  readonly x264: string;
  readonly muxer: string;
  readonly fonts: string;
  readonly settings: string;
}

/** Argument of `nightlyBatch`. */
export interface NightlyBatchInput {
  readonly campaign: CampaignId;
  /** Absent in a scheduled run: then the schedule's own time decides. */
  readonly businessDate?: BusinessDate;
  /** At most so many recipients, in change order; absent: all. */
  readonly recipientLimit?: number;
  /** An uploaded CSV instead of the campaign's source; the watermark then stays where it is. */
  readonly csvKey?: string;
  /** Variants after which a lane continues as new; absent: as many as a history takes. */
  readonly childrenPerRun?: number;
}

/** Argument of `planBatch`. */
export interface PlanBatchInput extends NightlyBatchInput {
  /** When the workflow run was due, ISO 8601 UTC: the end of the delta. Fixed, so a retry reads the same rows. */
  readonly asOf: string;
  readonly engine: EngineFingerprint;
  /** Owner of this attempt's number: a retry of the activity finds its own claim again. */
  readonly runId: string;
}

/** What the plan came to. The same counts are in plan.json, together with what only readers of the bucket may see. */
export interface BatchPlan {
  readonly batch: BatchRef;
  readonly rendition: RenditionId;
  readonly templateDigest: string;
  readonly engineDigest: string;
  readonly counts: PlanCounts;
  readonly pages: number;
  /** Pages of scenes that are rendered before the variants, as several of these need them. */
  readonly scenePages: number;
  readonly lanes: { readonly count: number; readonly window: number };
  /** Absent in plans of before there were any. */
  readonly limits?: NightLimits;
}

/** Of the videos that are to be made from scenes; all 0 where none is. The soundtrack counts as a scene. */
export interface ScenePlanCounts {
  /** Scenes of all those videos. */
  readonly sceneSlots: number;
  /** Of those, different ones. */
  readonly distinctScenes: number;
  /** Of the different ones, those that were already stored. */
  readonly storedScenes: number;
  /** Of the others, those that several videos need: they are rendered first. */
  readonly sharedScenes: number;
}

export interface PlanCounts extends ScenePlanCounts {
  /** Rows read from the source. */
  readonly rows: number;
  /** People in the batch: distinct IDs with valid params. */
  readonly recipients: number;
  readonly rejected: number;
  /** Rows dropped because a later row has the same recipient ID. */
  readonly duplicates: number;
  /** People whose row was read again, or as part of the whole, and who have been shown just that. */
  readonly unchanged: number;
  /** People who are gone or want no video: their pointers are taken back. */
  readonly withdrawn: number;
  /** Of `withdrawn`, those who are no longer in a source that is read whole. */
  readonly vanished: number;
  /** Of `recipients`, those carried over from an earlier batch in which theirs failed. */
  readonly carriedOver: number;
  readonly variants: number;
  /** Of `variants`, those whose video was already stored. */
  readonly cached: number;
}

/** Argument of `variantLane`: manifest pages lane + 1, lane + 1 + count, … from `cursor` on. */
export interface VariantLaneInput {
  readonly plan: BatchPlan;
  readonly lane: number;
  readonly cursor: LaneCursor;
  readonly tally: LaneTally;
  readonly childrenPerRun?: number;
  /** Absent: nobody has steered. */
  readonly steering?: Steering;
  /** What earlier runs of this lane counted, and could not write down. */
  readonly failures?: FailureCounts;
  readonly unreported?: Unreported;
  readonly unwritten?: readonly VariantOutcome[];
  /** Runs in a row that ended because something did not answer. */
  readonly troubles?: number;
}

/** What a lane has settled since it last told its batch. */
export interface Unreported {
  readonly settled: number;
  readonly failed: number;
}

export interface LaneCursor {
  readonly page: number;
  /** Index inside the page of the next variant to start. */
  readonly index: number;
}

export interface LaneTally {
  readonly cached: number;
  readonly rendered: number;
  readonly failed: number;
  readonly pointers: number;
}

export const NO_TALLY: LaneTally = { cached: 0, rendered: 0, failed: 0, pointers: 0 };

export const addTallies = (a: LaneTally, b: LaneTally): LaneTally => ({
  cached: a.cached + b.cached,
  rendered: a.rendered + b.rendered,
  failed: a.failed + b.failed,
  pointers: a.pointers + b.pointers,
});

/** One line of a manifest page as workflows see it. */
export interface VariantSlot {
  readonly index: number;
  readonly key: VariantKey;
  /** True when the plan found its video in the store, and its pointers are written with the page's. */
  readonly cached: boolean;
  /** True when all its scenes are stored, or are rendered before it: it takes no browser. */
  readonly joinable: boolean;
}

/** Argument of `sceneLane`: scene pages lane + 1, lane + 1 + count, … from `cursor` on. */
export interface SceneLaneInput {
  readonly plan: BatchPlan;
  readonly lane: number;
  readonly cursor: LaneCursor;
  readonly tally: SceneTally;
  readonly childrenPerRun?: number;
  readonly steering?: Steering;
}

export interface SceneTally {
  readonly rendered: number;
  /** Found in the store when their turn came. */
  readonly reused: number;
  readonly failed: number;
  /** Of `rendered`, those whose processor time was measured, and that time in ms. Absent in runs of before it was. */
  readonly measured?: number;
  readonly cpuMs?: number;
}

export const NO_SCENES = { rendered: 0, reused: 0, failed: 0, measured: 0, cpuMs: 0 } as const satisfies SceneTally;

/** Argument of the `renderScene` workflow and of its activity: a line of a scene page. */
export interface RenderSceneInput {
  readonly batch: BatchRef;
  readonly page: number;
  readonly index: number;
  readonly key: SceneKey;
}

/** One line of a scene page as workflows see it. */
export interface SceneSlot {
  readonly index: number;
  readonly key: SceneKey;
  /** The scene's id in the template; `soundtrack` for that. */
  readonly id: string;
}

/** Result of the `renderScene` workflow. */
export interface RenderedSceneResult {
  readonly outcome: 'rendered' | 'reused';
  readonly renderMs: number;
  /** As `RenderMeasures.cpuMs`, of what was rendered. */
  readonly cpuMs?: number;
}

/** Argument of the `renderVariant` workflow and of the activities it calls: a line of a manifest page. */
export interface RenderVariantInput {
  readonly batch: BatchRef;
  readonly page: number;
  readonly index: number;
  readonly key: VariantKey;
  /** Try to join it from stored scenes first, without a browser. */
  readonly joinable?: boolean;
  /** What an earlier run of this workflow did, of a video that very many share. */
  readonly begun?: BegunVariant;
}

export interface PartFailure {
  readonly failureClass: FailureClass;
  readonly message: string;
}

export interface BegunVariant extends RenderedVariant {
  /** The part of its people that comes next. */
  readonly part: number;
  readonly pointers: number;
  /** The first failure of a part. */
  readonly failure?: PartFailure;
  /** Whether somebody had reset that run. */
  readonly wasReset: boolean;
}

/** The stages of making a video that are timed by themselves, in their order; `assemble` is of joining scenes, checks included. */
export const RENDER_STAGES = ['acquire', 'params', 'capture', 'encode', 'verify', 'assemble', 'upload'] as const;
export type RenderStage = (typeof RENDER_STAGES)[number];

/** What the attempt that made a variant's video took, for the report: whole numbers. */
export interface RenderMeasures {
  /** Wall time of each stage, ms. */
  readonly stages: Readonly<Partial<Record<RenderStage, number>>>;
  /** Processor time of the browser's processes, the encoder and this render's share of the worker, ms; absent where it cannot be told. */
  readonly cpuMs?: number;
  /** Frames captured for it. */
  readonly frames: number;
  /** Bytes of the videos that were stored. */
  readonly bytes: number;
  /** How many they are; absent: one. */
  readonly videos?: number;
  /** When they were, ms since 1970. */
  readonly endedAt: number;
  /** Tells worker processes apart, eight hex digits. Absent in outcomes of before it was noted. */
  readonly worker?: string;
}

/** Result of the `renderVariant` activity. */
export interface RenderedVariant {
  readonly outcome: 'rendered' | 'cached';
  readonly video: StoredVideo;
  /** Wall time of the render on its worker, upload included; 0 when nothing was rendered. */
  readonly renderMs: number;
  /** Of what this attempt made; absent: it made nothing. */
  readonly measures?: RenderMeasures;
}

/** Result of the `renderVariant` workflow. */
export interface VariantResult extends Pick<RenderedVariant, 'outcome' | 'renderMs' | 'measures'> {
  readonly pointers: number;
}

/** What became of one variant: a line of an outcome page. */
export type VariantOutcome =
  | (VariantResult & {
      readonly page: number;
      readonly index: number;
      readonly key: VariantKey;
    })
  | {
      readonly outcome: 'failed';
      readonly page: number;
      readonly index: number;
      readonly key: VariantKey;
      readonly failureClass: FailureClass;
      readonly message: string;
    };

/** Result of `nightlyBatch` and last line of `demo --json`: names and order are part of the contract. */
export interface BatchSummary {
  readonly batchId: string;
  readonly campaign: string;
  readonly businessDate: string;
  readonly recipients: number;
  readonly rejected: number;
  readonly variants: number;
  readonly cached: number;
  readonly rendered: number;
  readonly failed: number;
  readonly pointers: number;
  readonly wallSeconds: number;
  /** Median and 95th percentile of `renderMs` over the rendered; null when none was. */
  readonly renderMsP50: number | null;
  readonly renderMsP95: number | null;
  /** failed / variants, 0 for an empty batch. */
  readonly failureRate: number;
  /** Where the HTML report lies: a key in the bucket (the CLI turns it into a URL). */
  readonly report: string;
}

/** What of a batch's manifest could not be read when it closed. */
export interface DamagedManifest {
  /** Pages of variants, and of people who share one with very many others. */
  readonly pages: number;
  /** Variants on those pages of which nothing was written down: whose they are cannot be told. */
  readonly variants: number;
  /** The first few pages, with what is wrong, a sentence each. */
  readonly why: readonly string[];
}

/** Answer of `closeBatch`. */
export interface ClosedSummary extends BatchSummary {
  /** Absent: the manifest is whole. Else the watermark has not moved. */
  readonly damaged?: DamagedManifest;
}

/** Answer of the `progress` query of `nightlyBatch`, of its lanes, each of its own share, and of a backfill. */
export interface BatchProgress {
  readonly phase: 'waiting' | 'planning' | 'scenes' | 'rendering' | 'closing' | 'done';
  /** Known from `scenes` on. */
  readonly plan: BatchPlan | null;
  /** As the lanes reported it, every few per cent. */
  readonly tally?: LaneTally;
  readonly steering?: Steering;
  readonly outlook?: Outlook;
  readonly failures?: FailureCounts;
  /** Of a backfill: how many variants it tries in this run, and what became of them so far. */
  readonly repair?: { readonly variants: number; readonly tally: LaneTally };
}

/** Argument of `closeBatch`. */
export interface CloseBatchInput {
  readonly batch: BatchRef;
  /** Wall time of the batch so far; null when a backfill closes it again: the first time's stays. */
  readonly wallMs: number | null;
  /** Absent: nothing held it up, or a backfill closes it again. */
  readonly interruptions?: Interruptions;
  /** What was rendered for several videos before these. Absent: nothing, nobody knows, or a backfill closes it again. */
  readonly scenes?: SceneTally;
}

/** Argument of `recordOutcomes`: written once under (writer, page); writing it again changes nothing. */
export interface RecordOutcomesInput {
  readonly batch: BatchRef;
  readonly writer: string;
  readonly page: number;
  readonly outcomes: readonly VariantOutcome[];
}

/** Argument of the `publishPointers` activity: those who share this line of the manifest. */
export interface PublishPointersInput {
  readonly batch: BatchRef;
  readonly page: number;
  readonly index: number;
  readonly video: StoredVideo;
  /** Very many are cut into parts: which one, from 0. Absent: the first. */
  readonly part?: number;
}

export interface PublishedPart {
  /** People whose pointer shows the video now. */
  readonly pointers: number;
  /** Why some of this part have none, where trying again does not help: it does not keep the next part from theirs. */
  readonly failure?: PartFailure;
  /** The part that comes after this one; null: that was all. */
  readonly next: number | null;
}

/** Which failed variants of a batch are meant. */
export interface FailedQuestion {
  readonly batch: BatchRef;
  /** Only what failed with this class; absent: whatever failed. */
  readonly failureClass?: FailureClass;
  /** Key of a list of variant keys in the bucket: only these; absent: all. */
  readonly variantsKey?: string;
  /** Also of a batch that never wrote a report: whoever asks knows that nobody runs it any more. */
  readonly unclosed?: boolean;
}

/** Argument of `backfillVariants`. People who start it by hand give `batch`, and what narrows it. */
export interface BackfillInput extends FailedQuestion {
  /** Variants in flight, 1 to `MAX_WINDOW`. Absent: 16. */
  readonly window?: number;
  /** The last failed variant that earlier runs of this backfill have tried. */
  readonly after?: FailedSlot;
  readonly tally?: LaneTally;
}

/** Argument of `listFailed`: the first `limit` after `after`, in manifest order. */
export interface ListFailedInput extends FailedQuestion {
  readonly after?: FailedSlot;
  readonly limit: number;
}

/** A failed variant: a line of a manifest page. */
export interface FailedSlot {
  readonly page: number;
  readonly index: number;
  readonly key: VariantKey;
}
