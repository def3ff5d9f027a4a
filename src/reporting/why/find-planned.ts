/** The variant or scene that somebody names by some of its key, and where it was planned. */

import { pMapIterable } from 'p-map';
import { Failure } from '../../contracts/failures.ts';
import {
  type BatchRef,
  type BusinessDate,
  batchIdOf,
  type CampaignId,
  isBusinessDate,
  isCampaignId,
  objectKeys,
  parseBatchId,
  type SceneKey,
  type VariantKey,
} from '../../contracts/ids.ts';
import { type ManifestVariant, type PlanDocument, type PlannedScene, videosOf } from '../../planning/manifest.ts';
import type { ManifestReader } from '../../planning/manifest-reader.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

/** What a person writes: some digits of a key, and perhaps where to look for it. */
export interface Reference {
  readonly digits: string;
  readonly campaign: CampaignId | null;
  readonly businessDate: BusinessDate | null;
  readonly batch: BatchRef | null;
}

interface Line {
  readonly plan: PlanDocument;
  readonly batch: BatchRef;
  readonly page: number;
  readonly index: number;
}

type FoundLine =
  | (Line & { readonly kind: 'variant'; readonly key: VariantKey; readonly variant: ManifestVariant })
  | (Line & { readonly kind: 'scene'; readonly key: SceneKey; readonly scene: PlannedScene });

export type Planned = FoundLine & {
  /** What was looked through and could not be read, a sentence each: it may stand there as well. */
  readonly damaged: readonly string[];
};

/** Fewer would be anybody's. */
const DIGITS = /^[0-9a-f]{6,64}$/;
/** Batches that are looked through, the newest first, before one must be named. */
const BATCHES_LOOKED_AT = 20;
const READ_AHEAD = 8;
const NAMED = 3;

/**
 * Takes a key, its first digits, or the ID of a workflow: `variant/CAMPAIGN/DATE/KEY`, `scene/CAMPAIGN/DATE/ATTEMPT/KEY`. Null
 * for what is none of these.
 */
export function parseReference(text: string): Reference | null {
  const nowhere = { campaign: null, businessDate: null, batch: null };
  if (DIGITS.test(text)) return { digits: text, ...nowhere };
  const [type, campaign = '', businessDate = '', third = '', fourth = ''] = text.split('/');
  if (!isCampaignId(campaign) || !isBusinessDate(businessDate)) return null;
  if (type === 'variant' && DIGITS.test(third)) return { digits: third, campaign, businessDate, batch: null };
  const batch = parseBatchId(`${campaign}/${businessDate}/${third}`);
  return type === 'scene' && batch !== null && DIGITS.test(fourth)
    ? { digits: fourth, campaign, businessDate, batch }
    : null;
}

/**
 * The planned line of it: in the batch that is named, else in the newest that has it. Failure `CampaignInvalid` where there is none,
 * or several begin so; `ManifestDamaged` where there is none in what could be read of them.
 */
export async function findPlanned(
  { store, manifests }: { readonly store: ObjectStore; readonly manifests: ManifestReader },
  { digits, ...where }: Reference,
  signal?: AbortSignal,
): Promise<Planned> {
  let looked = 0;
  const damaged: string[] = [];
  for await (const batch of where.batch === null ? newestBatches(store, where, signal) : [where.batch]) {
    if (looked === BATCHES_LOOKED_AT) break;
    looked += 1;
    // It may still be planned, or never have been.
    if (where.batch === null && (await store.head(objectKeys.plan(batch), signal)) === null) continue;
    const found = await linesOf(manifests, batch, digits, damaged);
    const [first, second] = found;
    if (first !== undefined && second === undefined) return { ...first, damaged };
    if (first === undefined) continue;
    const some = found.slice(0, NAMED).map(({ key }) => key.slice(0, digits.length + 8));
    throw new Failure(
      'CampaignInvalid',
      `${found.length} keys of batch ${batchIdOf(batch)} begin with ${digits}, for example ${some.join(', ')}. Give more digits.`,
    );
  }
  const places =
    where.batch !== null
      ? `batch ${batchIdOf(where.batch)}`
      : looked < BATCHES_LOOKED_AT
        ? `the ${looked} batches ${where.campaign === null ? 'in the bucket' : `of ${where.campaign}, ${where.businessDate}`}`
        : `the ${looked} newest batches. Name another with --batch CAMPAIGN/DATE/ATTEMPT`;
  const none = `No variant and no scene that begins with ${digits} is in ${places}.`;
  if (damaged.length === 0) throw new Failure('CampaignInvalid', none);
  const [first, ...others] = damaged;
  const more = others.length === 0 ? '' : ` So it is with ${others.length} more.`;
  throw new Failure('ManifestDamaged', `${none} Not all could be read: ${first}${more}`);
}

/** By business date, of all campaigns. */
async function* newestBatches(
  store: ObjectStore,
  { campaign: wanted, businessDate: day }: Pick<Reference, 'campaign' | 'businessDate'>,
  signal?: AbortSignal,
): AsyncGenerator<BatchRef, void, undefined> {
  const nights: { readonly campaign: CampaignId; readonly businessDate: BusinessDate }[] = [];
  for (const campaign of wanted === null ? await store.folders('batches/', signal) : [wanted]) {
    if (!isCampaignId(campaign)) continue;
    const dates = day === null ? await store.folders(objectKeys.batchesOfCampaign(campaign), signal) : [day];
    for (const businessDate of dates) if (isBusinessDate(businessDate)) nights.push({ campaign, businessDate });
  }
  nights.sort((a, b) => (a.businessDate < b.businessDate ? 1 : -1));
  for (const { campaign, businessDate } of nights) {
    const attempts = await store.folders(objectKeys.batchesOf(campaign, businessDate), signal);
    const batches = attempts.flatMap((attempt) => parseBatchId(`${campaign}/${businessDate}/${attempt}`) ?? []);
    yield* batches.sort((a, b) => b.attempt - a.attempt);
  }
}

/**
 * All lines of a batch whose key, or that of one of their renditions, begins so.
 * @param damaged takes what cannot be read.
 */
async function linesOf(
  manifests: ManifestReader,
  batch: BatchRef,
  digits: string,
  damaged: string[],
): Promise<FoundLine[]> {
  const readable = async <T>(reading: Promise<T>): Promise<T | null> => {
    try {
      return await reading;
    } catch (error) {
      if (!(error instanceof Failure && error.failureClass === 'ManifestDamaged')) throw error;
      damaged.push(error.message);
      return null;
    }
  };
  const plan = await readable(manifests.plan(batch));
  if (plan === null) return [];
  const found: FoundLine[] = [];
  const pages = pMapIterable(numbers(plan.pages), (page) => readable(manifests.page(batch, page)), {
    concurrency: READ_AHEAD,
  });
  for await (const one of pages) {
    if (one === null) continue;
    const { page, variants } = one;
    for (const variant of variants) {
      if (!videosOf(variant).some(({ key }) => key.startsWith(digits)) && !variant.key.startsWith(digits)) continue;
      const { key, index } = variant;
      found.push({ kind: 'variant', plan, batch, page, index, key, variant });
    }
  }
  const scenes = pMapIterable(numbers(plan.scenePages), (page) => readable(manifests.scenePage(batch, page)), {
    concurrency: READ_AHEAD,
  });
  for await (const one of scenes) {
    if (one === null) continue;
    const { page, scenes: some } = one;
    for (const scene of some) {
      const { key, index } = scene;
      if (key.startsWith(digits)) found.push({ kind: 'scene', plan, batch, page, index, key, scene });
    }
  }
  return found;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
