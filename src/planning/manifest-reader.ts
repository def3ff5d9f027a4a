import type { RenderSceneInput } from '../contracts/batch.ts';
import { asFailure, Failure } from '../contracts/failures.ts';
import { type BatchRef, batchIdOf, objectKeys, type VariantKey } from '../contracts/ids.ts';
import type { StoredVideo } from '../contracts/video.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import {
  type ManifestPage,
  type ManifestVariant,
  type PlanDocument,
  type PlannedScene,
  parseManifestPage,
  parsePlanDocument,
  parseRecipientPage,
  parseScenePage,
  type ScenePage,
} from './manifest.ts';

export type { ManifestVariant } from './manifest.ts';

export interface ManifestSlot {
  readonly batch: BatchRef;
  readonly page: number;
  readonly index: number;
  readonly key: VariantKey;
}

type Sharers = Pick<ManifestVariant, 'key' | 'recipients' | 'recipientPages' | 'destinations'>;

/** One of those who share a variant. */
export interface Sharer {
  readonly recipientId: string;
  /** Number of a list in the plan's `destinations`; null: everyone gets the same. */
  readonly destination: number | null;
}

/**
 * Whether all its people get their pointers with the rest of its page. Others have a workflow of their own: a video that is not
 * stored yet, or one that very many share.
 */
export const isPublishedByPage = (
  variant: ManifestVariant,
): variant is ManifestVariant & { readonly cached: StoredVideo } =>
  variant.cached !== null && variant.recipientPages === null;

/** Pages kept in memory: the lanes of a batch work on neighbouring pages, line by line. */
const PAGES_KEPT = 8;

/**
 * What was read is taken for true for so long. Once planned, pages change in one way only: people are taken out of them, which waits
 * until nobody can remember them any more.
 */
export const REMEMBERED_MS = 15_000;

interface Kept {
  readonly readAtMs: number;
  readonly reading: Promise<unknown>;
}

/** Reads plans and manifest pages, and keeps the last few for a moment. */
export class ManifestReader {
  private readonly store: ObjectStore;
  private readonly kept = new Map<string, Kept>();

  constructor(store: ObjectStore) {
    this.store = store;
  }

  async plan(batch: BatchRef): Promise<PlanDocument> {
    return await this.read(objectKeys.plan(batch), batch, parsePlanDocument);
  }

  async page(batch: BatchRef, page: number): Promise<ManifestPage> {
    const key = objectKeys.manifestPage(batch, page);
    const found = await this.read(key, batch, wholePage(parseManifestPage));
    if (found.page === page) return found;
    throw new Failure('ManifestDamaged', `${key} is page ${found.page}: another was put in its place.`);
  }

  /** The line of the manifest that a slot names. Failure `ManifestDamaged` when another variant stands there. */
  async variant({ batch, page, index, key }: ManifestSlot): Promise<ManifestVariant> {
    const variant = (await this.page(batch, page)).variants.find((one) => one.index === index);
    if (variant?.key === key) return variant;
    throw new Failure(
      'ManifestDamaged',
      `Line ${index + 1} of manifest page ${page} of batch ${batchIdOf(batch)} is not variant ${key.slice(0, 12)}: it was damaged, or only people had it who were forgotten.`,
    );
  }

  /** Into how many parts the people who share a variant are cut. */
  partsOf({ recipientPages }: Pick<ManifestVariant, 'recipientPages'>): number {
    return recipientPages?.count ?? 1;
  }

  /** One part of the people who share a variant, from part 0 on. */
  async sharersOfPart(batch: BatchRef, variant: Sharers, part: number): Promise<readonly Sharer[]> {
    const { recipients, destinations } = await this.peopleOfPart(batch, variant, part);
    return recipients.map((recipientId, at) => ({ recipientId, destination: destinations?.[at] ?? null }));
  }

  /** Everyone who shares a variant, wherever they stand. */
  async *sharersOf(batch: BatchRef, variant: Sharers): AsyncGenerator<Sharer, void, undefined> {
    for (let part = 0; part < this.partsOf(variant); part += 1) yield* await this.sharersOfPart(batch, variant, part);
  }

  /** The same without their destinations. */
  async *recipientsOf(batch: BatchRef, variant: Sharers): AsyncGenerator<string, void, undefined> {
    for (let part = 0; part < this.partsOf(variant); part += 1) {
      yield* (await this.peopleOfPart(batch, variant, part)).recipients;
    }
  }

  private async peopleOfPart(
    batch: BatchRef,
    variant: Sharers,
    part: number,
  ): Promise<Pick<Sharers, 'recipients' | 'destinations'>> {
    if (variant.recipientPages === null) return variant;
    const page = variant.recipientPages.first + part;
    const people = await this.read(objectKeys.recipientPage(batch, page), batch, wholePage(parseRecipientPage));
    if (people.key === variant.key) return people;
    throw new Failure(
      'ManifestDamaged',
      `Page ${page} of recipients of batch ${batchIdOf(batch)} is not one of variant ${variant.key.slice(0, 12)}.`,
    );
  }

  async scenePage(batch: BatchRef, page: number): Promise<ScenePage> {
    return await this.read(objectKeys.scenePage(batch, page), batch, wholePage(parseScenePage));
  }

  /** The line of a scene page that a slot names. Failure `ManifestDamaged` when another scene stands there. */
  async scene({ batch, page, index, key }: RenderSceneInput): Promise<PlannedScene> {
    const scene = (await this.scenePage(batch, page)).scenes.find((one) => one.index === index);
    if (scene?.key === key) return scene;
    throw new Failure(
      'ManifestDamaged',
      `Line ${index + 1} of scene page ${page} of batch ${batchIdOf(batch)} is not scene ${key.slice(0, 12)}.`,
    );
  }

  private async read<T>(key: string, batch: BatchRef, parse: (text: string, name: string) => T): Promise<T> {
    const now = performance.now();
    const known = this.kept.get(key);
    this.kept.delete(key);
    const isGood = known !== undefined && now - known.readAtMs < REMEMBERED_MS;
    const kept = isGood ? known : { readAtMs: now, reading: this.fetch(key, batch, parse) };
    this.kept.set(key, kept);
    kept.reading.catch(() => this.kept.delete(key));
    if (this.kept.size > PAGES_KEPT) this.kept.delete([...this.kept.keys()][0] ?? key);
    return (await kept.reading) as T;
  }

  private async fetch<T>(key: string, batch: BatchRef, parse: (text: string, name: string) => T): Promise<T> {
    const text = await this.store.getText(key);
    if (text !== null) return parse(text, key);
    if (key !== objectKeys.plan(batch)) {
      throw new Failure('ManifestDamaged', `${key} is missing from the bucket; the plan wrote it. Was it deleted?`);
    }
    throw new Failure('CampaignInvalid', `There is no batch ${batchIdOf(batch)} in the bucket: ${key} is missing.`);
  }
}

/** A page that cannot be read as one will not be mended by trying again. */
const wholePage =
  <T>(parse: (text: string, name: string) => T) =>
  (text: string, name: string): T => {
    try {
      return parse(text, name);
    } catch (error) {
      throw new Failure('ManifestDamaged', asFailure(error).message, { cause: error });
    }
  };
