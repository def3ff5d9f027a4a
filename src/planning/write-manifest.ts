/** Writes the pages of a manifest, one after the other: each once it is known which of its videos are stored. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type BatchRef, objectKeys } from '../contracts/ids.ts';
import type { RenditionId, StoredVideo } from '../contracts/video.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import {
  type ManifestPage,
  type ManifestVariant,
  manifestPages,
  type PageDraft,
  parseManifestPage,
  scenePages,
  videosOf,
} from './manifest.ts';
import type { PlannedVariants } from './planned-variants.ts';
import type { ScenePlan } from './scene-plan.ts';
import { listVideos, storedVideos } from './stored-videos.ts';

/** How far the pages of a batch have been written: what a retry of the plan needs to go on from there. */
export const manifestProgress = z.object({
  pages: z.int().min(0),
  /** Digest of who is on which of those pages. */
  layout: z.string(),
});
export type ManifestProgress = Readonly<z.infer<typeof manifestProgress>>;

export interface ManifestTarget {
  readonly store: ObjectStore;
  readonly batch: BatchRef;
  readonly rendition: RenditionId;
  readonly perPage: number;
}

export interface WrittenManifest {
  readonly pages: number;
  readonly recipientPages: number;
  /** Rank of the first variant on each page, from page 1 on. */
  readonly firstRanks: readonly number[];
  /** By rank: 1 where the video is stored already. */
  readonly stored: Uint8Array;
  readonly storedCount: number;
}

export interface Resumable {
  /** What an earlier attempt at this plan had done. */
  readonly resume?: ManifestProgress | undefined;
  readonly onProgress?: (progress: ManifestProgress) => void;
}

/**
 * Pages that an earlier attempt wrote are taken as they are when the same people are on them now: of those, the store is not asked
 * again what it has. A warehouse that says something else meanwhile makes another manifest, and all pages are written anew.
 */
export async function writeManifest(
  target: ManifestTarget,
  variants: PlannedVariants,
  { resume, onProgress }: Resumable,
  signal: AbortSignal,
): Promise<WrittenManifest> {
  const { store, batch, rendition } = target;
  const drafts = () => manifestPages(variants, rendition, target.perPage);
  const written = resume !== undefined && layoutOf(drafts(), resume.pages) === resume.layout ? resume.pages : 0;
  const mayBeStored = await listVideos(store, variants, signal);

  const layout = new Layout();
  const stored = new Uint8Array(variants.size);
  const firstRanks: number[] = [];
  let [rank, storedCount, recipientPages] = [0, 0, 0];
  for (const draft of drafts()) {
    const { page, variants: held } = draft.page;
    signal.throwIfAborted();
    layout.add(draft);
    let whole = page <= written ? await earlierPage(target, draft, signal) : null;
    if (whole === null) {
      const found = (await storedVideos(store, held.flatMap(videosOf), mayBeStored, signal)).values();
      whole = { page, variants: held.map((variant) => withStored(variant, found)) };
      // Before the page that names them.
      for (const people of draft.recipientPages()) {
        await putPage(store, objectKeys.recipientPage(batch, people.page), people, signal);
      }
      await putPage(store, objectKeys.manifestPage(batch, page), whole, signal);
    }
    firstRanks.push(rank);
    for (const { cached } of whole.variants) {
      if (cached !== null) {
        stored[rank] = 1;
        storedCount += 1;
      }
      rank += 1;
    }
    recipientPages += draft.recipientPageCount;
    if (page > written) onProgress?.({ pages: page, layout: layout.digest() });
  }
  return { pages: firstRanks.length, recipientPages, firstRanks, stored, storedCount };
}

/** Writes the scenes that several videos need, and on the manifest's pages which videos need no browser. Returns the pages of scenes. */
export async function writeScenes(
  { store, batch }: ManifestTarget,
  { firstRanks, stored }: WrittenManifest,
  scenes: ScenePlan,
  perPage: number,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const page of scenePages(scenes.shared(), perPage)) {
    await putPage(store, objectKeys.scenePage(batch, page.page), page, signal);
    count = page.page;
  }
  let nth = 0;
  for (const [at, first] of firstRanks.entries()) {
    const end = firstRanks[at + 1] ?? stored.length;
    const joinable = new Set<number>();
    for (let rank = first; rank < end; rank += 1) {
      if (stored[rank] === 1) continue;
      if (scenes.isJoinable(nth)) joinable.add(rank - first);
      nth += 1;
    }
    if (joinable.size === 0) continue;
    const key = objectKeys.manifestPage(batch, at + 1);
    const { page, variants } = parseManifestPage((await store.getText(key, signal)) ?? '', key);
    const marked = variants.map((variant) => ({ ...variant, joinable: joinable.has(variant.index) }));
    await putPage(store, key, { page, variants: marked }, signal);
  }
  return count;
}

/** @param found what the store has of the variants' videos, in their order. */
function withStored(variant: ManifestVariant, found: Iterator<StoredVideo | null>): ManifestVariant {
  const next = (): StoredVideo | null => found.next().value ?? null;
  if (variant.videos === undefined) return { ...variant, cached: next() };
  const videos = variant.videos.map((video) => ({ ...video, cached: next() }));
  const isWhole = videos.every(({ cached }) => cached !== null);
  return { ...variant, videos, cached: isWhole ? (videos[0]?.cached ?? null) : null };
}

async function putPage(store: ObjectStore, key: string, page: object, signal: AbortSignal) {
  await store.put(key, JSON.stringify(page), { contentType: 'application/json' }, signal);
}

/** The page as an earlier attempt left it; null when it is not there or not that page. */
async function earlierPage(
  { store, batch }: ManifestTarget,
  { page }: PageDraft,
  signal: AbortSignal,
): Promise<ManifestPage | null> {
  const key = objectKeys.manifestPage(batch, page.page);
  const text = await store.getText(key, signal);
  const found = text === null ? null : parseManifestPage(text, key);
  const peopleOf = ({ variants }: ManifestPage) =>
    JSON.stringify(
      variants.map(({ key, recipients, recipientPages, destinations, videos }) => [
        ...[key, recipients, recipientPages, destinations],
        videos?.map((video) => video.key),
      ]),
    );
  return found !== null && peopleOf(found) === peopleOf(page) ? found : null;
}

/** Who is on which page, as a digest that grows page by page. */
class Layout {
  readonly #hash = createHash('sha256');

  add({ page, recipientPages }: PageDraft): void {
    for (const { key, recipients, destinations } of page.variants) {
      this.#hash.update(JSON.stringify([page.page, key, recipients, ...(destinations ? [destinations] : [])]));
    }
    for (const people of recipientPages()) this.#hash.update(JSON.stringify(people));
  }

  digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 32);
  }
}

/** The layout of the first so many pages. */
function layoutOf(drafts: Iterable<PageDraft>, pages: number): string {
  const layout = new Layout();
  for (const draft of drafts) {
    if (draft.page.page > pages) break;
    layout.add(draft);
  }
  return layout.digest();
}
