/** Of which scenes the videos of past batches are made: told by the template that each batch was planned with. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';
import type { PlanDocument } from '../planning/manifest.ts';
import { partsOf, type VideoPart } from '../planning/scene-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { fetchPinnedTemplate } from '../storage/pinned-templates.ts';
import type { Template } from '../templates/template.ts';

/** A template holds its fonts and pictures; batches are gone through in the order of their dates. */
const TEMPLATES_KEPT = 4;

type PlannedWith = Pick<PlanDocument, 'template' | 'engine' | 'rendition' | 'assembly'>;

export class PinnedParts implements AsyncDisposable {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #templates = new LRUCache<string, Promise<Template | null>>({ max: TEMPLATES_KEPT });

  private constructor(store: ObjectStore, folder: string) {
    this.#store = store;
    this.#folder = folder;
  }

  static async open(store: ObjectStore): Promise<PinnedParts> {
    return new PinnedParts(store, await mkdtemp(join(tmpdir(), 'nightreel-templates-')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /**
   * The parts of a video of the batch; none for one that is rendered whole. Null: the template is pinned no more, or damaged, and
   * nobody can tell.
   */
  async of(plan: PlannedWith, params: Params, signal: AbortSignal): Promise<readonly VideoPart[] | null> {
    if (plan.assembly === 'whole') return [];
    const template = await this.#template(plan, signal);
    if (template === null) return null;
    return partsOf({ engineDigest: plan.engine.digest, template, rendition: plan.rendition }, params);
  }

  /** Those of them that show or sound otherwise for other params. */
  async personal(plan: PlannedWith, params: Params, signal: AbortSignal): Promise<readonly VideoPart[] | null> {
    const parts = await this.of(plan, params, signal);
    if (parts === null || parts.length === 0) return parts;
    const soundtrackParams = (await this.#template(plan, signal))?.soundtrackParams ?? [];
    return parts.filter(({ scene }) => (scene?.params ?? soundtrackParams).length > 0);
  }

  async #template({ template: { digest } }: PlannedWith, signal: AbortSignal): Promise<Template | null> {
    const known = this.#templates.get(digest) ?? this.#fetch(digest, signal);
    this.#templates.set(digest, known);
    return await known;
  }

  async #fetch(digest: string, signal: AbortSignal): Promise<Template | null> {
    try {
      return await fetchPinnedTemplate(this.#store, digest, this.#folder, signal);
    } catch (error) {
      // Damaged, or not to be read: either way nobody can tell.
      if (error instanceof Failure && error.failureClass === 'StorageDenied') return null;
      throw error;
    }
  }
}
