/** What of the bucket is still referred to: by pointers, by the batches that are kept, by campaigns. */

import pMap from 'p-map';
import { Failure } from '../contracts/failures.ts';
import { batchIdOf, objectKeys } from '../contracts/ids.ts';
import { type ManifestVariant, type PlanDocument, parseManifestPage, videosOf } from '../planning/manifest.ts';
import { TextIndex } from '../planning/text-index.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { type BatchFolder, batchFolders, keysUnder, planOf, touchedMs } from './batch-folders.ts';
import { PinnedParts } from './pinned-parts.ts';
import { digestsIn, scanPointers, USUAL_PATTERN } from './pointer-scan.ts';

/** Pages read at a time. */
const CONCURRENCY = 16;

export interface ReferenceOptions {
  /** Batches of which anything was written since then are kept. Milliseconds since 1970. */
  readonly keptSinceMs: number;
  /** Patterns of pointers' keys that campaigns have; the bucket's plans know of others. */
  readonly pointerPatterns: readonly string[];
  readonly onProgress: (what: string, count: number) => void;
}

/** Some 50 bytes of memory for each video and scene that is referred to. */
export class References implements AsyncDisposable {
  readonly videos = new TextIndex('hex');
  readonly scenes = new TextIndex('hex');
  readonly templates = new Set<string>();
  readonly lists = new Set<string>();
  readonly ledgers = new Set<string>();
  /** Batches that are kept, those in the middle of planning included. */
  readonly keptBatchIds = new Set<string>();
  /** Kept batches of whose videos it is not known which scenes they are made from: then no scene may go. */
  readonly batchesOfUnknownScenes = new Set<string>();
  /** Runs whose plan is here: `claim.json` of each batch names its own. */
  readonly plannedRuns = new Set<string>();
  pointers = 0;
  keptBatches = 0;
  pastBatches = 0;
  readonly #store: ObjectStore;
  readonly #options: ReferenceOptions;
  readonly #parts: PinnedParts;
  /** Batches whose pages have been read, or never will be. */
  readonly #settled = new Set<string>();
  readonly #patterns: Set<string>;

  private constructor(store: ObjectStore, options: ReferenceOptions, parts: PinnedParts) {
    this.#store = store;
    this.#options = options;
    this.#parts = parts;
    this.#patterns = new Set([USUAL_PATTERN, ...options.pointerPatterns]);
  }

  static async collect(store: ObjectStore, options: ReferenceOptions, signal: AbortSignal): Promise<References> {
    const references = new References(store, options, await PinnedParts.open(store));
    try {
      await references.readBatches(signal);
      await references.#readStates(signal);
      await references.#readPointers(signal);
      return references;
    } catch (error) {
      await references[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }

  /** Those that are new since it was last called, or had no plan then. */
  async readBatches(signal: AbortSignal): Promise<void> {
    for await (const folder of batchFolders(this.#store, signal)) {
      const batchId = batchIdOf(folder.batch);
      if (this.#settled.has(batchId)) continue;
      this.#options.onProgress('batches read', this.#settled.size);
      const plan = await planOf(this.#store, folder, signal).catch(asUnknown);
      if (plan !== null && plan !== 'damaged') this.#patterns.add(plan.pointerKey);
      const isKept = touchedMs(folder) >= this.#options.keptSinceMs;
      if (isKept) this.keptBatchIds.add(batchId);
      // Without a plan it may be in the middle of planning: it is looked at again.
      if (isKept && plan === null) continue;
      if (isKept) await this.#keep(folder, plan === 'damaged' ? null : plan, signal);
      if (isKept) this.keptBatches += 1;
      else this.pastBatches += 1;
      this.#settled.add(batchId);
    }
  }

  async #keep(folder: BatchFolder, plan: PlanDocument | null, signal: AbortSignal): Promise<void> {
    if (plan !== null) {
      this.templates.add(plan.template.digest);
      if (plan.csvKey !== null) this.lists.add(plan.csvKey);
    }
    const take = async (variant: ManifestVariant): Promise<void> => {
      // Of renditions beside the variant's own: made whole, of no scenes.
      for (const { key } of videosOf(variant)) if (key !== variant.key) this.videos.add(key);
      const { size } = this.videos;
      this.videos.add(variant.key);
      // The same key is made from the same scenes.
      if (this.videos.size === size) return;
      const parts = plan && (await this.#parts.of(plan, variant.params, signal));
      if (parts === null) this.batchesOfUnknownScenes.add(batchIdOf(folder.batch));
      else for (const { key } of parts) this.scenes.add(key);
    };
    await pMap(
      keysUnder(folder, 'manifest/'),
      async (key) => {
        const text = await this.#store.getText(key, signal);
        if (text === null) return;
        const variants = variantsOf(text, key);
        if (variants === 'damaged') {
          for (const digest of digestsIn(text)) this.videos.add(digest);
          if (plan?.assembly !== 'whole') this.batchesOfUnknownScenes.add(batchIdOf(folder.batch));
        } else for (const variant of variants) await take(variant);
      },
      { concurrency: CONCURRENCY, signal },
    );
    // Last: whoever asks for a run finds all of its plan.
    const runId = await this.#runOf(folder, signal);
    if (runId !== null) this.plannedRuns.add(runId);
  }

  async #runOf({ batch }: BatchFolder, signal: AbortSignal): Promise<string | null> {
    const text = await this.#store.getText(objectKeys.claim(batch), signal);
    return /"runId":"([^"]+)"/.exec(text ?? '')?.[1] ?? null;
  }

  async #readStates(signal: AbortSignal): Promise<void> {
    for await (const { key } of this.#store.list('state/', signal)) {
      if (!/^state\/[^/]+\.json$/.test(key)) continue;
      const text = await this.#store.getText(key, signal);
      // Also of a state that is damaged: whatever it names stays.
      for (const [ledger] of (text ?? '').matchAll(/state\/ledgers\/[^"]+/g)) this.ledgers.add(ledger);
    }
  }

  async #readPointers(signal: AbortSignal): Promise<void> {
    for await (const { videos } of scanPointers(this.#store, this.#patterns, signal)) {
      this.pointers += 1;
      this.#options.onProgress('pointers read', this.pointers);
      for (const video of videos) this.videos.add(video);
    }
  }
}

function variantsOf(text: string, key: string): readonly ManifestVariant[] | 'damaged' {
  try {
    return parseManifestPage(text, key).variants;
  } catch (error) {
    return asUnknown(error);
  }
}

/** A document that is not as expected; whatever else went wrong is thrown on. */
function asUnknown(error: unknown): 'damaged' {
  if (error instanceof Failure && error.failureClass === 'Internal') return 'damaged';
  throw error;
}
