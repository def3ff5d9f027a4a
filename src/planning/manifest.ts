/** What a plan leaves in the object store: manifest pages, `plan.json` and the campaign's state. Schemas and pure builders. */

import { z } from 'zod';
import { RESULTS } from '../contracts/batch.ts';
import { Failure, type FailureClass, isFailureClass } from '../contracts/failures.ts';
import {
  type BusinessDate,
  batchIdOf,
  type CampaignId,
  isBusinessDate,
  isCampaignId,
  isSceneKey,
  isVariantKey,
  type SceneKey,
  type VariantKey,
} from '../contracts/ids.ts';
import { type NightLimits, WHEN_LATE } from '../contracts/steering.ts';
import { RENDITION_IDS, type RenditionId, type StoredVideo } from '../contracts/video.ts';
import { refuseLater } from '../storage/format-version.ts';
import { WHEN_WITHDRAWN } from '../storage/pointers.ts';
import type { PlannedVariant } from './planned-variants.ts';
import type { VideoPart } from './scene-key.ts';

const textWhere = <T extends string>(isOne: (value: string) => value is T, what: string) =>
  z.custom<T>((value) => typeof value === 'string' && isOne(value), { error: `must be ${what}` });

const variantKey = textWhere<VariantKey>(isVariantKey, '64 hex digits');
const sceneKey = textWhere<SceneKey>(isSceneKey, '64 hex digits');
const campaignId = textWhere<CampaignId>(isCampaignId, 'a campaign id');
const businessDate = textWhere<BusinessDate>(isBusinessDate, 'a calendar day YYYY-MM-DD');
const failureClass = textWhere<FailureClass>(
  isFailureClass as (value: string) => value is FailureClass,
  'a failure class',
);
const count = z.int().min(0);
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);

const storedVideo = z.object({
  variantKey,
  rendition: z.enum(RENDITION_IDS),
  width: z.int().positive(),
  height: z.int().positive(),
  durationMs: z.int().positive(),
  sizeBytes: z.int().positive(),
  sha256: hex64,
}) satisfies z.ZodType<StoredVideo>;

const watermark = z.object({ updatedAt: z.iso.datetime({ offset: true }), recipientId: z.string().nullable() });
const window = z.object({
  since: watermark.nullable(),
  until: z.iso.datetime({ offset: true }),
  /** Where reading began, when that was before `since`: the overlap. */
  readFrom: watermark.nullable().optional(),
});
const batchRef = z.object({ campaign: campaignId, businessDate, attempt: z.int().positive() });

/** By each of the recipients, in their order: the number of a list in the plan's `destinations`. */
const destinations = z.array(count).optional();

interface Paired {
  readonly recipients: readonly string[];
  readonly destinations?: readonly number[] | undefined;
}
const isPaired = ({ recipients, destinations: numbers }: Paired): boolean =>
  numbers === undefined || numbers.length === recipients.length;

const manifestVideo = z.object({
  key: variantKey,
  rendition: z.enum(RENDITION_IDS),
  /** The video that the plan found in the store; null when it is to be rendered. */
  cached: storedVideo.nullable(),
});
export type ManifestVideo = Readonly<z.infer<typeof manifestVideo>>;

const manifestLine = z.object({
  /** Place in the page, from 0. */
  index: count,
  key: variantKey,
  rendition: z.enum(RENDITION_IDS),
  params: z.record(z.string(), z.unknown()),
  /** Who shares it; nobody when they stand on pages of their own. */
  recipients: z.array(z.string().min(1)),
  destinations,
  /** Of a video that very many share: the first of those pages, and how many there are. */
  recipientPages: z.object({ first: z.int().positive(), count: z.int().positive() }).nullable().default(null),
  /** The video that the plan found in the store; null when it is to be rendered, or another of `videos` is. */
  cached: storedVideo.nullable(),
  /** Where people get different renditions: all that somebody here gets, the largest first. That one is the variant's own. */
  videos: z.array(manifestVideo).min(1).optional(),
  /** Whether every scene of it is stored, or on a scene page. */
  joinable: z.boolean().default(false),
});
const manifestVariant = manifestLine.refine(isPaired, 'has people without a destination');

/** Places may be missing, and all of them: a variant that only people had who were forgotten is gone from its page. */
const manifestPage = z.object({ page: z.int().positive(), variants: z.array(manifestVariant) });

/** Some of the people who share one variant. */
const recipientPage = z
  .object({ page: z.int().positive(), key: variantKey, recipients: z.array(z.string().min(1)), destinations })
  .refine(isPaired, 'has people without a destination');

export type RecipientPage = Readonly<z.infer<typeof recipientPage>>;

/** A scene that several variants need: `params` are those of the page, with the placeholder's where the scene has none. */
const plannedScene = z.object({
  /** Place in the page, from 0. */
  index: count,
  key: sceneKey,
  /** Id of the template's scene; null: the soundtrack. */
  scene: z.string().min(1).nullable(),
  params: z.record(z.string(), z.unknown()),
});

const scenePage = z.object({ page: z.int().positive(), scenes: z.array(plannedScene) });

export type PlannedScene = Readonly<z.infer<typeof plannedScene>>;
export interface ScenePage {
  /** From 1. */
  readonly page: number;
  readonly scenes: readonly PlannedScene[];
}

export type ManifestVariant = Readonly<z.infer<typeof manifestVariant>>;
export interface ManifestPage {
  /** From 1. */
  readonly page: number;
  readonly variants: readonly ManifestVariant[];
}

/** Of a night that may fail and last as it likes. */
export const UNLIMITED: NightLimits = { breaker: null, deadline: null };

const nightLimits = z.object({
  breaker: z.object({ share: z.number().gt(0).max(1), atLeast: z.int().positive() }).nullable(),
  deadline: z.object({ at: z.iso.datetime({ offset: true }), whenLate: z.enum(WHEN_LATE) }).nullable(),
}) satisfies z.ZodType<NightLimits>;

const planDocument = z.object({
  batch: batchRef,
  template: z.object({ id: z.string().min(1), digest: hex64 }),
  engine: z.object({
    digest: hex64,
    engineRevision: z.int(),
    captureRoute: z.string(),
    /** Empty in plans of before it was known. */
    pixels: z.string().default(''),
    chromium: z.string(),
    ffmpeg: z.string(),
    x264: z.string(),
    muxer: z.string(),
    fonts: z.string(),
    settings: z.string(),
  }),
  /** With `destinations`, the largest of the campaign. */
  rendition: z.enum(RENDITION_IDS),
  /** Lists of renditions, of which each person has one; absent: everyone has `rendition`. */
  destinations: z.array(z.array(z.enum(RENDITION_IDS)).min(1)).optional(),
  /** Whether videos are rendered in one piece, or joined from scenes. */
  assembly: z.enum(['whole', 'scenes']).default('whole'),
  /** Pattern of the pointers' keys, as the campaign had it. */
  pointerKey: z.string().min(1),
  /** Where viewers read this campaign's videos; absent: where they read all. */
  publicUrl: z.string().optional(),
  /** What becomes of the pointer of somebody who is withdrawn. */
  whenWithdrawn: z.enum(WHEN_WITHDRAWN).default('remove'),
  /** Whether the source is asked once more, before pointers are written, who still wants a video. */
  asksConsent: z.boolean().default(false),
  /** Whether what became of everyone is written as a table when the batch closes. */
  results: z.enum(RESULTS).default('none'),
  /** How the source's changes were found. */
  strategy: z.enum(['watermark', 'snapshot', 'changes']).default('watermark'),
  lanes: z.object({ count: z.int().positive(), window: z.int().positive() }),
  limits: nightLimits.default(UNLIMITED),
  window,
  /** Where the campaign stands once this batch has closed; null when it stays where it is (CSV, a replayed night). */
  watermark: watermark.nullable(),
  counts: z.object({
    rows: count,
    recipients: count,
    rejected: count,
    duplicates: count,
    unchanged: count.default(0),
    withdrawn: count.default(0),
    vanished: count.default(0),
    carriedOver: count,
    variants: count,
    cached: count,
    sceneSlots: count.default(0),
    distinctScenes: count.default(0),
    storedScenes: count.default(0),
    sharedScenes: count.default(0),
  }),
  pages: count,
  /** Pages of people who share a video with very many others. */
  recipientPages: count.default(0),
  scenePages: count.default(0),
  /** Key of the CSV that was read instead of the campaign's source. */
  csvKey: z.string().nullable(),
  recipientLimit: z.int().positive().nullable(),
  /** IDs of the campaign's carry-over that this plan looked up; it settles them, found or not. Very many are in a file of their own. */
  carriedOver: z.array(z.string()),
  /** They are in `carried-over.jsonl`. */
  carriedOverApart: z.literal(true).exactOptional(),
  /** Batches that never closed, and all of whose people this one has planned or taken back. */
  settles: z.array(batchRef).default([]),
  createdAt: z.iso.datetime({ offset: true }),
});

export type PlanDocument = Readonly<z.infer<typeof planDocument>>;

export const carryOver = z.object({
  recipientId: z.string().min(1),
  /** The batch that owes the video: a later one, or its own repair, settles it; an earlier one does not. */
  businessDate,
  attempt: z.int().positive(),
  reason: z.union([failureClass, z.literal('rejected')]),
});

const campaignState = z.object({
  watermark: watermark.nullable(),
  /** People whose video failed, to be looked up again by the next plan; of very many, the key of the ledger that they are in. */
  carryOver: z.union([z.array(carryOver), z.string().min(1)]),
  /** The newest business date that has closed, and the window it read. */
  lastBatch: z.object({ businessDate, attempt: z.int().positive(), ...window.shape }).nullable(),
  /** Key of the ledger of what everyone was shown; null for a campaign that needs none. */
  ledger: z.string().min(1).nullable().default(null),
});

export type CarryOver = Readonly<z.infer<typeof carryOver>>;
/** As it lies in the bucket. */
export type StoredState = Readonly<z.infer<typeof campaignState>>;
export type CampaignState = Omit<StoredState, 'carryOver'> & { readonly carryOver: readonly CarryOver[] };

/** A campaign that has never run. */
export const NEW_CAMPAIGN: CampaignState = { watermark: null, carryOver: [], lastBatch: null, ledger: null };

/** Parses the text of an object. Throws `Failure('Internal')` that names the object and the place, never a value. */
const parser =
  <T>(schema: z.ZodType<T>) =>
  (text: string, name: string): T => {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // The cause is left out: JSON.parse quotes the text, and that may be somebody's name.
      throw new Failure('Internal', `${name} is not JSON; it was damaged or written by something else`);
    }
    refuseLater(json, name);
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new Failure(
      'Internal',
      `${name} is not as expected at '${issue?.path.join('.') ?? ''}': ${issue?.code ?? ''}`,
    );
  };

export const parseManifestPage: (text: string, name: string) => ManifestPage = parser(manifestPage);
export const parseRecipientPage: (text: string, name: string) => RecipientPage = parser(recipientPage);
export const parseScenePage: (text: string, name: string) => ScenePage = parser(scenePage);
export const parsePlanDocument: (text: string, name: string) => PlanDocument = parser(planDocument);
export const parseStoredState: (text: string, name: string) => StoredState = parser(campaignState);

/** The videos of a variant, the largest first. */
export const videosOf = ({
  key,
  rendition,
  cached,
  videos,
}: Pick<ManifestVariant, 'key' | 'rendition' | 'cached' | 'videos'>): readonly ManifestVideo[] =>
  videos ?? [{ key, rendition, cached }];

/**
 * What somebody is shown, first the video that their pointer's `url` is of. Failure `ManifestDamaged` where plan and page do not
 * fit together.
 */
export function videosFor(
  { batch, destinations: lists }: Pick<PlanDocument, 'batch' | 'destinations'>,
  variant: ManifestVariant,
  destination: number | null,
): readonly [ManifestVideo, ...ManifestVideo[]] {
  const videos = videosOf(variant);
  const wanted = lists === undefined ? [variant.rendition] : (lists[destination ?? -1] ?? []);
  const [first, ...linked] = wanted.flatMap((id) => videos.filter(({ rendition }) => rendition === id));
  if (first !== undefined && linked.length === wanted.length - 1) return [first, ...linked];
  throw new Failure(
    'ManifestDamaged',
    `Variant ${variant.key.slice(0, 12)} of batch ${batchIdOf(batch)} has people of destination ${destination}, and not the videos that the plan has for them.`,
  );
}

/** Variants to a page. A page is read whole by every lane step, so it is kept to a few hundred kilobytes. */
export const VARIANTS_PER_PAGE = 200;
/** People to a page, of either kind: whatever works on a page writes so many pointers at most. */
export const RECIPIENTS_PER_PAGE = 5_000;
/** People who share one video and still stand beside it on its page. */
export const RECIPIENTS_INLINE = 500;

/** A page as it is cut, before the store was asked what it has. */
export interface PageDraft {
  readonly page: ManifestPage;
  /** How many pages of recipients its variants name. */
  readonly recipientPageCount: number;
  recipientPages(): Iterable<RecipientPage>;
}

/** People who stand on pages of their own. */
interface Crowd {
  readonly key: VariantKey;
  readonly first: number;
  readonly people: Iterable<string>;
  readonly destinations: Iterable<number> | undefined;
}

/**
 * Cuts variants into manifest pages, in order. A page ends at `perPage` variants, or when the next would take it past
 * 5,000 recipients. A variant that more than 500 people share has them on pages of their own: nothing grows with its popularity.
 */
export function* manifestPages(
  variants: Iterable<PlannedVariant>,
  rendition: RenditionId,
  perPage = VARIANTS_PER_PAGE,
): Generator<PageDraft, void, undefined> {
  let [page, nextRecipientPage, recipients, recipientPageCount] = [1, 1, 0, 0];
  let held: ManifestVariant[] = [];
  let crowds: Crowd[] = [];
  const draft = (): PageDraft => {
    const of = crowds;
    return { page: { page, variants: held }, recipientPageCount, recipientPages: () => pagesOfAll(of) };
  };
  for (const { key, params, recipients: sharers, videos, destinations: numbers } of variants) {
    const isCrowd = sharers.size > RECIPIENTS_INLINE;
    const inline = isCrowd ? 0 : sharers.size;
    const full = held.length >= perPage || recipients + inline > RECIPIENTS_PER_PAGE;
    if (full && held.length > 0) {
      yield draft();
      page += 1;
      [held, crowds, recipients, recipientPageCount] = [[], [], 0, 0];
    }
    const first = nextRecipientPage;
    const count = isCrowd ? Math.ceil(sharers.size / RECIPIENTS_PER_PAGE) : 0;
    held.push({
      index: held.length,
      key,
      rendition: videos?.[0]?.rendition ?? rendition,
      params: { ...params },
      recipients: isCrowd ? [] : [...sharers],
      ...(numbers !== undefined && { destinations: isCrowd ? [] : [...numbers] }),
      recipientPages: isCrowd ? { first, count } : null,
      cached: null,
      ...(videos !== undefined && { videos: videos.map((video) => ({ ...video, cached: null })) }),
      joinable: false,
    });
    if (isCrowd) crowds.push({ key, first, people: sharers, destinations: numbers });
    nextRecipientPage += count;
    recipientPageCount += count;
    recipients += inline;
  }
  if (held.length > 0) yield draft();
}

function* pagesOfAll(crowds: readonly Crowd[]): Generator<RecipientPage, void, undefined> {
  for (const crowd of crowds) yield* pagesOf(crowd);
}

function* pagesOf({ key, first, people, destinations: of }: Crowd): Generator<RecipientPage, void, undefined> {
  let page = first;
  const numbers = of && chunks(of, RECIPIENTS_PER_PAGE);
  for (const recipients of chunks(people, RECIPIENTS_PER_PAGE)) {
    yield { page, key, recipients, ...(numbers && { destinations: numbers.next().value ?? [] }) };
    page += 1;
  }
}

function* chunks<T>(items: Iterable<T>, size: number): Generator<T[], void, undefined> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Cuts parts into scene pages, in order. */
export function* scenePages(parts: Iterable<VideoPart>, perPage: number): Generator<ScenePage, void, undefined> {
  let page = 1;
  for (const some of chunks(parts, perPage)) {
    const scenes = some.map(({ key, scene, params }, index) => {
      return { index, key, scene: scene?.id ?? null, params: { ...params } };
    });
    yield { page, scenes };
    page += 1;
  }
}
